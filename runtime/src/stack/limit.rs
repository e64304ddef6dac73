//! The runtime's limit on live tasklets.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::StackError;

/// Counts live tasklets against a limit. One for a runtime, shared by its pools of all sizes.
#[derive(Debug)]
pub(crate) struct LiveLimit {
    max: Option<usize>,
    /// Counted only where there is a limit, so that the usual spawn does not pay for it.
    live: AtomicUsize,
}

impl LiveLimit {
    /// At most `max` tasklets live at a time; any number if `None`.
    pub(crate) fn new(max: Option<usize>) -> LiveLimit {
        LiveLimit { max, live: AtomicUsize::new(0) }
    }

    /// Counts `n` more, or none of them.
    pub(super) fn enter(&self, n: usize) -> Result<(), StackError> {
        let Some(max) = self.max else { return Ok(()) };
        // Relaxed: the count guards no data.
        self.live
            .fetch_update(Relaxed, Relaxed, |live| live.checked_add(n).filter(|&live| live <= max))
            .map(drop)
            .map_err(|_| StackError::Limit { max })
    }

    /// Counts `n` fewer.
    pub(super) fn leave(&self, n: usize) {
        if self.max.is_some() {
            let before = self.live.fetch_sub(n, Relaxed);
            debug_assert!(before >= n, "more places given back than were taken");
        }
    }
}
