//! A worker: a core's executor. It runs a home's tasklets, takes fresh work from its deques, from the injector and from
//! other workers, polls for events, and sleeps.
//!
//! | file       | what                                                                    |
//! |------------|-------------------------------------------------------------------------|
//! | [`mod`]    | the worker and how running code finds it                                |
//! | `find`     | what runs next, and fairness                                            |
//! | `run`      | running it, and what follows when it leaves its stack                   |
//! | `fibers`   | fibers made, kept and given back                                        |
//! | `steal`    | taking work from other workers                                          |
//! | `sleep`    | looking around, falling asleep, waking                                  |
//! | `wake`     | making a suspended fiber runnable                                       |
//! | `teardown` | the end                                                                 |
//!
//! # Placement
//!
//! A tasklet's home is decided when it first runs and then stays, so where it first runs matters.
//!
//! * A fresh task goes to its spawner's deque. While it is alone there, it is left to its spawner's worker unless that has run
//!   one thing for longer than [`steal::LONE_PATIENCE`] under a thief's eyes: the partner of a ping-pong pair is spawned, then
//!   its spawner waits for it, and both live on one worker. Nobody is woken for a lone task.
//! * A second one in the deque is fan-out: one sleeper is woken, and thieves take at once. Whoever finds work wakes the next.
//!   While a thief is on its way the spawner's worker goes on with what it has started, and leaves it the fresh ones.
//! * `near` and `net::serve` send a task to a chosen home's inbox, and it starts there.

mod fibers;
mod find;
mod run;
mod sleep;
mod steal;
mod teardown;
mod wake;

use crate::fiber::Fiber;
use crate::home::LocalHome;
use crate::jobs::{Header, Jobs};
use crate::node::Runnable;
use crate::poller::Poller;
use crate::shared::{Remote, Shared};
use crate::stack::overflow;
use crossbeam_deque as deque;
use std::cell::{Cell, RefCell};
use std::io::{self, Write as _};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;
use tasklets_park::context;

/// What only the worker itself touches.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    /// Its own entry in `shared.workers`.
    pub(crate) remote: Arc<Remote>,
    pub(crate) index: usize,
    pub(crate) home: LocalHome,
    /// Fresh tasks and futures; newest first, or oldest first in a FIFO runtime.
    pub(crate) fresh: deque::Worker<Runnable>,
    /// The fiber that runs now. It stays set while the worker picks the next one; see [`Worker::leave_fiber`].
    current: Cell<Option<NonNull<Fiber>>>,
    /// How many halves of joins were offered in a row with everybody busy.
    quiet_pushes: Cell<u32>,
    fibers: fibers::Fibers,
    poller: RefCell<Poller>,
    pace: find::Pace,
    spin: sleep::Spin,
    /// State of the generator that picks victims.
    random: Cell<u64>,
    ids: Cell<Ids>,
}

/// Numbers for tasks that the worker may still give out.
#[derive(Clone, Copy)]
struct Ids {
    next: u64,
    end: u64,
}

/// After so many halves of joins that nobody was free for, they are offered in the cheaper way. A thief that comes back from what it
/// stole should not find them private.
const QUIET_PUSHES: u32 = 64;

/// How many numbers a worker takes at once.
const ID_BATCH: u64 = 256;

thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(std::ptr::null()) };
}

/// What a worker's thread starts with: the halves that are not shared.
pub(crate) struct Seed {
    pub(crate) index: usize,
    pub(crate) fresh: deque::Worker<Runnable>,
    pub(crate) poller: Poller,
    pub(crate) remote: Arc<Remote>,
}

/// Whatever runs on a worker catches; if something gets through, the worker cannot go on, nor can those who wait for it.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        let _ =
            writeln!(io::stderr(), "tasklets: a panic has reached a worker's own loop, which is a bug of the runtime");
        std::process::abort();
    }
}

