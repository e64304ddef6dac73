//! What the workers of one runtime share.

use crate::blocking::BlockingPool;
use crate::config::Config;
use crate::deadlock::Survey;
use crate::fiber::Fiber;
use crate::home::Home;
use crate::idle::Idle;
use crate::jobs::{Fences, Jobs};
use crate::monitor::Monitor;
use crate::node::Runnable;
use crate::poller::PollerHandle;
use crate::quiet::Quiet;
use crate::registry::{FutureRegistry, Migrants};
use crate::stack::{LiveLimit, StackError, StackPool, page_size};
use crossbeam_deque::{Injector, Stealer};
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use tasklets_park::Token;

/// What others may use of a worker. Its own cache lines: the worker writes to it at every turn.
#[repr(align(128))]
pub(crate) struct Remote {
    /// Halves of joins.
    pub(crate) jobs: Jobs,
    /// Fresh tasks and futures.
    pub(crate) fresh: Stealer<Runnable>,
    pub(crate) poller: Arc<PollerHandle>,
    /// Counts what the worker has run: that it does not change tells that one thing runs on.
    pub(crate) turns: AtomicU64,
    /// The fiber that it ran last.
    pub(crate) running: AtomicPtr<Fiber>,
    /// The round of questions in which the monitor wants to know what is suspended here, or 0.
    pub(crate) asked: AtomicU64,
}

impl Remote {
    pub(crate) fn new(fences: Fences, fresh: Stealer<Runnable>, poller: PollerHandle) -> Self {
        Self {
            jobs: Jobs::new(fences),
            fresh,
            poller: Arc::new(poller),
            turns: AtomicU64::new(0),
            running: AtomicPtr::new(std::ptr::null_mut()),
            asked: AtomicU64::new(0),
        }
    }
}

/// See the [module](self).
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) homes: Box<[CachePadded<Home>]>,
    pub(crate) workers: Box<[Arc<Remote>]>,
    pub(crate) idle: Idle,
    /// Work from outside.
    pub(crate) injector: Injector<Runnable>,
    /// Stacks of the usual size.
    pub(crate) stacks: Arc<StackPool>,
    limit: Arc<LiveLimit>,
    /// Pools of stacks of other sizes, in the order of those.
    odd_stacks: Mutex<Vec<(usize, Arc<StackPool>)>>,
    pub(crate) futures: FutureRegistry,
    pub(crate) migrants: Migrants,
    pub(crate) monitor: Monitor,
    pub(crate) survey: Survey,
    /// Threads that wait in `run`.
    pub(crate) runs: AtomicUsize,
    pub(crate) blocking: BlockingPool,
    next_id: CachePadded<AtomicU64>,
    /// The runtime was told to end: see [`teardown`](crate::worker).
    ending: AtomicBool,
    /// Workers that have nothing left to do while the runtime ends.
    quiet: Quiet,
    /// Workers whose thread has left its loop.
    left: AtomicUsize,
    /// Held while the queues of a finished runtime are emptied.
    ending_leftovers: Mutex<()>,
    /// Given when the last worker has left.
    pub(crate) all_left: Token,
}

impl Shared {
    /// `remotes` are the workers' shared halves, in order.
    pub(crate) fn new(config: Config, remotes: Vec<Arc<Remote>>) -> Result<Self, StackError> {
        let limit = Arc::new(LiveLimit::new(config.max_tasklets));
        let stacks = Arc::new(StackPool::new(config.stack_size, config.guards, limit.clone())?);
        Ok(Self {
            // The one place that makes homes: one for each worker.
            homes: (0..remotes.len()).map(|worker| CachePadded::new(Home::new(worker))).collect(),
            idle: Idle::new(remotes.len()),
            workers: remotes.into(),
            injector: Injector::new(),
            stacks,
            limit,
            odd_stacks: Mutex::new(Vec::new()),
            futures: FutureRegistry::default(),
            migrants: Migrants::default(),
            monitor: Monitor::default(),
            survey: Survey::default(),
            runs: AtomicUsize::new(0),
            blocking: BlockingPool::new(config.thread_name.clone()),
            next_id: CachePadded::new(AtomicU64::new(1)),
            ending: AtomicBool::new(false),
            quiet: Quiet::default(),
            left: AtomicUsize::new(0),
            ending_leftovers: Mutex::new(()),
            all_left: Token::new(),
            config,
        })
    }

    /// The pool for stacks of `size` bytes, made at first use.
    pub(crate) fn stacks_of(&self, size: usize) -> Result<Arc<StackPool>, StackError> {
        let size = size.max(1).checked_next_multiple_of(page_size()).unwrap_or(size);
        let mut pools = self.odd_stacks.lock().unwrap_or_else(PoisonError::into_inner);
        match pools.binary_search_by_key(&size, |(size, _)| *size) {
            Ok(found) => Ok(pools[found].1.clone()),
            Err(place) => {
                let pool = Arc::new(StackPool::new(size, self.config.guards, self.limit.clone())?);
                pools.insert(place, (size, pool.clone()));
                Ok(pool)
            }
        }
    }

    /// Gives a share of the idle stacks back to the system. Returns whether there may be more of it next time.
    pub(crate) fn trim_stacks(&self, turn: usize) -> bool {
        let odd = self.odd_stacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        odd.iter().fold(self.stacks.trim(turn), |more, (_, pool)| pool.trim(turn) | more)
    }

