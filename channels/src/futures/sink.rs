//! A sender as a sink.

use super::handle::Handle;
use crate::channel::SendWait;
use crate::err::{SendError, TrySendError};
use crate::sender::Sender;
use futures_sink::Sink;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A [`Sink`] that sends what it is given, made by [`Sender::sink`] and [`Sender::into_sink`].
///
/// `start_send` sends at once if that needs no waiting. A message that must wait is kept in the sink, one at most, and is sent by
/// polling `poll_flush`, `poll_ready` or `poll_close`; dropping the sink before drops it. An error gives the message back.
///
/// Closing the sink flushes it and lets its sender go, if it owns it. The channel is closed when the last sender has gone.
#[must_use = "a sink sends nothing by itself"]
pub struct SendSink<'a, T> {
    /// None once the sink is closed.
    sender: Option<Handle<'a, Sender<T>>>,
    /// The message that waits; only while there is a sender. Pinned with this value.
    wait: Option<SendWait<T>>,
}

impl<T> Sender<T> {
    /// A sink that sends into the channel, for `async` code. Works on any executor.
    ///
    /// ```
    /// use futures_sink::Sink;
    /// use std::{future::poll_fn, pin::pin};
    /// # use tasklets_park::block_on;
    ///
    /// let (s, r) = tasklets_channels::bounded(1);
    /// let receiver = std::thread::spawn(move || r.iter().collect::<Vec<_>>());
    /// block_on(async {
    ///     let mut sink = pin!(s.sink());
    ///     // With an extension trait for sinks: `sink.send(message).await`.
    ///     for message in ["a", "b", "c"] {
    ///         poll_fn(|context| sink.as_mut().poll_ready(context)).await.unwrap();
    ///         sink.as_mut().start_send(message).unwrap();
    ///     }
    ///     poll_fn(|context| sink.as_mut().poll_close(context)).await.unwrap();
    /// });
    /// drop(s);
    /// assert_eq!(receiver.join().unwrap(), ["a", "b", "c"]);
    /// ```
    ///
    /// # Cancellation
    /// Futures that wait for the sink may be dropped at any time: the message stays in the sink. Dropping the sink itself is as dropping
    /// the future of [`send_async`](Self::send_async).
    pub fn sink(&self) -> SendSink<'_, T> {
        SendSink { sender: Some(Handle::Borrowed(self)), wait: None }
    }

    /// As [`sink`](Self::sink), and the sink owns the sender.
    ///
    /// ```
    /// use futures_sink::Sink;
    ///
    /// fn log(lines: tasklets_channels::Sender<String>) -> impl Sink<String> + Send + 'static {
    ///     lines.into_sink()
    /// }
    /// # let _ = log(tasklets_channels::unbounded().0);
    /// ```
    pub fn into_sink(self) -> SendSink<'static, T> {
        SendSink { sender: Some(Handle::Owned(self)), wait: None }
    }
}

impl<'a, T> SendSink<'a, T> {
    /// The sender, and the message that waits, which is pinned with `self`.
    #[expect(clippy::type_complexity, reason = "the two fields")]
    fn project(self: Pin<&mut Self>) -> (&mut Option<Handle<'a, Sender<T>>>, Pin<&mut Option<SendWait<T>>>) {
        // SAFETY: `wait` is only ever reached through this pin, and nothing moves it; `sender` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        (&mut this.sender, unsafe { Pin::new_unchecked(&mut this.wait) })
    }
}

impl<T> Sink<T> for SendSink<'_, T> {
    type Error = SendError<T>;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.poll_flush(context)
    }

    /// # Panics
    /// If a message still waits: `poll_ready` was not asked, or was not ready.
    fn start_send(self: Pin<&mut Self>, message: T) -> Result<(), SendError<T>> {
        let (sender, mut wait) = self.project();
        assert!(wait.is_none(), "`start_send` comes after `poll_ready` was ready");
        let Some(sender) = sender else { return Err(SendError(message)) };
        match sender.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(message)) => Err(SendError(message)),
            Err(TrySendError::Full(message)) => {
                wait.set(Some(sender.channel().send_async(message)));
                Ok(())
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let (sender, mut wait) = self.project();
        let (Some(sender), Some(waiting)) = (sender, wait.as_mut().as_pin_mut()) else { return Poll::Ready(Ok(())) };
        let sent = ready!(waiting.poll(sender.channel(), context));
        wait.set(None);
        Poll::Ready(sent)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let flushed = ready!(self.as_mut().poll_flush(context));
        *self.project().0 = None;
        Poll::Ready(flushed)
    }
}

impl<T> Drop for SendSink<'_, T> {
    fn drop(&mut self) {
        // SAFETY: a value that is being dropped is not moved any more, so it may be pinned from here on, if it was not before.
        let (sender, wait) = unsafe { Pin::new_unchecked(self) }.project();
        if let (Some(sender), Some(waiting)) = (sender, wait.as_pin_mut()) {
            waiting.abandon(sender.channel());
        }
    }
}

impl<T> fmt::Debug for SendSink<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink").finish_non_exhaustive()
    }
}
