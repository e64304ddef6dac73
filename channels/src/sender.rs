//! The sending handle.

use crate::channel::Channel;
use crate::err::{SendError, SendTimeoutError, TrySendError};
use crate::shared::{End, Senders};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

/// The sending side of a channel, made by [`unbounded`](crate::unbounded) or [`bounded`](crate::bounded).
///
/// Clone it for more senders. When the last one is dropped the channel is closed: receivers get what is left in it, then an error.
/// It works on OS threads, in tasklets and, by [`send_async`](Self::send_async) and [`sink`](Self::sink), in futures, all at once.
///
/// ```
/// let (s1, r) = tasklets_channels::unbounded();
/// let s2 = s1.clone();
/// std::thread::spawn(move || s1.send(1).unwrap());
/// std::thread::spawn(move || s2.send(2).unwrap());
/// assert_eq!(r.iter().sum::<i32>(), 3);
/// ```
pub struct Sender<T> {
    end: End<T, Senders>,
}

// Whatever a panic interrupts, the channel is whole: no operation leaves it between two states.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    pub(crate) fn new(end: End<T, Senders>) -> Self {
        Self { end }
    }

    #[inline]
    pub(crate) fn channel(&self) -> &Channel<T> {
        self.end.channel()
    }

    /// Sends a message if that needs no waiting. Never suspends.
    ///
    /// On a rendezvous channel that is when a receiver is waiting.
    ///
    /// ```
    /// use tasklets_channels::{TrySendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.try_send(1), Ok(()));
    /// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
    /// drop(r);
    /// assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    ///
    /// # Errors
    /// [`Full`](TrySendError::Full) if it would have to wait, [`Disconnected`](TrySendError::Disconnected) if the channel is closed or
    /// no receiver is left. Both give the message back.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.channel().try_send(message)
    }

    /// Sends a message, waiting while the channel is full; on a rendezvous channel, until a receiver has taken it.
    ///
    /// A tasklet is suspended meanwhile and its worker goes on; an OS thread sleeps. Into an unbounded channel it never waits, and never
    /// suspends.
    ///
    /// A tasklet that sends and never has to wait would keep the others of its worker from running. So after many operations that did not
    /// wait it gives them a turn, which comes after the message is sent. Hold no lock of `std` over a send into a bounded channel, then, nor
    /// a borrow that your neighbours may want; [`try_send`](Self::try_send) never suspends.
    ///
    /// ```
    /// use tasklets_channels::{SendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send(1), Ok(()));
    /// drop(r);
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// ```
    ///
    /// # Sending an error
    /// Stackless Python's `send_exception` raises an exception at the receiver. Here a channel of [`Result`]s does it: send an `Err`,
    /// and let the receiver raise it with `?`.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded::<Result<u32, std::num::ParseIntError>>();
    /// s.send("42".parse()).unwrap();
    /// s.send("forty-two".parse()).unwrap();
    ///
    /// let add = || -> Result<u32, Box<dyn std::error::Error>> {
    ///     let mut sum = 0;
    ///     loop {
    ///         // The first `?` is for the channel, the second for what was sent.
    ///         sum += r.recv()??;
    ///     }
    /// };
    /// assert!(add().unwrap_err().is::<std::num::ParseIntError>());
    /// ```
    ///
    /// # Errors
    /// [`SendError`], with the message, if the channel is closed or no receiver is left, also when that happens while it waits. Once it
    /// has returned `Ok`, a receiver can get the message as long as there are receivers.
    ///
    /// # Cancellation
    /// A tasklet that is told to end while it waits unwinds out of this call. The message is then dropped, and nobody receives it.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.channel().send(message, None).map_err(|error| match error {
            SendTimeoutError::Disconnected(message) => SendError(message),
            SendTimeoutError::Timeout(_) => unreachable!("a wait without a deadline does not time out"),
        })
    }

    /// As [`send`](Self::send), waiting at most for `timeout`. One too long to express is no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasklets_channels::{SendTimeoutError, bounded};
    ///
    /// let (s, r) = bounded(0);
    /// let result = s.send_timeout("anyone?", Duration::from_millis(1));
    /// assert_eq!(result, Err(SendTimeoutError::Timeout("anyone?")));
    /// # drop(r);
    /// ```
    ///
    /// # Errors
    /// [`Timeout`](SendTimeoutError::Timeout) if the time ran out, [`Disconnected`](SendTimeoutError::Disconnected) as for `send`. Both
    /// give the message back.
    ///
    /// # Cancellation
    /// As for [`send`](Self::send).
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.channel().send(message, Instant::now().checked_add(timeout))
    }

    /// As [`send`](Self::send), waiting at most until `deadline`. If that has passed it still sends when there is no need to wait.
    ///
    /// ```
    /// use std::time::Instant;
    /// use tasklets_channels::{SendTimeoutError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send_deadline(1, Instant::now()), Ok(()));
    /// assert_eq!(s.send_deadline(2, Instant::now()), Err(SendTimeoutError::Timeout(2)));
    /// # drop(r);
    /// ```
    ///
    /// # Errors
    /// As [`send_timeout`](Self::send_timeout).
    ///
    /// # Cancellation
    /// As for [`send`](Self::send).
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.channel().send(message, Some(deadline))
    }

    /// Closes the channel for all its senders. Returns whether this call did it: `false` if it was closed already. Never suspends.
    ///
    /// Nothing more can be sent. Messages that are in the channel can still be received; after them, receivers get `Disconnected`.
    /// Whoever waits to send gets the message back, and whoever waits to receive from the empty channel is woken with the error.
    /// Dropping the last sender does the same.
    ///
    /// ```
    /// use tasklets_channels::{RecvError, SendError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(1).unwrap();
    /// assert!(s.close());
    /// assert!(!s.close() && s.is_closed());
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// assert_eq!(r.recv(), Ok(1));
    /// assert_eq!(r.recv(), Err(RecvError));
    /// ```
    pub fn close(&self) -> bool {
        self.channel().close()
    }

    /// Whether the channel is closed: by [`close`](Self::close) on either side, or because no receiver is left. It stays so. Never
    /// suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded::<()>();
    /// assert!(!s.is_closed());
    /// drop(r);
    /// assert!(s.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel().is_closed()
    }

    /// Whether no message is in the channel, at some moment during the call. Always so for a rendezvous channel. Never suspends.
    ///
    /// ```
    /// let (s, _r) = tasklets_channels::unbounded();
    /// assert!(s.is_empty());
    /// s.send(0).unwrap();
    /// assert!(!s.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.channel().is_empty()
    }

    /// Whether the channel holds all it can, at some moment during the call. Always so for a rendezvous channel. Never suspends.
    ///
    /// ```
    /// let (s, _r) = tasklets_channels::bounded(1);
    /// assert!(!s.is_full());
    /// s.send(0).unwrap();
    /// assert!(s.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.channel().is_full()
    }

    /// How many messages are in the channel, at some moment during the call. Never suspends.
    ///
    /// ```
    /// let (s, _r) = tasklets_channels::unbounded();
    /// s.send("a").unwrap();
    /// s.send("b").unwrap();
    /// assert_eq!(s.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.channel().len()
    }

    /// How many messages the channel can hold; `None` if any number.
    ///
    /// ```
    /// use tasklets_channels::{bounded, unbounded};
    ///
    /// assert_eq!(unbounded::<()>().0.capacity(), None);
    /// assert_eq!(bounded::<()>(5).0.capacity(), Some(5));
    /// assert_eq!(bounded::<()>(0).0.capacity(), Some(0));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.channel().capacity()
    }

    /// Who waits: the number of senders that wait is positive, of receivers negative, 0 if nobody does. A snapshot, from Stackless
    /// Python; it is exact when nobody else uses the channel at that moment. Never suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::bounded(0);
    /// assert_eq!(s.balance(), 0);
    /// let receiver = std::thread::spawn(move || r.recv());
    /// while s.balance() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(s.balance(), -1);
    /// s.send(()).unwrap();
    /// # receiver.join().unwrap().unwrap();
    /// ```
    pub fn balance(&self) -> isize {
        self.channel().balance()
    }

    /// Whether both send into one channel.
    ///
    /// ```
    /// let (s, _r) = tasklets_channels::unbounded::<()>();
    /// let (other, _r) = tasklets_channels::unbounded();
    /// assert!(s.same_channel(&s.clone()));
    /// assert!(!s.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.end.is_same(&other.end)
    }
}

impl<T> Clone for Sender<T> {
    /// Another sender of the same channel.
    ///
    /// Aborts the process if there are more than `isize::MAX`, which takes as many that were forgotten.
    fn clone(&self) -> Self {
        Self { end: self.end.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
