//! One wait of the running context.

use crate::cancel;
use crate::context::{self, Context};
use crate::reason::Reason;
use crate::slot::{HeldByWinner, Outcome};
use crate::ticket::Ticket;
use std::time::Instant;

/// Whether the time ran out or somebody signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Waited {
    /// The ticket was signalled.
    Signaled,
    /// The deadline passed first.
    TimedOut,
}

/// One wait of the running context: begin, hand the [`ticket`](Self::ticket) to whoever may end the wait, then wait.
///
/// It works alike in a tasklet, in a future that the runtime polls, and on an OS thread. Dropping it without waiting ends
/// the wait; its ticket is dead from then on.
///
/// ```
/// use tasklets_park::{Waited, Waiter};
///
/// let waiter = Waiter::begin();
/// let ticket = waiter.ticket();
/// let other = std::thread::spawn(move || assert!(ticket.signal()));
/// assert_eq!(waiter.wait(None), Waited::Signaled);
/// other.join().unwrap();
/// assert!(!ticket.signal(), "the wait is over");
/// ```
// Two words, so that it is passed in registers: stored in pieces and copied whole it would cost several nanoseconds.
#[derive(Debug)]
pub struct Waiter {
    context: *const Context,
    ticket: Ticket,
}

impl Waiter {
    /// Begins a wait of the running context, which must not have another one under way.
    #[inline]
    pub fn begin() -> Self {
        Self::begin_as(std::thread::panicking())
    }

    /// As [`begin`](Self::begin), for a wait that cannot be cancelled: one that memory safety hangs on, such as a scope's
    /// for its children.
    #[inline]
    pub fn begin_firmly() -> Self {
        Self::begin_as(true)
    }

    #[inline]
    fn begin_as(firm: bool) -> Self {
        let context = context::current();
        // SAFETY: the current context is valid while its code runs, and that code is running.
        let (generation, index) = unsafe { ((*context).begin(firm), (*context).index()) };
        Self { context, ticket: Ticket::new(index, generation) }
    }

    /// The context, if its code is the code that runs and this is its present wait.
    ///
    /// Tasklets of one home share a thread, so a waiter that is neither Send nor Sync can still get to another tasklet, through a
    /// thread-local for example. Comparing addresses keeps that harmless: the running context is alive.
    #[inline]
    fn running(&self) -> Option<&Context> {
        let current = context::current();
        // SAFETY: the current context is valid while its code runs, and that code is running.
        let context = unsafe { &*current };
        (std::ptr::eq(current, self.context) && context.slot().generation() == self.ticket.generation())
            .then_some(context)
    }

    /// # Panics
    /// In another tasklet, or on another thread's stack, than the wait was begun in.
    #[inline]
    fn context(&self) -> &Context {
        self.running().expect("a `Waiter` is used where it was begun")
    }

    /// Says what the wait is for, for reports.
    #[inline]
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        self.context().set_reason(reason);
        self
    }

    /// The right to end this wait.
    #[inline]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Suspends the context until the ticket is signalled or `deadline` passes.
    ///
    /// # Panics
    /// Elsewhere than where it was begun.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call with the payload [`Cancelled`](crate::Cancelled), so
    /// whatever the ticket was put into should be cleaned up by a guard. If the ticket was signalled before, the call returns,
    /// so what the signal stands for is not lost, and the next wait unwinds. A wait begun while the tasklet was already
    /// unwinding (in a destructor) is not cancelled, nor is one begun firmly.
    #[inline]
    pub fn wait(self, deadline: Option<Instant>) -> Waited {
        let context = self.context();
        let (slot, generation) = (context.slot(), self.ticket.generation());
        if context.is_cancelled() && !context.is_firm() {
            // Settled with the signallers like any other race: one that won has handed something over.
            let _ = slot.claim(generation, Outcome::Cancelled);
        }
        if slot.outcome().is_none() {
            context.suspend(generation, deadline);
        }
        std::mem::forget(self);
        match slot.finish() {
            Ok(Some(Outcome::Signaled)) => Waited::Signaled,
            Ok(Some(Outcome::TimedOut)) => Waited::TimedOut,
            Ok(Some(Outcome::Cancelled)) => cancel::unwind(),
            Ok(None) | Err(_) => unreachable!("a context is resumed only after a winner ended its wait"),
        }
    }

    /// Ends the wait without waiting for it. True: nobody had won it, and its ticket is dead. False: it was signalled; if the signaller
    /// was busy with the owner's frame, it is done.
    ///
    /// # Panics
    /// Elsewhere than where it was begun.
    #[inline]
    pub fn withdraw(self) -> bool {
        let this = std::mem::ManuallyDrop::new(self);
        end(this.context(), this.ticket.generation()) != Some(Outcome::Signaled)
    }

    /// As [`withdraw`](Self::withdraw), but never waits.
    ///
    /// # Errors
    /// Gives the wait back if a signaller is busy with the owner's frame: its signal will come.
    ///
    /// # Panics
    /// Elsewhere than where it was begun.
    #[inline]
    pub fn try_withdraw(self) -> Result<bool, Self> {
        match self.context().slot().finish() {
            Ok(outcome) => {
                std::mem::forget(self);
                Ok(outcome != Some(Outcome::Signaled))
            }
            Err(HeldByWinner) => Err(self),
        }
    }
}

/// Ends the running wait of `context`, which is the current one, waiting for a winner that holds it.
fn end(context: &Context, generation: u64) -> Option<Outcome> {
    loop {
        match context.slot().finish() {
            Ok(outcome) => return outcome,
            Err(HeldByWinner) => context.suspend(generation, None),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // Elsewhere than where it was begun it is a wait that its owner has long forgotten.
        if let Some(context) = self.running() {
            let _ = end(context, self.ticket.generation());
        }
    }
}
