//! One permit that one owner waits for: what `park`/`unpark` and wakers are made of.

use crate::reason::Reason;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::ticket::Ticket;
use crate::waiter::{Waited, Waiter};
use std::time::Instant;

const EMPTY: u64 = 0;
const NOTIFIED: u64 = 1;

/// One permit. Anyone may [`notify`](Self::notify); its one owner waits for it and takes it.
///
/// | word     | meaning                                     | left by                                       |
/// |----------|---------------------------------------------|-----------------------------------------------|
/// | EMPTY    | no permit, nobody waits                     | a notifier: NOTIFIED; the owner: its ticket    |
/// | NOTIFIED | a permit                                    | the owner, who takes it: EMPTY                |
/// | a ticket | no permit, the owner waits with this ticket | a notifier, or the owner giving up: EMPTY     |
///
/// A notifier that finds a ticket takes it out and hands the permit over by signalling it, so the owner that is woken need not
/// look at the word again, and a later notification is a permit of its own. If the signal fails (the owner's wait has ended
/// otherwise) the permit is put into the word after all, for the owner's next wait. Owner and notifier change the word by
/// compare-and-swap, so one of the two sees the other: no wakeup is lost. Permits do not add up.
///
/// The owner of a firm wait may free the token as soon as it has the permit: a notifier's last access is the change to NOTIFIED,
/// or the removal of the ticket, whose signal cannot fail.
#[derive(Debug, Default)]
pub struct Token(AtomicU64);

impl Token {
    /// No permit, nobody waiting.
    #[cfg(not(tasklets_loom))]
    pub const fn new() -> Self {
        Self(AtomicU64::new(EMPTY))
    }

    /// No permit, nobody waiting.
    #[cfg(tasklets_loom)]
    pub fn new() -> Self {
        Self(AtomicU64::new(EMPTY))
    }

    /// Makes the permit available and wakes the owner if it waits. Never suspends.
    #[inline]
    pub fn notify(&self) {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let ticket = // SAFETY: every other word was put there by `wait_as`, from a ticket.
            (seen > NOTIFIED).then(|| unsafe { Ticket::from_bits(seen) });
            let next = if ticket.is_some() { EMPTY } else { NOTIFIED };
            // Also over NOTIFIED: the owner that takes that permit must see what this notifier wrote.
            match self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if ticket.is_none_or(Ticket::signal) => return,
                // The wait was over: the permit is for the next one.
                Ok(_) => seen = EMPTY,
                Err(now) => seen = now,
            }
        }
    }

    /// Owner: takes the permit if there is one.
    #[inline]
    pub fn try_take(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NOTIFIED && self.0.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }

    /// Owner: waits for the permit and takes it. May be cancelled, as [`Waiter::wait`] says; the permit is then kept.
    #[inline]
    pub fn wait(&self, deadline: Option<Instant>) -> Waited {
        self.wait_as(Waiter::begin, deadline)
    }

    /// As [`wait`](Self::wait), and says what for.
    #[inline]
    pub fn wait_because(&self, reason: Reason, deadline: Option<Instant>) -> Waited {
        self.wait_as(|| Waiter::begin().because(reason), deadline)
    }

    /// As [`wait`](Self::wait), but cannot be cancelled.
    pub fn wait_firmly(&self) {
        self.wait_firmly_because(Reason::Other);
    }

    /// As [`wait_firmly`](Self::wait_firmly), and says what for.
    pub fn wait_firmly_because(&self, reason: Reason) {
        let _ = self.wait_as(|| Waiter::begin_firmly().because(reason), None);
    }

    #[inline]
    fn wait_as(&self, begin: impl FnOnce() -> Waiter, deadline: Option<Instant>) -> Waited {
        if self.try_take() {
            return Waited::Signaled;
        }
        let waiter = begin();
        let ticket = waiter.ticket().into_bits();
        if self.0.compare_exchange(EMPTY, ticket, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // Only a permit can have come between: nobody else waits. By a swap, so that we see what all notifiers up to now
            // wrote.
            self.0.swap(EMPTY, Ordering::Acquire);
            return Waited::Signaled;
        }
        let published = Published { token: self, ticket };
        let waited = waiter.wait(deadline);
        if waited == Waited::Signaled {
            std::mem::forget(published);
        }
        waited
    }
}

/// The memory goes away: the model fails if any access did not happen before, or comes after.
#[cfg(tasklets_loom)]
impl Drop for Token {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.with_mut(|_| ());
        }
    }
}

/// Takes the ticket out of the token again if the wait ends without a permit.
struct Published<'a> {
    token: &'a Token,
    ticket: u64,
}

impl Drop for Published<'_> {
    fn drop(&mut self) {
        // Fails if a notifier has taken it out: it finds the wait over, and leaves a permit.
        let _ = self.token.0.compare_exchange(self.ticket, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
    }
}