    /// `count` numbers for tasks; returns the first.
    pub(crate) fn take_ids(&self, count: u64) -> u64 {
        self.next_id.fetch_add(count, Ordering::Relaxed)
    }

    /// Queues work that any worker may take.
    pub(crate) fn inject(&self, runnable: Runnable) {
        self.injector.push(runnable);
        self.wake_one();
        self.end_if_finished();
    }

    /// Wakes a worker for work that any may take, if one sleeps and none searches.
    pub(crate) fn wake_one(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.workers[worker].poller.wake();
        }
    }

    /// Wakes a worker for work that the caller would come to itself. Cheap if there is nothing to do.
    #[inline]
    pub(crate) fn wake_one_if_any(&self) {
        if let Some(worker) = self.idle.wake_one_if_any() {
            self.workers[worker].poller.wake();
        }
    }

    /// Hands `runnable` to a home from another thread.
    ///
    /// `&self` must stay valid through the call although `runnable` may run, and its runtime end, meanwhile: callers
    /// that are not workers of this runtime hold an `Arc`.
    pub(crate) fn send_home(&self, home: u32, runnable: Runnable) {
        let home = &self.homes[home as usize];
        home.inbox.push(runnable);
        self.wake_worker(home.worker());
        self.end_if_finished();
    }

    /// After a push: if the workers have left, nobody will come for it, so it is told to end right here.
    ///
    /// The last worker to leave does the same once more. Between the push and this look is a fence (in the wake), and between
    /// the end of the workers and their last look there is another, so one of the two sees the other's.
    fn end_if_finished(&self) {
        if self.is_finished() && self.left.load(Ordering::Acquire) == self.workers.len() {
            self.end_leftovers();
        }
    }

    /// Tells what is still queued to end, on the calling thread.
    #[cold]
    fn end_leftovers(&self) {
        let mut leftovers = Vec::new();
        {
            let _one_at_a_time = self.ending_leftovers.lock().unwrap_or_else(PoisonError::into_inner);
            for home in &self.homes {
                home.inbox.take_all(|runnable| leftovers.push(runnable));
            }
            while let Some(runnable) = steal_one(&self.injector) {
                leftovers.push(runnable);
            }
        }
        for runnable in leftovers {
            // SAFETY: taken out of its queue by us alone. Started fibers are gone: the runtime has finished.
            unsafe { crate::task::end_unstarted(runnable, self) };
        }
    }

    fn wake_worker(&self, worker: usize) {
        if self.idle.wake(worker) {
            self.workers[worker].poller.wake();
        }
    }

    /// How many turns all workers have taken.
    pub(crate) fn turns(&self) -> u64 {
        self.workers.iter().map(|remote| remote.turns.load(Ordering::Relaxed)).sum()
    }

    /// Makes every worker look around.
    pub(crate) fn wake_all(&self) {
        for worker in 0..self.workers.len() {
            self.wake_worker(worker);
        }
    }

    /// Tells the runtime to end.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Release);
        // Partner of the stores above and below: a worker's announcement of sleep, after which it looks again.
        self.wake_all();
    }

    #[inline]
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.quiet.is_finished()
    }

    /// Worker, while the runtime ends: it has nothing left. If nobody has, the runtime has finished.
    pub(crate) fn become_quiet(&self) {
        let no_work = || {
            self.homes.iter().all(|home| home.inbox.is_empty())
                && self.injector.is_empty()
                && self.futures.is_empty()
                && self.migrants.is_empty()
        };
        if self.quiet.enter(self.workers.len(), no_work) {
            self.wake_all();
        }
    }

    /// Worker: about to look for work again. `false` if the runtime has finished and it must not.
    #[must_use]
    pub(crate) fn leave_quiet(&self) -> bool {
        self.quiet.leave()
    }

    /// Worker: its last act.
    pub(crate) fn leave(&self) {
        if self.left.fetch_add(1, Ordering::AcqRel) + 1 == self.workers.len() {
            // Partner: the fence in the wake of whoever pushes.
            fence(Ordering::SeqCst);
            self.end_leftovers();
            self.blocking.close();
            self.monitor.finish();
            self.all_left.notify();
        }
    }

    /// Stands in for a worker whose thread could not be started.
    pub(crate) fn leave_unborn(&self) {
        self.become_quiet();
        self.leave();
    }

    /// How many tasks have not ended; a snapshot.
    pub(crate) fn live(&self) -> usize {
        let started: isize = self.homes.iter().map(|home| home.live()).sum();
        let queued: usize = self.workers.iter().map(|remote| remote.fresh.len()).sum();
        // A tasklet that ends elsewhere while this adds up may be counted out and not in.
        started.max(0) as usize + queued + self.injector.len() + self.futures.len()
    }

    /// Whether something that only this worker can run has been left waiting; a hint.
    pub(crate) fn somebody_waits_for(&self, worker: usize) -> bool {
        self.homes.iter().any(|home| home.worker() == worker && !home.inbox.is_empty())
            || !self.workers[worker].fresh.is_empty()
    }
}

fn steal_one(injector: &Injector<Runnable>) -> Option<Runnable> {
    loop {
        match injector.steal() {
            crossbeam_deque::Steal::Success(runnable) => return Some(runnable),
            crossbeam_deque::Steal::Empty => return None,
            crossbeam_deque::Steal::Retry => std::hint::spin_loop(),
        }
    }
}
