#![doc = include_str!("idle.md")]

use crossbeam_utils::CachePadded;
use tasklets_park::sync::atomic::{AtomicI32, AtomicU8, Ordering, fence};

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const WOKEN: u8 = 2;
const WOKEN_TO_SEARCH: u8 = 3;

/// Who searches and who sleeps. See the [module](self).
#[derive(Debug)]
pub struct Idle {
    counts: CachePadded<Counts>,
    workers: Box<[AtomicU8]>,
}

#[derive(Debug)]
struct Counts {
    /// Workers looking for work at others'. May be -1 for a moment: see `wake_one`.
    searching: AtomicI32,
    /// Workers that have announced sleep and are not claimed. A hint.
    sleeping: AtomicI32,
}

/// What a worker is after its sleep, or after calling it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Awake {
    /// Nobody counts on it.
    Plain,
    /// It was woken to search and is counted as searching: it must call `stop_searching`.
    Searching,
}

impl Idle {
    /// All of `workers` awake, none searching.
    pub fn new(workers: usize) -> Self {
        Self {
            counts: CachePadded::new(Counts { searching: AtomicI32::new(0), sleeping: AtomicI32::new(0) }),
            workers: (0..workers).map(|_| AtomicU8::new(AWAKE)).collect(),
        }
    }

    /// Worker: may it search? At most half of the workers do at once (but always one).
    pub fn try_start_searching(&self) -> bool {
        let searching = self.counts.searching.load(Ordering::Relaxed);
        if searching > 0 && 2 * searching as usize >= self.workers.len() {
            return false;
        }
        self.counts.searching.fetch_add(1, Ordering::AcqRel);
        true
    }

    /// Searcher that found work: stops searching. Returns whether it was the last, who must look whether there is more
    /// work and, if so, call [`wake_one`](Self::wake_one).
    #[must_use]
    pub fn stop_searching(&self) -> bool {
        let last = self.counts.searching.fetch_sub(1, Ordering::AcqRel) <= 1;
        if last {
            // Partner: the fence in `wake_one`.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// Worker: announces that it will sleep. After this call it must look at every source of work once more, and then
    /// either sleep or [`wake_up`](Self::wake_up).
    pub fn announce_sleep(&self, worker: usize, searching: bool) {
        self.counts.sleeping.fetch_add(1, Ordering::Relaxed);
        self.workers[worker].store(ASLEEP, Ordering::Release);
        if searching {
            self.counts.searching.fetch_sub(1, Ordering::AcqRel);
        }
        // Partner: the fences in `wake_one` and `wake`.
        fence(Ordering::SeqCst);
    }

    /// Worker: awake again, whether it slept or called it off.
    pub fn wake_up(&self, worker: usize) -> Awake {
        match self.workers[worker].swap(AWAKE, Ordering::AcqRel) {
            ASLEEP => {
                self.counts.sleeping.fetch_sub(1, Ordering::Relaxed);
                Awake::Plain
            }
            WOKEN_TO_SEARCH => Awake::Searching,
            _ => Awake::Plain,
        }
    }

    /// After work was pushed that any worker may take: claims a sleeping worker, if one is needed, whose poller the
    /// caller must wake.
    #[must_use]
    pub fn wake_one(&self) -> Option<usize> {
        // Partner: the fence in `announce_sleep`.
        fence(Ordering::SeqCst);
        if self.counts.searching.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let found = (0..self.workers.len()).find(|&w| self.claim(w, WOKEN_TO_SEARCH))?;
        // The claimed worker may wake for another reason and stop searching before this; the count is then -1 for a
        // moment, which at worst wakes one more.
        self.counts.searching.fetch_add(1, Ordering::AcqRel);
        Some(found)
    }

    /// As [`wake_one`](Self::wake_one), for a push that its own worker will come to anyway: looks first, without a fence.
    /// A wakeup missed here costs parallelism until the next push or the monitor's next round, never progress.
    #[inline]
    #[must_use]
    pub fn wake_one_if_any(&self) -> Option<usize> {
        let counts = &self.counts;
        if counts.sleeping.load(Ordering::Relaxed) <= 0 || counts.searching.load(Ordering::Relaxed) > 0 {
            return None;
        }
        self.wake_one()
    }

    /// After something was pushed that only `worker` serves: returns whether the caller must wake its poller.
    #[must_use]
    pub fn wake(&self, worker: usize) -> bool {
        // Partner: the fence in `announce_sleep`.
        fence(Ordering::SeqCst);
        self.claim(worker, WOKEN)
    }

    fn claim(&self, worker: usize, to: u8) -> bool {
        let state = &self.workers[worker];
        let claimed = state.load(Ordering::Relaxed) == ASLEEP
            && state.compare_exchange(ASLEEP, to, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if claimed {
            self.counts.sleeping.fetch_sub(1, Ordering::Relaxed);
        }
        claimed
    }

    /// Whether some worker looks for work, or was woken to; a hint.
    #[inline]
    pub fn is_anyone_searching(&self) -> bool {
        self.counts.searching.load(Ordering::Relaxed) > 0
    }

    /// Whether some worker sleeps or looks for work; a hint.
    #[inline]
    pub fn is_anyone_idle(&self) -> bool {
        self.any_asleep() || self.is_anyone_searching()
    }

    /// Whether some worker sleeps; a hint.
    #[inline]
    pub fn any_asleep(&self) -> bool {
        self.counts.sleeping.load(Ordering::Relaxed) > 0
    }

    /// How many workers do not sleep; a hint.
    pub fn awake(&self) -> usize {
        let sleeping = self.counts.sleeping.load(Ordering::Relaxed).max(0) as usize;
        self.workers.len().saturating_sub(sleeping)
    }

    /// Whether this worker sleeps; a hint.
    pub fn is_asleep(&self, worker: usize) -> bool {
        self.workers[worker].load(Ordering::Relaxed) == ASLEEP
    }

    /// Whether every worker sleeps. After a fence that partners one in each worker that has woken, it is more than a hint: the
    /// states are exact where the counts lag behind.
    pub fn all_asleep(&self) -> bool {
        (0..self.workers.len()).all(|worker| self.is_asleep(worker))
    }
}
