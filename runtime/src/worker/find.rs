//! What runs next, and fairness.
//!
//! Order: what the last tasklet woke (a few times in a row at most), then started tasklets and fresh ones in turn, then
//! halves of joins that their owners wait for, then the inbox and the injector.
//!
//! Fairness is bounded in time. Turns are counted in *windows*, whose length adapts so that one lasts about 50 us but has no
//! more than 128 turns; at the end of each the clock is read, timers are run and the inbox is emptied, and every 100 us the
//! poller, the injector and the oldest fresh task get their turn, whatever else is runnable. The poller is left out if the worker
//! has looked into it since its last turn, as one that runs dry now and then does.

use super::Worker;
use super::run::Next;
use crate::fiber::Fiber;
use crate::node::Runnable;
use crate::poller::Patience;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often in a row the slot of the last wake goes first.
const RUN_NEXT_STREAK: i32 = 3;
/// The streak when the slot is to go first, whatever else is to be done.
const PROMISED: i32 = -1;
const MAX_WINDOW: u32 = 128;
const WINDOW: Duration = Duration::from_micros(50);
const ROUND: Duration = Duration::from_micros(100);

/// The worker's sense of time.
pub(super) struct Pace {
    /// Turns until the window ends.
    left: Cell<u32>,
    /// Turns in a window.
    window: Cell<u32>,
    window_began: Cell<Instant>,
    round_began: Cell<Instant>,
    turns: Cell<u64>,
    /// How often in a row `run_next` went first.
    streak: Cell<i32>,
    /// Whether fresh tasks go before started ones this time.
    fresh_first: Cell<bool>,
    /// What the poller's turn was followed by last: the injector or the oldest fresh task.
    oldest_first: Cell<bool>,
    /// Whether the worker has looked into the poller since that had its last turn.
    polled: Cell<bool>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: Cell::new(1),
            window: Cell::new(1),
            window_began: Cell::new(now),
            round_began: Cell::new(now),
            turns: Cell::new(0),
            streak: Cell::new(0),
            fresh_first: Cell::new(false),
            oldest_first: Cell::new(false),
            polled: Cell::new(false),
        }
    }
}

impl Worker {
    /// Counts one run of something, for thieves and the monitor to see.
    #[inline]
    pub(super) fn count_turn(&self, fiber: &Fiber) {
        let turns = self.pace.turns.get() + 1;
        self.pace.turns.set(turns);
        self.remote.turns.store(turns, Ordering::Relaxed);
        self.remote.running.store(std::ptr::from_ref(fiber).cast_mut(), Ordering::Release);
    }

    /// Whether a tasklet that yields may simply go on: nobody else is runnable here, and the window is not over.
    #[inline]
    pub(crate) fn yield_is_idle(&self) -> bool {
        let left = self.pace.left.get();
        if left > 1 && self.home.ready.is_empty() && self.home.run_next.get().is_none() && self.fresh.is_empty() {
            self.pace.left.set(left - 1);
            return true;
        }
        false
    }

    /// Counts an operation; whether the window ends with it.
    #[inline]
    pub(crate) fn turn_is_due(&self) -> bool {
        let left = self.pace.left.get();
        if left > 1 {
            self.pace.left.set(left - 1);
        }
        left <= 1
    }

    /// A tasklet yields: fresh ones go first this time, or it might be its own successor.
    #[inline]
    pub(super) fn let_fresh_go_first(&self) {
        self.pace.fresh_first.set(true);
    }

    /// The running tasklet yields to the one that it woke last. It may do so any number of times in a row: each time a tasklet goes to the
    /// end of the ready queue and one that had waited runs, so the queue's turn comes when that one waits again.
    #[inline]
    pub(crate) fn let_run_next_go_first(&self) {
        self.pace.streak.set(PROMISED);
    }

    /// What to run next, without looking at other workers; `None` if there is nothing.
    #[inline(always)]
    pub(super) fn next(&self) -> Option<Next> {
        let left = self.pace.left.get() - 1;
        self.pace.left.set(left);
        if left == 0
            && let Some(runnable) = self.end_window()
        {
            if self.pace.streak.get() != PROMISED {
                return Some(Next::Run(runnable));
            }
            self.home.ready.push_back(runnable);
        }
        if let Some(runnable) = self.home.run_next.get() {
            self.home.run_next.set(None);
            let streak = self.pace.streak.get();
            if streak < RUN_NEXT_STREAK || self.home.ready.is_empty() {
                self.pace.streak.set(streak + 1);
                return Some(Next::Run(runnable));
            }
            self.home.ready.push_back(runnable);
        }
        self.pace.streak.set(0);
        let mut fresh_first = self.pace.fresh_first.replace(!self.pace.fresh_first.get());
        if !self.fresh.is_empty() {
            // A pop may come to foreign code: shrinking the deque collects garbage, anybody's.
            self.leave_fiber();
            // What is started here stays here, so while a thief is on its way fresh tasks are left to it if there is other work.
            fresh_first &= !self.shared.idle.is_anyone_searching();
        }
        let found = if fresh_first {
            self.fresh.pop().or_else(|| self.home.ready.pop_front())
        } else {
            self.home.ready.pop_front().or_else(|| self.fresh.pop())
        };
        if let Some(runnable) = found {
            return Some(Next::Run(runnable));
        }
        self.next_beyond_tasks()
    }