impl Worker {
    /// The body of a worker's thread.
    pub(crate) fn main(seed: Seed, shared: Arc<Shared>) {
        // Without it an overflow still ends the process, only without a message.
        let _alternate = overflow::ensure_alternate_stack();
        let now = Instant::now();
        let worker = Worker {
            remote: seed.remote,
            index: seed.index,
            home: LocalHome::new(seed.index as u32, now),
            fresh: seed.fresh,
            current: Cell::new(None),
            quiet_pushes: Cell::new(0),
            fibers: fibers::Fibers::new(&shared),
            poller: RefCell::new(seed.poller),
            pace: find::Pace::new(now),
            spin: sleep::Spin::default(),
            random: Cell::new(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed.index as u64 + 1)),
            ids: Cell::new(Ids { next: 0, end: 0 }),
            shared,
        };
        WORKER.set(&raw const worker);
        let unwinding = AbortOnUnwind;
        worker.run_until_the_end();
        std::mem::forget(unwinding);
        WORKER.set(std::ptr::null());
        worker.fibers.give_back_all(&worker.shared);
        let shared = worker.shared.clone();
        drop(worker);
        shared.leave();
    }

    /// The worker whose thread this is. Call it again after each suspension instead of keeping it.
    ///
    /// With tasklets that may change threads it is neither inlined nor transparent to the optimiser, which would otherwise keep the
    /// thread-local's address across a suspension. Without them every stack stays on its thread, and it may.
    #[cfg_attr(feature = "migrating", inline(never))]
    #[cfg_attr(not(feature = "migrating"), inline(always))]
    pub(crate) fn of_thread<'a>() -> Option<&'a Worker> {
        #[cfg(feature = "migrating")]
        // SAFETY: an empty statement; it only stops the optimiser from treating this function as pure.
        unsafe {
            std::arch::asm!("", options(nostack, preserves_flags));
        }
        let worker = WORKER.get();
        // SAFETY: set while the worker lives on this very thread. The lifetime is the caller's honest word not to keep it
        // over a suspension.
        unsafe { worker.as_ref() }
    }

    /// The worker and the fiber that the calling code runs on; none outside tasklets.
    #[inline]
    pub(crate) fn current<'a>() -> Option<(&'a Worker, &'a Fiber)> {
        let worker = Self::of_thread()?;
        // SAFETY: the current fiber runs, so it is alive.
        Some((worker, unsafe { worker.current.get()?.as_ref() }))
    }

    /// The worker's own code is about to do what may come to foreign code (a destructor, a waker, the deques' garbage), or to
    /// sleep: nothing runs on a fiber now. From one started fiber straight to the next there is none of that, and it is left out,
    /// because it is a tenth of the time of a switch.
    #[inline]
    fn leave_fiber(&self) {
        self.current.set(None);
        context::leave();
    }

    /// A number for a new task.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        let mut ids = self.ids.get();
        if ids.next == ids.end {
            ids.next = self.shared.take_ids(ID_BATCH);
            ids.end = ids.next + ID_BATCH;
        }
        let id = ids.next;
        ids.next += 1;
        self.ids.set(ids);
        id
    }

    /// Queues a fresh task spawned here.
    #[inline]
    pub(crate) fn push_fresh(&self, runnable: Runnable) {
        if self.shared.config.fifo && self.shared.workers.len() == 1 {
            // One queue for fresh and started: the order is exact.
            self.home.ready.push_back(runnable);
            return;
        }
        self.fresh.push(runnable);
        if self.fresh.len() > 1 {
            self.shared.wake_one_if_any();
        }
    }

    /// Queues a woken future: newest first, like fresh tasks, so that it runs while what it waited for is in the cache.
    pub(crate) fn push_future(&self, runnable: Runnable) {
        if self.shared.config.fifo {
            self.home.ready.push_back(runnable);
        } else {
            self.push_fresh(runnable);
        }
    }

    /// The halves of joins that were offered here.
    #[inline]
    pub(crate) fn jobs(&self) -> &Jobs {
        &self.remote.jobs
    }

    /// Offers half of a join.
    ///
    /// # Safety
    /// As for [`Jobs::try_push`].
    #[inline(always)]
    pub(crate) unsafe fn push_job(&self, job: NonNull<Header>) {
        // SAFETY: the caller's promise, and this worker owns the deque.
        if !unsafe { self.jobs().try_push(job) } {
            // SAFETY: as above; it was not pushed.
            unsafe { self.push_job_for_others(job) };
        }
    }

    /// Offers half of a join when somebody is idle, or was, or when there is no room.
    #[cold]
    #[inline(never)]
    unsafe fn push_job_for_others(&self, job: NonNull<Header>) {
        let (jobs, idle) = (self.jobs(), &self.shared.idle);
        if self.quiet_pushes.get() == QUIET_PUSHES {
            self.quiet_pushes.set(0);
            jobs.uncall();
            if idle.is_anyone_idle() {
                jobs.call();
            }
        }
        // SAFETY: the caller's promise.
        let stolen_from = unsafe { jobs.push(job) };
        let quiet = !stolen_from && !idle.is_anyone_idle();
        self.quiet_pushes.set(if quiet { self.quiet_pushes.get() + 1 } else { 0 });
        self.shared.wake_one_if_any();
    }

    /// A pseudo-random number below `n`.
    fn random_below(&self, n: usize) -> usize {
        // xorshift64*
        let mut x = self.random.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}
