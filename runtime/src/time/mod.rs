//! Time: the wheel that holds a home's timers, and waiting for a moment.

pub(crate) mod wheel;

use std::time::{Duration, Instant};
use tasklets_park::Waiter;

/// Suspends the calling tasklet (or thread) for `duration`, and at most some 70 us more if its worker is free.
///
/// ```
/// use std::time::{Duration, Instant};
/// tasklets_runtime::run(|| {
///     let began = Instant::now();
///     tasklets_runtime::sleep(Duration::from_millis(5));
///     assert!(began.elapsed() >= Duration::from_millis(5));
/// });
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of this call.
pub fn sleep(duration: Duration) {
    // A time too far to express does not come.
    sleep_until(Instant::now().checked_add(duration));
}

fn sleep_until(deadline: Option<Instant>) {
    // Nobody gets the ticket, so only the deadline (or the end) ends the wait.
    let _ = Waiter::begin().wait(deadline);
}