    /// Halves of joins that their owners wait for, the inbox, the injector.
    #[inline(never)]
    fn next_beyond_tasks(&self) -> Option<Next> {
        // As for a pop of a fresh task.
        self.leave_fiber();
        if let Some(job) = self.jobs.pop() {
            return Some(Next::Job(job));
        }
        self.empty_inbox();
        self.home.ready.pop_front().or_else(|| self.take_injected()).map(Next::Run)
    }

    /// Moves the inbox to the ready queue.
    pub(super) fn empty_inbox(&self) -> bool {
        self.shared.homes[self.home.index as usize].inbox.take_all(|runnable| self.home.ready.push_back(runnable))
    }

    /// Takes one from the injector, and a share of the rest into the deque.
    pub(super) fn take_injected(&self) -> Option<Runnable> {
        let injector = &self.shared.injector;
        if injector.is_empty() {
            return None;
        }
        // A FIFO runtime keeps the order by taking one at a time.
        let share = if self.shared.config.fifo { 1 } else { injector.len() / self.shared.workers.len() + 1 };
        loop {
            match injector.steal_batch_with_limit_and_pop(&self.fresh, share) {
                crossbeam_deque::Steal::Success(runnable) => return Some(runnable),
                crossbeam_deque::Steal::Empty => return None,
                // Somebody else took one in this moment, so the runtime as a whole gets on.
                crossbeam_deque::Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// The end of a window: reads the clock, and serves those who would otherwise wait for this worker to run dry.
    #[cold]
    fn end_window(&self) -> Option<Runnable> {
        let now = Instant::now();
        let pace = &self.pace;
        let took = now.saturating_duration_since(pace.window_began.get()).as_nanos() as u64;
        let window = u64::from(pace.window.get());
        // As many turns as took WINDOW at the last window's rate, but growing no faster than by doubling.
        let fits = WINDOW.as_nanos() as u64 * window / took.max(1);
        let window = fits.clamp(1, (2 * window).min(u64::from(MAX_WINDOW))) as u32;
        pace.window.set(window);
        pace.left.set(window);
        pace.window_began.set(now);
        self.run_timers(now);
        self.empty_inbox();
        if now.saturating_duration_since(pace.round_began.get()) < ROUND {
            return None;
        }
        pace.round_began.set(now);
        if !pace.polled.get() {
            self.poll(Patience::None);
        }
        pace.polled.set(false);
        if self.shared.is_ending() {
            self.cancel_started();
        }
        let oldest_first = pace.oldest_first.replace(!pace.oldest_first.get());
        if oldest_first {
            self.oldest_fresh().or_else(|| self.take_injected())
        } else {
            self.take_injected().or_else(|| self.oldest_fresh())
        }
    }

    /// The fresh task that has waited longest here.
    fn oldest_fresh(&self) -> Option<Runnable> {
        // With a thief on its way there is no need: it will take this one first. It takes none that is alone, though.
        let left_to_thief = self.fresh.len() > 1 && self.shared.idle.is_anyone_searching();
        if self.fresh.is_empty() || left_to_thief {
            return None;
        }
        self.remote.fresh.steal().success()
    }

    /// Makes runnable whose deadline has passed.
    pub(super) fn run_timers(&self, now: Instant) {
        self.leave_fiber();
        while let Some(entry) = self.home.with_timers(|timers| timers.pop_due(now)) {
            // SAFETY: entries are part of fibers that wait, and those are alive; the data is the fiber's address.
            let fiber = unsafe { &*entry.as_ref().data().cast::<crate::fiber::Fiber>() };
            if fiber.context.time_out() {
                self.home.ready.push_back(fiber.runnable());
            }
        }
    }

    /// Takes the poller's events. Returns whether another thread had woken it.
    pub(super) fn poll(&self, patience: Patience) -> bool {
        self.leave_fiber();
        self.pace.polled.set(true);
        self.poller.borrow_mut().poll(patience)
    }
}
