//! What runs next, and fairness.
//!
//! Order: what the last tasklet woke (a few times in a row at most), then started tasklets and fresh ones in turn, then
//! halves of joins that their owners wait for, then the inbox and the injector.
//!
//! Fairness is bounded in time. Turns are counted in *windows*, whose length adapts so that one lasts about 50 us but has no
//! more than 128 turns; at the end of each the clock is read, timers are run, the inbox is emptied and the injector gets a turn,
//! and every 100 us the poller and the oldest fresh task or half of a join get theirs, whatever else is runnable.
//!
//! What a window's end finds, the *arrivals* (due timers, events, wakes from other threads), goes before what was ready:
//! a tasklet that is woken while others compute and yield waits for one of them and not for all. So that the others get on
//! under a stream of arrivals, a batch goes first only when the others have had as many turns as the batch before. The injector
//! likewise gets at most every second turn. A FIFO runtime puts arrivals behind what is ready.

use super::Worker;
use super::run::Next;
use crate::fiber::Fiber;
use crate::node::{List, Runnable};
use crate::poller::Patience;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often in a row the slot of the last wake goes first.
const RUN_NEXT_STREAK: i32 = 3;
/// The streak when the slot is to go first, whatever else is to be done.
const PROMISED: i32 = -1;
/// How many more fresh tasks than ready tasklets may be let first by those that yield.
const MAX_JUMPS: u64 = 256;
const MAX_WINDOW: u32 = 128;
/// After a pause.
const FIRST_WINDOW: u32 = 4;
const WINDOW: Duration = Duration::from_micros(50);
const ROUND: Duration = Duration::from_micros(100);

/// How many timers are run at a time. The memory of one fiber is on its way while others are seen to, since most have slept for
/// long, and all of it is in a near cache still when they run. If more are due they come in the next window, or when the worker
/// would otherwise run dry.
const TIMERS_AT_ONCE: usize = 32;

