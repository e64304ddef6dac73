//! Waiting for a change in a future.

use super::receiver::Receiver;
use crate::RecvError;
use crate::queued::Queued;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ready when there is a value that the receiver has not seen: made by [`Receiver::changed_async`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Changed<'a, T> {
    pub(super) receiver: &'a mut Receiver<T>,
    pub(super) queued: Queued,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.queued.poll_until(this.receiver, Receiver::queue, cx, Receiver::see_change)
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        self.queued.leave(self.receiver.queue());
    }
}

impl<T> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("has_changed", &self.receiver.has_changed()).finish_non_exhaustive()
    }
}
