//! Receiving one message in a future.

use super::handle::Handle;
use super::pending::Pending;
use crate::err::RecvError;
use crate::receiver::Receiver;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that receives one message, made by [`Receiver::recv_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct RecvFuture<'a, T> {
    receiver: Handle<'a, Receiver<T>>,
    /// Pinned with this value.
    pending: Pending<T>,
}

impl<T> Receiver<T> {
    /// Receives a message in a future, which is ready when there is one. Works on any executor.
    ///
    /// ```
    /// # use tasklets_park::block_on;
    /// let (s, r) = tasklets_channels::unbounded();
    /// std::thread::spawn(move || s.send(5).unwrap());
    /// block_on(async {
    ///     assert_eq!(r.recv_async().await, Ok(5));
    ///     assert!(r.recv_async().await.is_err());
    /// });
    /// ```
    ///
    /// On [`after`](crate::after), [`at`](crate::at) and [`tick`](crate::tick) a thread that all such futures of the process share
    /// wakes the future when the time has come; it ends when there has been nothing to do for some seconds.
    ///
    /// # Errors
    /// Its output is [`RecvError`] if no message will come: the channel is empty, and closed or without senders.
    ///
    /// # Cancellation
    /// The future may be dropped at any time. No message is lost: what would have come to it goes to another receiver. One exception: if
    /// the sender of a rendezvous channel had put a message into its hands, and the channel has been closed since, that message is dropped
    /// with it, because others may have been told already that nothing more will come.
    pub fn recv_async(&self) -> RecvFuture<'_, T> {
        RecvFuture::new(Handle::Borrowed(self))
    }
}

impl<'a, T> RecvFuture<'a, T> {
    pub(super) fn new(receiver: Handle<'a, Receiver<T>>) -> Self {
        let pending = Pending::new(receiver.flavor());
        Self { receiver, pending }
    }

    /// The receiver, and the operation, which is pinned with `self`.
    fn project(self: Pin<&mut Self>) -> (&Receiver<T>, Pin<&mut Pending<T>>) {
        // SAFETY: `pending` is only ever reached through a pin: here, where nothing moves it, and in `drop`.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        (&this.receiver, unsafe { Pin::new_unchecked(&mut this.pending) })
    }

    /// Begins another operation after one that was ready.
    pub(super) fn renew(self: Pin<&mut Self>) {
        let (receiver, mut pending) = self.project();
        pending.set(Pending::new(receiver.flavor()));
    }
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (receiver, pending) = self.project();
        pending.poll(receiver.flavor(), context)
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    fn drop(&mut self) {
        // SAFETY: a value that is being dropped is not moved any more, so it may be pinned from here on, if it was not before.
        let (receiver, pending) = unsafe { Pin::new_unchecked(self) }.project();
        pending.abandon(receiver.flavor());
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").finish_non_exhaustive()
    }
}
