//! The wait of a future for something that all waiters may have at once.

use std::task::{Context, Poll};
use tasklets_park::{Note, PolledWaiter, WaitQueue};

/// A future's place in a wait queue, where it has one.
///
/// For queues whose waiters are always woken together: what wakes it is not passed on if the future is dropped.
#[derive(Debug, Default)]
pub(crate) struct Queued {
    waiter: Option<PolledWaiter>,
}

impl Queued {
    /// Ready with what `attempt` makes of `owner`, as soon as it returns something; it is called again each time the owner's queue
    /// is woken.
    pub(crate) fn poll_until<O, R>(
        &mut self,
        owner: &mut O,
        queue: impl Fn(&O) -> &WaitQueue,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut O) -> Option<R>,
    ) -> Poll<R> {
        loop {
            // Always after registering, if this is to pend: see `WaitQueue`.
            if let Some(result) = attempt(owner) {
                self.leave(queue(owner));
                return Poll::Ready(result);
            }
            match &mut self.waiter {
                None => {
                    let waiter = PolledWaiter::begin();
                    queue(owner).push(waiter.ticket(), Note::NONE);
                    self.waiter = Some(waiter);
                }
                Some(waiter) => {
                    if waiter.poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    // Woken: another place is needed to wait again.
                    self.leave(queue(owner));
                }
            }
        }
    }

    /// Gives the place up.
    pub(crate) fn leave(&mut self, queue: &WaitQueue) {
        if self.waiter.take().is_some_and(PolledWaiter::withdraw) {
            queue.forsake();
        }
    }
}
