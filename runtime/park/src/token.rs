//! One permit that one owner waits for: what `park`/`unpark` and wakers are made of.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::ticket::Ticket;
use crate::waiter::{Waited, Waiter};
use std::time::Instant;

const EMPTY: u64 = 0;
const NOTIFIED: u64 = 1;

/// One permit. Anyone may [`notify`](Self::notify); its one owner waits for it and takes it.
///
/// | word     | meaning                                    |
/// |----------|--------------------------------------------|
/// | EMPTY    | no permit, nobody waits                    |
/// | NOTIFIED | a permit                                   |
/// | a ticket | no permit, the owner waits with this ticket |
///
/// A notification swaps NOTIFIED in and signals the ticket it finds. The owner swaps its ticket in only over EMPTY, so
/// one of the two sees the other: no wakeup is lost. Notifications do not add up.
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
        // Releases what the notifier wrote; acquires nothing it needs, but a swap of a swap keeps the chain.
        let before = self.0.swap(NOTIFIED, Ordering::AcqRel);
        if before > NOTIFIED {
            Ticket::from_bits(before).signal();
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

    /// As [`wait`](Self::wait), but cannot be cancelled.
    pub fn wait_firmly(&self) {
        let _ = self.wait_as(Waiter::begin_firmly, None);
    }

    #[inline]
    fn wait_as(&self, begin: fn() -> Waiter, deadline: Option<Instant>) -> Waited {
        if self.try_take() {
            return Waited::Signaled;
        }
        let waiter = begin();
        let published = Published { token: self, ticket: waiter.ticket().into_bits() };
        let before = self.0.compare_exchange(EMPTY, published.ticket, Ordering::AcqRel, Ordering::Acquire);
        if before.is_err() {
            // Only a notification can have come between: nobody else waits.
            self.0.store(EMPTY, Ordering::Relaxed);
            return Waited::Signaled;
        }
        let waited = waiter.wait(deadline);
        match self.0.swap(EMPTY, Ordering::Acquire) {
            NOTIFIED => Waited::Signaled,
            _ => waited,
        }
    }
}

/// Takes the ticket out of the token again if the wait unwinds.
struct Published<'a> {
    token: &'a Token,
    ticket: u64,
}

impl Drop for Published<'_> {
    fn drop(&mut self) {
        // Fails if a permit has come or the wait ended as usual; both leave the word as it should be.
        let _ = self.token.0.compare_exchange(self.ticket, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
    }
}
