//! One wait of a future.

use crate::slot::{Committed, HeldByWinner, Outcome, Slot};
use crate::slots;
use crate::sync::spin_until;
use crate::ticket::Ticket;
use std::task::{Context, Poll, RawWakerVTable, Waker};

/// One wait of a future: begin, hand the [`ticket`](Self::ticket) to whoever may end it, then [`poll`](Self::poll).
///
/// It is to a future what [`Waiter`](crate::Waiter) is to a context, and it may move between threads and tasks while it waits.
#[derive(Debug)]
pub struct PolledWaiter {
    slot: &'static Slot,
    index: u32,
    generation: u64,
    /// The parts of the waker that the slot has, to tell whether another one came; only compared.
    left: Option<(*const (), &'static RawWakerVTable)>,
}

// SAFETY: the pointer in `left` is compared and never followed; everything else is Send.
unsafe impl Send for PolledWaiter {}
// SAFETY: a shared reference gives the ticket and nothing else.
unsafe impl Sync for PolledWaiter {}

impl PolledWaiter {
    /// Begins a wait.
    pub fn begin() -> Self {
        let index = slots::take();
        let slot = slots::get(index);
        Self { slot, index, generation: slot.begin(), left: None }
    }

    /// The right to end this wait.
    #[inline]
    pub fn ticket(&self) -> Ticket {
        Ticket::new(self.index, self.generation)
    }

    /// Ready once the wait was signalled; until then the task of `cx` is woken when it is.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.slot.outcome().is_some() {
            return Poll::Ready(());
        }
        if let Some((data, vtable)) = self.left {
            if data == cx.waker().data() && std::ptr::eq(vtable, cx.waker().vtable()) {
                return Poll::Pending;
            }
            if !self.slot.unpoll(self.generation) {
                return self.poll_held(cx);
            }
            // Before anything of a waker's can panic.
            self.left = None;
            // SAFETY: `unpoll` succeeded, so the word is WAITING and the cells are ours.
            drop(unsafe { self.slot.take_waker() });
        }
        let waker: Waker = cx.waker().clone();
        self.left = Some((waker.data(), waker.vtable()));
        self.slot.set_waker(waker);
        match self.slot.commit_poll(self.generation) {
            Committed::Parked => Poll::Pending,
            Committed::Ready => Poll::Ready(()),
        }
    }

    /// A winner was first, and perhaps it wakes the task that polled before.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if spin_until(|| self.slot.outcome().is_some()) || self.slot.outcome().is_some() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends the wait. True: nobody had won it, and its ticket is dead. False: it was signalled; if the signaller was busy with the owner's
    /// frame, it is done.
    pub fn withdraw(self) -> bool {
        let mut this = std::mem::ManuallyDrop::new(self);
        this.end() != Some(Outcome::Signaled)
    }

    fn end(&mut self) -> Option<Outcome> {
        let outcome = loop {
            match self.slot.finish() {
                Ok(outcome) => break outcome,
                Err(HeldByWinner) => self.slot.sleep_until_released(),
            }
        };
        // SAFETY: the wait is over and no winner is left, so the cells are ours.
        drop(unsafe { self.slot.take_waker() });
        // A spent slot is left alone for ever: a stale ticket may name any of its generations.
        if !self.slot.is_spent() {
            slots::give(self.index);
        }
        outcome
    }
}

impl Drop for PolledWaiter {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
