//! When a runtime has finished: no worker has anything left to do, and nobody inside can make more.
//!
//! While a runtime ends, a worker with nothing left is *quiet*. One word says how many are:
//!
//! `departures << 32 | quiet workers`, or FINISHED
//!
//! 1. A worker that makes everyone quiet looks whether any queue holds work.
//! 2. If not, it swaps FINISHED in over exactly the word it saw. That fails if any worker has left meanwhile, also if it has
//!    come back since, because departures are counted: it may have emptied a queue that we saw empty, and filled one that we saw
//!    before. Whoever comes back last looks again.
//! 3. A quiet worker that wants to look for work leaves first, and cannot once the word is FINISHED: then it touches no queue.
//!    So no work runs in a runtime that has finished, and what comes from outside by then lies untouched in the shared queues, for
//!    [`Shared::leave`](crate::shared::Shared::leave) and the pushers themselves to end.

use std::sync::atomic::{AtomicU64, Ordering, fence};

const FINISHED: u64 = u64::MAX;
const DEPARTURE: u64 = 1 << 32;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Quiet(AtomicU64);

impl Quiet {
    /// One of `workers` becomes quiet. Returns whether the runtime has finished by this.
    pub(crate) fn enter(&self, workers: usize, no_work: impl FnOnce() -> bool) -> bool {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        // Partner: the fence in the wake of whoever pushes from outside.
        fence(Ordering::SeqCst);
        now % DEPARTURE == workers as u64
            && no_work()
            && self.0.compare_exchange(now, FINISHED, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// A quiet worker wants to look for work. `false` if it must not any more.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        let one_less = |now: u64| (now != FINISHED).then(|| now.wrapping_add(DEPARTURE - 1));
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }

    /// Whether the runtime has finished.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.0.load(Ordering::Acquire) == FINISHED
    }
}

#[cfg(test)]
mod tests {
    use super::Quiet;

    #[test]
    fn the_last_to_become_quiet_finishes_and_nobody_leaves_then() {
        let quiet = Quiet::default();
        assert!(!quiet.enter(2, || unreachable!("one is busy")));
        assert!(!quiet.enter(2, || false), "there is work");
        assert!(quiet.leave());
        assert!(!quiet.is_finished());
        assert!(quiet.enter(2, || true));
        assert!(quiet.is_finished() && !quiet.leave());
    }

    #[test]
    fn who_left_and_came_back_during_the_look_is_noticed() {
        let quiet = Quiet::default();
        assert!(!quiet.enter(2, || unreachable!("one is busy")));
        let finished = quiet.enter(2, || {
            assert!(quiet.leave());
            // It looks itself, and finds what the first has missed.
            assert!(!quiet.enter(2, || false));
            true
        });
        assert!(!finished && !quiet.is_finished());
    }
}
