//! Something that happens once, and those who wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use tasklets_park::{Ticket, Waiter};

/// Closed at first, then open for ever. Any number of contexts wait for it to open.
#[derive(Debug, Default)]
pub(super) struct Latch {
    /// Set under the lock of `waiters`, so that whoever finds it clear there is woken.
    open: AtomicBool,
    /// Those who were cancelled stay in it; their tickets signal nobody.
    waiters: Mutex<Vec<Ticket>>,
}

impl Latch {
    /// Wakes all who wait. What was done before is visible to them.
    pub(super) fn open(&self) {
        // A push and this are all that is done under the lock, so poison is ignored.
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        // Release: partner of the acquire in `is_open`.
        self.open.store(true, Ordering::Release);
        for ticket in waiters.drain(..) {
            ticket.signal();
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until it is open. May be cancelled, as [`Waiter::wait`] says.
    pub(super) fn wait(&self) {
        if self.is_open() {
            return;
        }
        let waiter = Waiter::begin();
        {
            let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            if self.is_open() {
                return;
            }
            waiters.push(waiter.ticket());
        }
        let _ = waiter.wait(None);
    }
}
