//! An operation that a select has chosen.

use super::Entry;
use super::buffer::Buffer;
use super::case::{Case, Started};
use crate::err::{RecvError, SendError};
use crate::receiver::Receiver;
use crate::sender::Sender;
use std::fmt;
use std::ptr;

/// The operation that a [`Select`](super::Select) has chosen, to be carried out with [`send`](Self::send) or [`recv`](Self::recv).
///
/// # Panics
/// Dropping it without carrying it out panics, since others may count on it; whoever does is told to look for somebody else.
/// A message that it has received is leaked then.
#[must_use = "the operation is to be carried out with `send` or `recv`"]
pub struct SelectedOperation<'a> {
    /// Means nothing until one is chosen.
    index: usize,
    /// `None` until one is chosen.
    case: Option<&'a dyn Case>,
    /// `None` until one is chosen, and once it was carried out.
    started: Option<Started>,
    buffer: Buffer,
}

impl<'a> SelectedOperation<'a> {
    /// None so far.
    #[inline]
    pub(super) fn to_choose() -> Self {
        Self { index: 0, case: None, started: None, buffer: Buffer::new() }
    }

    /// Chooses this one if it needs no waiting.
    #[inline]
    pub(super) fn try_start(&mut self, entry: Entry<'a>) -> bool {
        let Some(started) = entry.case.try_start(&mut self.buffer) else { return false };
        self.start(entry, started);
        true
    }

    /// Chooses this one, which was started.
    #[inline]
    pub(super) fn start(&mut self, Entry { index, case }: Entry<'a>, started: Started) {
        self.index = index;
        self.case = Some(case);
        self.started = Some(started);
    }

    /// Where a message that is received while it is waited for goes.
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The index that [`Select::send`](super::Select::send) or [`Select::recv`](super::Select::recv) returned for it.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether it is an operation of this handle, or of a clone.
    #[inline]
    fn is_on(&self, handle: &impl Case) -> bool {
        self.case.is_some_and(|case| ptr::addr_eq(ptr::from_ref(case), ptr::from_ref(handle)) || is_clone(case, handle))
    }

    /// Carries out a send. May suspend if making the message took so long that a receiver did not want to wait; the send then starts again.
    ///
    /// # Errors
    /// Gives the message back if the channel is closed.
    ///
    /// # Panics
    /// If `sender` is neither the one that was given to the select for this operation nor a clone of it.
    #[inline]
    pub fn send<T>(mut self, sender: &Sender<T>, message: T) -> Result<(), SendError<T>> {
        assert!(self.is_on(sender), "passed a sender that was not selected");
        let Some(Started::Send(token)) = self.started.take() else { unreachable!("a sender starts sends, once") };
        // SAFETY: a sender of this channel has started it, and it is used once.
        match unsafe { sender.channel().finish_send(token, message) } {
            Ok(()) => Ok(()),
            Err((message, false)) => Err(SendError(message)),
            Err((message, true)) => sender.send(message),
        }
    }

    /// Carries out a receive. Never suspends.
    ///
    /// # Errors
    /// If the channel is empty and closed, or without senders.
    ///
    /// # Panics
    /// If `receiver` is neither the one that was given to the select for this operation nor a clone of it.
    #[inline]
    pub fn recv<T>(mut self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        assert!(self.is_on(receiver), "passed a receiver that was not selected");
        match self.started.take() {
            // SAFETY: a receiver of this channel, and so of `T`, has put a message there, and it is taken out this once.
            Some(Started::Received) => Ok(unsafe { self.buffer.message().cast::<T>().read() }),
            _ => Err(RecvError),
        }
    }
}

#[cold]
fn is_clone(case: &dyn Case, handle: &impl Case) -> bool {
    case.identity() == handle.identity()
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectedOperation").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Drop for SelectedOperation<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(started) = self.started.take() {
            self.give_up(started);
        }
    }
}

impl SelectedOperation<'_> {
    #[cold]
    fn give_up(&self, started: Started) {
        // A message is not dropped: this may be another thread than the handle's, to which the list may go and such a message may not. It
        // could not be taken out here either, for that takes the handle.
        if let (Some(case), Started::Send(token)) = (self.case, started) {
            case.give_up(token);
        }
        assert!(std::thread::panicking(), "a `SelectedOperation` was dropped without `send` or `recv`");
    }
}
