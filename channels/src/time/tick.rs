//! A message each period.

use std::time::{Duration, Instant};
use tasklets_park::sync::atomic::{AtomicU64, Ordering};

/// A message each period.
///
/// The moments form a grid, `first + n * period`, and all that changes is the `n` of the next one. Taking it moves `n` to the
/// first moment that is still to come: what was missed in between is left out, and being late never shifts the grid.
pub(crate) struct Tick {
    first: Instant,
    /// In nanoseconds; at least 1, so that there is a grid.
    period: u128,
    next: AtomicU64,
}

impl Tick {
    pub(crate) fn new(first: Instant, period: Duration) -> Self {
        Self { first, period: period.as_nanos().max(1), next: AtomicU64::new(0) }
    }

    /// When the next message is due, or `None` if that moment is too far away to express.
    // Relaxed, here and below: nothing but the number itself is handed over.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.moment(self.next.load(Ordering::Relaxed))
    }

    /// Takes the message, if one is due.
    pub(crate) fn take(&self) -> Option<Instant> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Option<Instant> {
        let mut n = self.next.load(Ordering::Relaxed);
        loop {
            let due = self.moment(n).filter(|&due| due <= now)?;
            match self.next.compare_exchange_weak(n, self.first_after(now), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(due),
                Err(changed) => n = changed,
            }
        }
    }

    /// The number of the first moment after `now`, which is not before the first. 64 bits are enough for 584 years of nanoseconds.
    fn first_after(&self, now: Instant) -> u64 {
        (now.duration_since(self.first).as_nanos() / self.period) as u64 + 1
    }

    fn moment(&self, n: u64) -> Option<Instant> {
        const SECOND: u128 = 1_000_000_000;
        // Cannot overflow: `n` is at most one beyond the periods that have passed.
        let offset = self.period * u128::from(n);
        let offset = Duration::new(u64::try_from(offset / SECOND).ok()?, (offset % SECOND) as u32);
        self.first.checked_add(offset)
    }
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_missed_are_left_out_and_the_grid_stays() {
        let first = Instant::now();
        let tick = Tick::new(first, SECOND);
        assert_eq!(tick.take_at(first), Some(first));
        assert_eq!(tick.take_at(first), None);
        let late = first + SECOND * 7 / 2;
        assert_eq!(tick.take_at(late), Some(first + SECOND), "the oldest is kept");
        assert_eq!(tick.take_at(late), None, "no burst");
        assert_eq!(tick.due(), Some(first + SECOND * 4), "on the grid");
        assert_eq!(tick.take_at(first + SECOND * 4), Some(first + SECOND * 4));
        assert_eq!(tick.due(), Some(first + SECOND * 5), "a moment is not after itself");
    }

    #[test]
    fn no_period_is_the_shortest() {
        let first = Instant::now();
        let tick = Tick::new(first, Duration::ZERO);
        assert_eq!(tick.take_at(first + SECOND), Some(first));
        assert_eq!(tick.due(), Some(first + SECOND + Duration::from_nanos(1)));
    }

    #[test]
    fn a_moment_that_cannot_be_expressed_does_not_come() {
        let first = Instant::now();
        let tick = Tick::new(first, Duration::MAX);
        assert_eq!(tick.take_at(first), Some(first));
        assert_eq!(tick.due(), None);
        assert_eq!(tick.take_at(first + SECOND), None);
    }
}
