//! Why a semaphore gave no permits.

use super::permits::Refused;
use std::error::Error;
use std::fmt;

/// The semaphore was closed: no permit is given out any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireError(pub(super) ());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

/// Why [`Semaphore::try_acquire`](super::Semaphore::try_acquire) gave no permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed: no permit is given out any more.
    Closed,
    /// There are too few permits, or others wait for them already.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the semaphore is closed",
            Self::NoPermits => "the semaphore has too few permits, or others wait for them",
        })
    }
}

impl Error for TryAcquireError {}

impl From<Refused> for TryAcquireError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed => Self::Closed,
            Refused::NoPermits | Refused::TimedOut => Self::NoPermits,
        }
    }
}

/// Why [`Semaphore::acquire_timeout`](super::Semaphore::acquire_timeout) gave no permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireTimeoutError {
    /// The semaphore was closed: no permit is given out any more.
    Closed,
    /// The time ran out first.
    TimedOut,
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the semaphore is closed",
            Self::TimedOut => "no permits came in time",
        })
    }
}

impl Error for AcquireTimeoutError {}

impl From<Refused> for AcquireTimeoutError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed => Self::Closed,
            Refused::NoPermits | Refused::TimedOut => Self::TimedOut,
        }
    }
}
