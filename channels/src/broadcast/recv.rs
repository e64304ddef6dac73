//! Receiving in a future.

use super::error::RecvError;
use super::receiver::Receiver;
use crate::queued::Queued;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ready with the next message: made by [`Receiver::recv_async`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Recv<'a, T> {
    pub(super) receiver: &'a mut Receiver<T>,
    pub(super) queued: Queued,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.queued.poll_until(this.receiver, Receiver::queue, cx, Receiver::attempt)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.queued.leave(self.receiver.queue());
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
