//! The receiving handle.

use crate::channel::Channel;
use crate::err::{RecvError, RecvTimeoutError, TryRecvError};
use crate::flavor::Flavor;
use crate::iter::{Iter, TryIter};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

/// The receiving side of a channel, or of one that tells the time ([`after`](crate::after), [`at`](crate::at),
/// [`tick`](crate::tick)) or [`never`](crate::never) says anything.
///
/// Clone it for more receivers: each message goes to one of them. When the last one is dropped the channel is closed, what is in it
/// is dropped, and sending gives an error. It works on OS threads, in tasklets and, by [`recv_async`](Self::recv_async) and
/// [`stream`](Self::stream), in futures, all at once.
///
/// ```
/// let (s, r) = tasklets_channels::bounded(0);
/// let workers: Vec<_> = (0..2)
///     .map(|_| {
///         let r = r.clone();
///         std::thread::spawn(move || r.into_iter().sum::<u32>())
///     })
///     .collect();
/// (1..=10).for_each(|i| s.send(i).unwrap());
/// drop(s);
/// assert_eq!(workers.into_iter().map(|worker| worker.join().unwrap()).sum::<u32>(), 55);
/// ```
pub struct Receiver<T> {
    flavor: Flavor<T>,
}

// Whatever a panic interrupts, the channel is whole: no operation leaves it between two states.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(crate) const fn new(flavor: Flavor<T>) -> Self {
        Self { flavor }
    }

    #[inline]
    pub(crate) fn flavor(&self) -> &Flavor<T> {
        &self.flavor
    }

    #[inline]
    fn channel(&self) -> Option<&Channel<T>> {
        self.flavor.channel()
    }

    /// Receives a message if one is there. Never suspends.
    ///
    /// On a rendezvous channel that is when a sender is waiting.
    ///
    /// ```
    /// use tasklets_channels::{TryRecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.try_recv(), Ok(5));
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    ///
    /// # Errors
    /// [`Empty`](TryRecvError::Empty) if no message is there, [`Disconnected`](TryRecvError::Disconnected) if none will come: the channel
    /// is empty, and closed or without senders.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.flavor.try_recv()
    }

    /// Receives a message, waiting until there is one.
    ///
    /// A tasklet is suspended meanwhile and its worker goes on; an OS thread sleeps. After many operations that found a message at once a
    /// tasklet gives the others of its worker a turn; see [`Sender::send`](crate::Sender::send).
    ///
    /// ```
    /// use tasklets_channels::{RecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// std::thread::spawn(move || s.send(5).unwrap());
    /// assert_eq!(r.recv(), Ok(5));
    /// assert_eq!(r.recv(), Err(RecvError));
    /// ```
    ///
    /// # Errors
    /// [`RecvError`] if no message will come: the channel is empty, and closed or without senders, also when that happens while it
    /// waits. From then on every receive says so.
    ///
    /// # Cancellation
    /// A tasklet that is told to end while it waits unwinds out of this call. No message is lost: what would have come to it goes to
    /// another receiver.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.flavor.recv(None).map_err(|_| RecvError)
    }

    /// As [`recv`](Self::recv), waiting at most for `timeout`. One too long to express is no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasklets_channels::{RecvTimeoutError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let timeout = Duration::from_millis(1);
    /// assert_eq!(r.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.recv_timeout(timeout), Ok(5));
    /// assert_eq!(r.recv_timeout(timeout), Err(RecvTimeoutError::Disconnected));
    /// ```
    ///
    /// # Errors
    /// [`Timeout`](RecvTimeoutError::Timeout) if the time ran out, [`Disconnected`](RecvTimeoutError::Disconnected) as for `recv`.
    ///
    /// # Cancellation
    /// As for [`recv`](Self::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.flavor.recv(Instant::now().checked_add(timeout))
    }

    /// As [`recv`](Self::recv), waiting at most until `deadline`. If that has passed it still receives what is there.
    ///
    /// ```
    /// use std::time::Instant;
    /// use tasklets_channels::{RecvTimeoutError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(5).unwrap();
    /// assert_eq!(r.recv_deadline(Instant::now()), Ok(5));
    /// assert_eq!(r.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
    /// ```
    ///
    /// # Errors
    /// As [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Cancellation
    /// As for [`recv`](Self::recv).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.flavor.recv(Some(deadline))
    }

    /// An iterator that [`recv`](Self::recv)s: it waits for each message and ends once the channel is empty and closed.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// std::thread::spawn(move || (0..3).for_each(|i| s.send(i).unwrap()));
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [0, 1, 2]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// An iterator that [`try_recv`](Self::try_recv)s: it never waits and ends when no message is there.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// assert_eq!(r.try_iter().collect::<Vec<_>>(), [1, 2]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Closes the channel for all its senders. Returns whether this call did it: `false` if it was closed already. Never suspends.
    ///
    /// As [`Sender::close`](crate::Sender::close): what is in the channel can still be received, so a receiver that closes and then
    /// drains it loses nothing that a sender was told is sent. A channel without a sender (`after`, `at`, `tick`, `never`) cannot be
    /// closed: it goes on, and this returns `false`.
    ///
    /// ```
    /// use tasklets_channels::{SendError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(1).unwrap();
    /// assert!(r.close());
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [1]);
    /// ```
    pub fn close(&self) -> bool {
        self.channel().is_some_and(Channel::close)
    }

    /// Whether the channel is closed: by [`close`](Self::close) on either side, or because no sender is left. It stays so. There may
    /// still be messages in it. Never suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// s.send(1).unwrap();
    /// drop(s);
    /// assert!(r.is_closed() && r.recv() == Ok(1));
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel().is_some_and(Channel::is_closed)
    }

    /// Whether no message is in the channel, at some moment during the call. Always so for a rendezvous channel. Never suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// assert!(r.is_empty());
    /// s.send(0).unwrap();
    /// assert!(!r.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.flavor.is_empty()
    }

    /// Whether the channel holds all it can, at some moment during the call. Always so for a rendezvous channel. Never suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::bounded(1);
    /// assert!(!r.is_full());
    /// s.send(0).unwrap();
    /// assert!(r.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.flavor.is_full()
    }

    /// How many messages are in the channel, at some moment during the call. Never suspends.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// s.send("a").unwrap();
    /// s.send("b").unwrap();
    /// assert_eq!(r.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.flavor.len()
    }

    /// How many messages the channel can hold; `None` if any number. Time channels hold 1, and `never` 0.
    ///
    /// ```
    /// use tasklets_channels::{bounded, unbounded};
    ///
    /// assert_eq!(unbounded::<()>().1.capacity(), None);
    /// assert_eq!(bounded::<()>(5).1.capacity(), Some(5));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.flavor.capacity()
    }

    /// Who waits, as [`Sender::balance`](crate::Sender::balance). Always 0 for a channel without senders.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::bounded(0);
    /// let sender = std::thread::spawn(move || s.send(()));
    /// while r.balance() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(r.balance(), 1);
    /// r.recv().unwrap();
    /// # sender.join().unwrap().unwrap();
    /// ```
    pub fn balance(&self) -> isize {
        self.channel().map_or(0, Channel::balance)
    }

    /// Whether both receive from one channel. All that are made by [`never`](crate::never) are the same.
    ///
    /// ```
    /// let (_s, r) = tasklets_channels::unbounded::<()>();
    /// assert!(r.same_channel(&r.clone()));
    /// assert!(!r.same_channel(&tasklets_channels::never()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.flavor.is_same(&other.flavor)
    }
}

impl<T> Clone for Receiver<T> {
    /// Another receiver of the same channel; it does not get a message that this one gets.
    ///
    /// Aborts the process if there are more than `isize::MAX`, which takes as many that were forgotten.
    fn clone(&self) -> Self {
        Self { flavor: self.flavor.clone() }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
