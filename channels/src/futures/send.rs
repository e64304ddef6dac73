//! Sending one message in a future.

use crate::channel::SendWait;
use crate::err::SendError;
use crate::sender::Sender;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that sends one message, made by [`Sender::send_async`].
#[must_use = "a future does nothing until it is polled: the message is not sent"]
pub struct SendFuture<'a, T> {
    sender: &'a Sender<T>,
    /// Pinned with this value.
    wait: SendWait<T>,
}

impl<T> Sender<T> {
    /// Sends a message in a future, which is ready once it is sent: as [`send`](Self::send), without blocking. Works on any executor.
    ///
    /// ```
    /// # use tasklets_park::block_on;
    /// let (s, r) = tasklets_channels::bounded(1);
    /// let receiver = std::thread::spawn(move || r.iter().collect::<Vec<_>>());
    /// block_on(async {
    ///     s.send_async(1).await.unwrap();
    ///     s.send_async(2).await.unwrap();
    /// });
    /// drop(s);
    /// assert_eq!(receiver.join().unwrap(), [1, 2]);
    /// ```
    ///
    /// # Errors
    /// Its output is [`SendError`], with the message, if the channel is closed or no receiver is left, also when that happens while it
    /// waits.
    ///
    /// # Cancellation
    /// The future may be dropped at any time. A message that was not sent by then is dropped with it; it may also be sent by then without
    /// the future having said so. It is never both.
    pub fn send_async(&self, message: T) -> SendFuture<'_, T> {
        SendFuture { sender: self, wait: self.channel().send_async(message) }
    }
}

impl<T> SendFuture<'_, T> {
    /// The sender, and the operation, which is pinned with `self`.
    fn project(self: Pin<&mut Self>) -> (&Sender<T>, Pin<&mut SendWait<T>>) {
        // SAFETY: `wait` is only ever reached through this pin, and nothing moves it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        (this.sender, unsafe { Pin::new_unchecked(&mut this.wait) })
    }
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (sender, wait) = self.project();
        wait.poll(sender.channel(), context)
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        // SAFETY: a value that is being dropped is not moved any more, so it may be pinned from here on, if it was not before.
        let (sender, wait) = unsafe { Pin::new_unchecked(self) }.project();
        wait.abandon(sender.channel());
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").finish_non_exhaustive()
    }
}
