//! Waiting for what must come, without saying how soon.

use std::time::{Duration, Instant};

/// So long that only a hang gets there, however loaded the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds, on whatever calls it: a tasklet is suspended, a thread sleeps.
///
/// # Panics
/// If it does not within a minute.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "it never came about that {what}");
        tasklets::sleep(Duration::from_micros(200));
    }
}
