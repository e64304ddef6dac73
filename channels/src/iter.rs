//! Iterators over received messages.

use crate::receiver::Receiver;
use std::fmt;
use std::iter::FusedIterator;

/// An iterator that waits for messages, made by [`Receiver::iter`].
///
/// `next` suspends the tasklet, or blocks the thread, until a message comes. It ends (and stays ended) once the channel is empty and
/// closed.
///
/// ```
/// let (s, r) = tasklets_channels::unbounded();
/// s.send(1).unwrap();
/// s.send(2).unwrap();
/// drop(s);
/// assert_eq!(r.iter().collect::<Vec<_>>(), [1, 2]);
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of `next`; no message is lost.
pub struct Iter<'a, T> {
    pub(crate) receiver: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// An iterator over the messages that are there, made by [`Receiver::try_iter`]. It never waits.
///
/// It returns `None` whenever no message is ready, and may go on after that.
///
/// ```
/// let (s, r) = tasklets_channels::unbounded();
/// let mut ready = r.try_iter();
/// assert_eq!(ready.next(), None);
/// s.send(1).unwrap();
/// assert_eq!(ready.next(), Some(1));
/// ```
pub struct TryIter<'a, T> {
    pub(crate) receiver: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").finish_non_exhaustive()
    }
}

/// An iterator that waits for messages and owns its receiver, made by `Receiver::into_iter`. As [`Iter`] otherwise.
///
/// ```
/// let (s, r) = tasklets_channels::unbounded();
/// std::thread::spawn(move || (0..3).for_each(|i| s.send(i).unwrap()));
/// let mut expected = 0;
/// for message in r {
///     assert_eq!(message, expected);
///     expected += 1;
/// }
/// assert_eq!(expected, 3);
/// ```
pub struct IntoIter<T> {
    pub(crate) receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").finish_non_exhaustive()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