/// The worker's sense of time.
pub(super) struct Pace {
    /// Turns until the window ends.
    left: Cell<u32>,
    /// Turns in the window.
    length: Cell<u32>,
    /// `None`: some time ago, but the worker has looked for work since.
    window_began: Cell<Option<Instant>>,
    /// `None`: with the worker's last sleep.
    round_began: Cell<Option<Instant>>,
    turns: Cell<u64>,
    /// How often in a row `run_next` went first.
    streak: Cell<i32>,
    /// Whether fresh tasks go before started ones this time.
    fresh_first: Cell<bool>,
    /// Which goes first if a window's end finds both: the oldest fresh task or the injector.
    oldest_first: Cell<bool>,
    /// Whether the oldest half of a join goes before both.
    job_first: Cell<bool>,
    /// Tasklets taken from the ready queue.
    taken: Cell<u64>,
    /// How often a fresh task went before those, or `taken`, if that is more: credit is not saved up.
    jumped: Cell<u64>,
    /// Arrivals go first again when `taken` has come this far.
    arrivals_from: Cell<u64>,
    /// The injector gets a share again when `turns` has come this far.
    injected_from: Cell<u64>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: Cell::new(1),
            length: Cell::new(1),
            window_began: Cell::new(Some(now)),
            round_began: Cell::new(Some(now)),
            turns: Cell::new(0),
            streak: Cell::new(0),
            fresh_first: Cell::new(false),
            oldest_first: Cell::new(false),
            job_first: Cell::new(false),
            taken: Cell::new(0),
            jumped: Cell::new(0),
            arrivals_from: Cell::new(0),
            injected_from: Cell::new(0),
        }
    }

    fn begin_window(&self, length: u32) {
        self.length.set(length);
        self.left.set(length);
    }

    /// As many turns as took WINDOW at the rate of the window that ends, but growing no faster than by doubling.
    fn next_length(&self, now: Instant) -> u32 {
        let length = self.length.get();
        let Some(began) = self.window_began.replace(Some(now)) else { return length };
        let took = now.saturating_duration_since(began).as_nanos() as u64;
        let fits = WINDOW.as_nanos() as u64 * u64::from(length) / took.max(1);
        fits.clamp(1, u64::from((2 * length).min(MAX_WINDOW))) as u32
    }

    /// Whether the poller is to be looked into.
    fn ends_round(&self, now: Instant) -> bool {
        let began = self.round_began.get();
        let ends = began.is_some_and(|began| now.saturating_duration_since(began) >= ROUND);
        if ends || began.is_none() {
            self.round_began.set(Some(now));
        }
        ends
    }

    /// The worker has looked around for work for a while: that time says nothing of the length of a turn, so a new window
    /// begins; a short one, since nobody knows how long turns are now.
    pub(super) fn begin_anew(&self) {
        self.begin_window(self.length.get().min(FIRST_WINDOW));
        self.window_began.set(None);
    }

    /// It has slept in its poller, so that need not be looked into soon.
    pub(super) fn has_polled(&self) {
        self.begin_anew();
        self.round_began.set(None);
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

    /// Whether nobody could run here if the running tasklet did not, while other workers are at work.
    pub(crate) fn has_nobody_else(&self) -> bool {
        self.shared.idle.awake() > 1
            && self.home.ready.is_empty()
            && self.home.run_next.get().is_none()
            && self.fresh.is_empty()
            && self.jobs().is_empty()
            && self.shared.homes[self.home.index as usize].inbox.is_empty()
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

    /// A tasklet yields: fresh ones go first this time, or it might be its own successor. Not without end, or fresh ones that spawn
    /// more and yield would keep those that are ready from going on: then they have every second turn as ever.
    #[inline]
    pub(super) fn let_fresh_go_first(&self) {
        let pace = &self.pace;
        if self.home.ready.is_empty() || pace.jumped.get() < pace.taken.get() + MAX_JUMPS {
            pace.fresh_first.set(true);
        }
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
            && let Some(next) = self.end_window()
        {
            match next {
                Next::Run(runnable) if self.pace.streak.get() == PROMISED => self.home.ready.push_back(runnable),
                next => return Some(next),
            }
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
            self.pace.jumped.set(self.pace.jumped.get() + 1);
            self.fresh.pop().or_else(|| self.take_ready())
        } else {
            self.take_ready().or_else(|| self.fresh.pop())
        };
        if let Some(runnable) = found {
            return Some(Next::Run(runnable));
        }
        self.next_beyond_tasks()
    }

    #[inline]
    fn take_ready(&self) -> Option<Runnable> {
        self.pace.taken.set(self.pace.taken.get() + 1);
        self.home.ready.pop_front()
    }

    /// Halves of joins that their owners wait for, the inbox, the injector.
    #[inline(never)]
    fn next_beyond_tasks(&self) -> Option<Next> {
        // As for a pop of a fresh task.
        self.leave_fiber();
        if let Some(job) = self.jobs().pop() {
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
    fn end_window(&self) -> Option<Next> {
        let now = Instant::now();
        let pace = &self.pace;
        pace.begin_window(pace.next_length(now));
        pace.jumped.set(pace.jumped.get().max(pace.taken.get()));
        // What is found from here on goes into an empty queue.
        let waiting = self.home.ready.take();
        self.run_timers(now);
        self.empty_inbox();
        let round = pace.ends_round(now);
        if round {
            self.poll(Patience::None);
            if self.shared.is_ending() {
                self.cancel_started();
            }
        }
        self.place_arrivals(waiting);
        if round
            && pace.streak.get() != PROMISED
            && pace.job_first.replace(!pace.job_first.get())
            && let Some(job) = self.jobs().take_oldest()
        {
            return Some(Next::Job(job));
        }
        if pace.turns.get() < pace.injected_from.get() {
            // What the injector gave last lies on top of the deque. The oldest might spawn, and that would bury it.
            return None;
        }
        let oldest_first = round && pace.oldest_first.replace(!pace.oldest_first.get());
        let oldest = || if round { self.oldest_fresh() } else { None };
        let runnable = if oldest_first {
            oldest().or_else(|| self.share_of_injected())
        } else {
            self.share_of_injected().or_else(oldest)
        };
        runnable.map(Next::Run)
    }

    /// The ready queue has what just arrived; `waiting` is what was in it before.
    fn place_arrivals(&self, waiting: List) {
        let (ready, pace) = (&self.home.ready, &self.pace);
        if !ready.is_empty() && !waiting.is_empty() {
            let taken = pace.taken.get();
            if taken >= pace.arrivals_from.get() && !self.shared.config.fifo {
                // As many turns for the others as for these.
                pace.arrivals_from.set(taken + 2 * ready.count());
            } else {
                waiting.append(ready.take());
            }
        }
        // Where there were none, or they go behind, the queue is empty now.
        ready.append(waiting);
    }

    /// What the injector has for a worker with other things to do, which then get as many turns.
    fn share_of_injected(&self) -> Option<Runnable> {
        let pace = &self.pace;
        let before = self.fresh.len();
        let runnable = self.take_injected()?;
        let share = 2 * (1 + self.fresh.len().saturating_sub(before)) as u32;
        pace.injected_from.set(pace.turns.get() + u64::from(share));
        if !self.shared.injector.is_empty() {
            // There is more, so this window ends when the next share is due.
            pace.begin_window(pace.length.get().min(share));
        }
        Some(runnable)
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

    /// Makes runnable whose deadline has passed, some of them if they are many.
    pub(super) fn run_timers(&self, now: Instant) {
        self.leave_fiber();
        let mut due = [std::ptr::null(); TIMERS_AT_ONCE];
        let mut count = 0;
        self.home.with_timers(|timers| {
            while count < due.len()
                && let Some(entry) = timers.pop_due(now)
            {
                // SAFETY: entries are never freed; the data is the fiber's address.
                let fiber = unsafe { entry.as_ref() }.data().cast::<Fiber>();
                Fiber::prefetch(fiber);
                due[count] = fiber;
                count += 1;
            }
        });
        for &fiber in &due[..count] {
            // SAFETY: a fiber whose timer was linked waits, and so is alive; it cannot go on before its home, here, lets it.
            let fiber = unsafe { &*fiber };
            if fiber.context.time_out() {
                self.home.ready.push_back(fiber.runnable());
            }
        }
    }

    /// Takes the poller's events. Returns whether another thread had woken it.
    pub(super) fn poll(&self, patience: Patience) -> bool {
        self.leave_fiber();
        self.poller.borrow_mut().poll(patience)
    }
}
