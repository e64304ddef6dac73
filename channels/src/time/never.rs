//! No message ever.

use super::wait_until;
use crate::err::RecvTimeoutError;
use std::time::Instant;

/// Waits in vain.
pub(crate) fn recv<T>(deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
    wait_until(deadline);
    Err(RecvTimeoutError::Timeout)
}
