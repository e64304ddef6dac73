//! One message at one moment.

use std::time::Instant;
use tasklets_park::sync::atomic::{AtomicBool, Ordering};

/// One message at one moment.
pub(crate) struct At {
    when: Instant,
    taken: AtomicBool,
}

impl At {
    pub(crate) fn new(when: Instant) -> Self {
        Self { when, taken: AtomicBool::new(false) }
    }

    /// When the message is due, or `None` if it was taken.
    // Relaxed, here and below: nothing but the flag itself is handed over.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.taken.load(Ordering::Relaxed)).then_some(self.when)
    }

    /// Takes the message, if it is due and still there.
    pub(crate) fn take(&self) -> Option<Instant> {
        let due = self.due()?;
        (due <= Instant::now() && !self.taken.swap(true, Ordering::Relaxed)).then_some(due)
    }
}
