//! A receiver as a stream.

use super::handle::Handle;
use super::recv::RecvFuture;
use crate::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A [`Stream`] of received messages, made by [`Receiver::stream`] and [`Receiver::into_stream`].
///
/// It yields messages until the channel is empty and closed.
#[must_use = "a stream does nothing until it is polled"]
pub struct RecvStream<'a, T> {
    /// Pinned with this value.
    next: RecvFuture<'a, T>,
    ended: bool,
}

impl<T> Receiver<T> {
    /// A stream of the messages, for `async` code. Works on any executor.
    ///
    /// ```
    /// use futures_core::Stream;
    /// use std::{future::poll_fn, pin::pin};
    /// # use tasklets_park::block_on;
    ///
    /// let (s, r) = tasklets_channels::unbounded();
    /// s.send_many(["a", "b"]).unwrap();
    /// drop(s);
    /// block_on(async {
    ///     let mut messages = pin!(r.stream());
    ///     let mut all = String::new();
    ///     // With an extension trait for streams: `while let Some(message) = messages.next().await`.
    ///     while let Some(message) = poll_fn(|context| messages.as_mut().poll_next(context)).await {
    ///         all += message;
    ///     }
    ///     assert_eq!(all, "ab");
    /// });
    /// ```
    ///
    /// # Cancellation
    /// The stream, or a future that waits for its next message, may be dropped at any time. No message is lost. A stream that waits and
    /// is kept without being polled may still be the one that the next message is announced to: drop what is not polled any more.
    pub fn stream(&self) -> RecvStream<'_, T> {
        RecvStream { next: RecvFuture::new(Handle::Borrowed(self)), ended: false }
    }

    /// As [`stream`](Self::stream), and the stream owns the receiver.
    ///
    /// ```
    /// use futures_core::Stream;
    ///
    /// fn messages() -> impl Stream<Item = u32> + Send + 'static {
    ///     let (s, r) = tasklets_channels::bounded(4);
    ///     std::thread::spawn(move || s.send_many(0..100));
    ///     r.into_stream()
    /// }
    /// # let _ = messages();
    /// ```
    pub fn into_stream(self) -> RecvStream<'static, T> {
        RecvStream { next: RecvFuture::new(Handle::Owned(self)), ended: false }
    }
}

impl<T> Stream for RecvStream<'_, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: `next` is only ever reached through this pin, and nothing here moves it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let mut next = unsafe { Pin::new_unchecked(&mut this.next) };
        let message = ready!(next.as_mut().poll(context)).ok();
        next.renew();
        this.ended = message.is_none();
        Poll::Ready(message)
    }
}

impl<T> FusedStream for RecvStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> fmt::Debug for RecvStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream").finish_non_exhaustive()
    }
}
