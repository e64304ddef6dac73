//! Why nothing was received.

use std::error::Error;
use std::fmt;

const EMPTY: &str = "no message was sent since the last one received: retry later, or use `recv` to wait";
const TIMED_OUT: &str = "no message was sent in time: retry, or allow more time";
const DISCONNECTED: &str =
    "all messages were received and the last sender is gone: stop receiving, no message will come";

fn lagged(f: &mut fmt::Formatter<'_>, missed: u64) -> fmt::Result {
    let plural = if missed == 1 { "" } else { "s" };
    write!(
        f,
        "{missed} message{plural} went before they were received: go on with the next, and receive faster or use a larger capacity"
    )
}

/// Nothing was received.
///
/// Returned by [`Receiver::recv`](super::Receiver::recv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// This many messages had to make room for others. The next call goes on with the oldest that is left.
    Lagged(u64),
    /// All messages were received and no sender is left.
    Disconnected,
}

/// Nothing was received.
///
/// Returned by [`Receiver::try_recv`](super::Receiver::try_recv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no message now.
    Empty,
    /// This many messages had to make room for others. The next call goes on with the oldest that is left.
    Lagged(u64),
    /// All messages were received and no sender is left.
    Disconnected,
}

/// Nothing was received in time.
///
/// Returned by [`Receiver::recv_timeout`](super::Receiver::recv_timeout) and its deadline twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// There was no message until the time was over.
    Timeout,
    /// This many messages had to make room for others. The next call goes on with the oldest that is left.
    Lagged(u64),
    /// All messages were received and no sender is left.
    Disconnected,
}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged(missed) => Self::Lagged(missed),
            RecvError::Disconnected => Self::Disconnected,
        }
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged(missed) => Self::Lagged(missed),
            RecvError::Disconnected => Self::Disconnected,
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Lagged(missed) => lagged(f, missed),
            Self::Disconnected => f.pad(DISCONNECTED),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.pad(EMPTY),
            Self::Lagged(missed) => lagged(f, missed),
            Self::Disconnected => f.pad(DISCONNECTED),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Timeout => f.pad(TIMED_OUT),
            Self::Lagged(missed) => lagged(f, missed),
            Self::Disconnected => f.pad(DISCONNECTED),
        }
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
