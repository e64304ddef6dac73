//! The place of a future in a wait queue.
//!
//! What `WaitQueue::wait` is to a tasklet or a thread, a `Place` is to a future: it registers, asks whether the wait is needed
//! at all, waits, and leaves the queue in order when it is dropped early.
//!
//! *Dropped against woken.* (1) Somebody pops the place. (2) The future is dropped before it is polled again. (3) `withdraw` says
//! that the wait was won. What the wake-up stood for is then in nobody's hands, so `forfeit` is called to pass it on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tasklets_park::{Note, PolledWaiter, Wait, WaitQueue};

/// See the [module](self). Resolves to `Wait::Ready` or `Wait::Woken`.
pub(super) struct Place<'a, R: FnOnce() -> bool, F: FnMut()> {
    queue: &'a WaitQueue,
    /// What whoever pops the place gets; what it leads to outlives the place.
    note: Note,
    /// Asked once, after registering.
    ready: Option<R>,
    forfeit: F,
    waiter: Option<PolledWaiter>,
}

// Nothing in it is pinned in place: the queue knows its waiter by a ticket.
impl<R: FnOnce() -> bool, F: FnMut()> Unpin for Place<'_, R, F> {}

impl<'a, R: FnOnce() -> bool, F: FnMut()> Place<'a, R, F> {
    pub(super) fn new(queue: &'a WaitQueue, note: Note, ready: R, forfeit: F) -> Self {
        Self { queue, note, ready: Some(ready), forfeit, waiter: None }
    }
}

impl<R: FnOnce() -> bool, F: FnMut()> Future for Place<'_, R, F> {
    type Output = Wait;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Wait> {
        let this = self.get_mut();
        if let Some(ready) = this.ready.take() {
            let waiter = this.waiter.insert(PolledWaiter::begin());
            this.queue.push(waiter.ticket(), this.note);
            if ready() {
                return Poll::Ready(leave(this.queue, this.waiter.take()));
            }
        }
        let waiter = this.waiter.as_mut().expect("a future is not polled after it has ended");
        if waiter.poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(leave(this.queue, this.waiter.take()))
    }
}

impl<R: FnOnce() -> bool, F: FnMut()> Drop for Place<'_, R, F> {
    fn drop(&mut self) {
        if self.waiter.is_some() && leave(self.queue, self.waiter.take()) == Wait::Woken {
            (self.forfeit)();
        }
    }
}

/// Ends the wait and says how: `Woken` if somebody had popped it.
fn leave(queue: &WaitQueue, waiter: Option<PolledWaiter>) -> Wait {
    if waiter.is_some_and(PolledWaiter::withdraw) {
        queue.forsake();
        return Wait::Ready;
    }
    Wait::Woken
}
