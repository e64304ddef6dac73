//! What a receiver receives from.

use crate::channel::Channel;
use crate::err::{RecvTimeoutError, TryRecvError};
use crate::shared::{End, Receivers};
use crate::time::{Timed, never};
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

/// What a receiver receives from. Only the first has senders; messages of the others come into being when they are received.
pub(crate) enum Flavor<T> {
    /// Unbounded, bounded or rendezvous.
    Channel(End<T, Receivers>),
    /// `after`, `at` and `tick`.
    Timed(Arc<Timed<T>>),
    /// `never`.
    Never,
}

impl<T> Flavor<T> {
    /// The channel, if it is one that has senders.
    #[inline]
    pub(crate) fn channel(&self) -> Option<&Channel<T>> {
        match self {
            Self::Channel(end) => Some(end.channel()),
            Self::Timed(_) | Self::Never => None,
        }
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        match self {
            Self::Channel(end) => end.channel().try_recv(),
            Self::Timed(timed) => timed.try_recv(),
            Self::Never => Err(TryRecvError::Empty),
        }
    }

    #[inline]
    pub(crate) fn recv(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        match self {
            Self::Channel(end) => end.channel().recv(deadline),
            Self::Timed(timed) => timed.recv(deadline),
            Self::Never => never::recv(deadline),
        }
    }

    /// When a message may come into being, for those that no sender makes ready.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Timed(timed) => timed.deadline(),
            Self::Channel(_) | Self::Never => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Channel(end) => end.channel().len(),
            Self::Timed(timed) => usize::from(timed.is_due()),
            Self::Never => 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Channel(end) => end.channel().is_empty(),
            Self::Timed(timed) => !timed.is_due(),
            Self::Never => true,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Channel(end) => end.channel().is_full(),
            Self::Timed(timed) => timed.is_due(),
            // It has no room, like every channel of capacity 0.
            Self::Never => true,
        }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self {
            Self::Channel(end) => end.channel().capacity(),
            Self::Timed(_) => Some(1),
            Self::Never => Some(0),
        }
    }

    /// Of the channel; equal for clones, and for nothing else that is there at the same time and that anything can be received from.
    pub(crate) fn address(&self) -> *const () {
        match self {
            Self::Channel(end) => ptr::from_ref(end.channel()).cast(),
            Self::Timed(timed) => Arc::as_ptr(timed).cast(),
            Self::Never => ptr::null(),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl<T> Clone for Flavor<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Channel(end) => Self::Channel(end.clone()),
            Self::Timed(timed) => Self::Timed(timed.clone()),
            Self::Never => Self::Never,
        }
    }
}
