//! Why an operation on a channel did not happen.
//!
//! One type for each operation, so that a caller matches exactly what can occur. Where a message was passed in, the error carries
//! it back. *Disconnected* means that the channel was closed, or that the last handle of the other side was dropped; both are
//! final.

use std::error::Error;
use std::fmt;

const SEND_FULL: &str =
    "the channel is full, or has capacity 0 and no receiver waits: retry later, or use `send` to wait for room";
const SEND_TIMED_OUT: &str = "no receiver made room in the channel in time: retry, or allow more time";
const SEND_DISCONNECTED: &str =
    "the channel is closed or its last receiver is gone: stop sending, and take the message back with `into_inner`";
const RECV_EMPTY: &str =
    "the channel is empty, or has capacity 0 and no sender waits: retry later, or use `recv` to wait";
const RECV_TIMED_OUT: &str = "no message arrived in the channel in time: retry, or allow more time";
const RECV_DISCONNECTED: &str =
    "the channel is empty, and it is closed or its last sender is gone: stop receiving, no message will come";
const NOT_READY: &str = "no operation of the select can go ahead now: retry later, or use the waiting form";
const READY_TIMED_OUT: &str = "no operation of the select could go ahead in time: retry, or allow more time";

/// The message was not sent, and never can be: the channel is disconnected.
///
/// Returned by [`Sender::send`](crate::Sender::send). Carries the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The message was not sent.
///
/// Returned by [`Sender::try_send`](crate::Sender::try_send). Carries the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room now. With capacity 0: no receiver waits now.
    Full(T),
    /// The channel is disconnected.
    Disconnected(T),
}

/// The message was not sent in time.
///
/// Returned by [`Sender::send_timeout`](crate::Sender::send_timeout) and its deadline twin. Carries the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// There was no room until the time was over. With capacity 0: no receiver came.
    Timeout(T),
    /// The channel is disconnected.
    Disconnected(T),
}

/// No message is left, and none will come: the channel is empty and disconnected.
///
/// Returned by [`Receiver::recv`](crate::Receiver::recv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// No message was received.
///
/// Returned by [`Receiver::try_recv`](crate::Receiver::try_recv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no message now. With capacity 0: no sender waits now.
    Empty,
    /// The channel is empty and disconnected.
    Disconnected,
}

/// No message was received in time.
///
/// Returned by [`Receiver::recv_timeout`](crate::Receiver::recv_timeout) and its deadline twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// There was no message until the time was over. With capacity 0: no sender came.
    Timeout,
    /// The channel is empty and disconnected.
    Disconnected,
}

/// No operation could be selected without waiting.
///
/// Returned by [`Select::try_select`](crate::Select::try_select).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrySelectError;

/// No operation could be selected in time.
///
/// Returned by [`Select::select_timeout`](crate::Select::select_timeout) and its deadline twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectTimeoutError;

/// No operation was ready.
///
/// Returned by [`Select::try_ready`](crate::Select::try_ready).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryReadyError;

/// No operation became ready in time.
///
/// Returned by [`Select::ready_timeout`](crate::Select::ready_timeout) and its deadline twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyTimeoutError;

impl<T> SendError<T> {
    /// The message that was not sent.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The message that was not sent.
    pub fn into_inner(self) -> T {
        let (Self::Full(message) | Self::Disconnected(message)) = self;
        message
    }

    /// Whether there was no room.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the channel is disconnected.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The message that was not sent.
    pub fn into_inner(self) -> T {
        let (Self::Timeout(message) | Self::Disconnected(message)) = self;
        message
    }

    /// Whether the time was over.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the channel is disconnected.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl TryRecvError {
    /// Whether there was no message.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether the channel is disconnected.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

impl RecvTimeoutError {
    /// Whether the time was over.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Whether the channel is disconnected.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(SendError(message): SendError<T>) -> Self {
        Self::Disconnected(message)
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(SendError(message): SendError<T>) -> Self {
        Self::Disconnected(message)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

// Messages need not be `Debug`, so that `unwrap` works whatever is sent.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError(..)")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full(_) => "Full(..)",
            Self::Disconnected(_) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::Disconnected(_) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(SEND_DISCONNECTED)
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full(_) => SEND_FULL,
            Self::Disconnected(_) => SEND_DISCONNECTED,
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Timeout(_) => SEND_TIMED_OUT,
            Self::Disconnected(_) => SEND_DISCONNECTED,
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(RECV_DISCONNECTED)
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => RECV_EMPTY,
            Self::Disconnected => RECV_DISCONNECTED,
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Timeout => RECV_TIMED_OUT,
            Self::Disconnected => RECV_DISCONNECTED,
        })
    }
}

impl fmt::Display for TrySelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NOT_READY)
    }
}

impl fmt::Display for SelectTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(READY_TIMED_OUT)
    }
}

impl fmt::Display for TryReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NOT_READY)
    }
}

impl fmt::Display for ReadyTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(READY_TIMED_OUT)
    }
}

impl<T> Error for SendError<T> {}
impl<T> Error for TrySendError<T> {}
impl<T> Error for SendTimeoutError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
impl Error for TrySelectError {}
impl Error for SelectTimeoutError {}
impl Error for TryReadyError {}
impl Error for ReadyTimeoutError {}
