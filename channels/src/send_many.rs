//! Sending several messages with one call.

use crate::err::SendError;
use crate::sender::Sender;
use std::fmt;

impl<T> Sender<T> {
    /// Sends all that `messages` yields, in order, waiting for each as [`send`](Self::send) does. Returns how many.
    ///
    /// They are not one unit: messages of other senders may come between, and a receiver may have the first before the last is made.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::bounded(2);
    /// let sender = std::thread::spawn(move || s.send_many(1..=4).unwrap());
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    /// assert_eq!(sender.join().unwrap(), 4);
    /// ```
    ///
    /// # Errors
    /// [`SendManyError`] if the channel is closed or no receiver is left, before the first or on the way. It says how many were sent
    /// and gives back the message that was not, and the rest of the iterator.
    ///
    /// # Panics
    /// If the iterator does; what it had yielded is sent.
    ///
    /// # Cancellation
    /// A tasklet that is told to end while it waits unwinds out of this call. The message that waited and the rest of the iterator are
    /// dropped; those before it are sent.
    pub fn send_many<I>(&self, messages: I) -> Result<usize, SendManyError<I::IntoIter>>
    where
        I: IntoIterator<Item = T>,
    {
        let mut rest = messages.into_iter();
        let mut sent = 0;
        while let Some(message) = rest.next() {
            if let Err(SendError(unsent)) = self.send(message) {
                return Err(SendManyError { sent, unsent, rest });
            }
            sent += 1;
        }
        Ok(sent)
    }
}

/// [`Sender::send_many`] came upon a closed channel: what was not sent.
///
/// ```
/// let (s, r) = tasklets_channels::unbounded();
/// drop(r);
/// let error = s.send_many(vec!["a", "b", "c"]).unwrap_err();
/// assert_eq!(error.sent, 0);
/// assert_eq!(error.into_unsent().collect::<Vec<_>>(), ["a", "b", "c"]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SendManyError<I: Iterator> {
    /// How many were sent before.
    pub sent: usize,
    /// The message that could not be sent.
    pub unsent: I::Item,
    /// The iterator that comes after it.
    pub rest: I,
}

impl<I: Iterator> SendManyError<I> {
    /// All that was not sent, in order: the message that could not be, then the rest of the iterator.
    pub fn into_unsent(self) -> std::iter::Chain<std::iter::Once<I::Item>, I> {
        std::iter::once(self.unsent).chain(self.rest)
    }
}

impl<I: Iterator> fmt::Debug for SendManyError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendManyError").field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl<I: Iterator> fmt::Display for SendManyError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sending on a closed channel, after {} messages were sent; the others are in the error", self.sent)
    }
}

impl<I: Iterator> std::error::Error for SendManyError<I> {}
