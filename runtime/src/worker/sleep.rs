//! Looking around, falling asleep, waking. The protocol is [`idle`](crate::idle)'s; this is its worker side.

use super::Worker;
use super::run::Next;
use super::steal::{LONE_PATIENCE, Watch};
use crate::idle::Awake;
use crate::poller::Patience;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The longest a worker looks around before it sleeps: some multiple of what a sleep and a wake would cost.
const MAX_SPIN: Duration = Duration::from_micros(50);
/// Looking around looks into the poller every so many rounds: a system call each.
const POLL_EVERY: u32 = 16;

/// How long to look around before sleeping. It pays if other threads hand over work soon after this worker ran dry, so that is
/// what counts: a sleep that another thread ended soon is a reason to look around for as long as that took, a success to go on with
/// it, a failure to do it half as long. An event or a timer is no success, because a sleep would have ended with it as well. So a
/// server that waits for its clients spends nothing on it, and tasklets that hand work to each other across workers find each
/// other awake.
#[derive(Default)]
pub(super) struct Spin {
    micros: Cell<u32>,
    /// How often there was a reason to ask.
    times_dry: Cell<u64>,
}

impl Spin {
    fn allowance(&self) -> Duration {
        Duration::from_micros(self.micros.get().into())
    }

    fn succeeded(&self) {
        self.micros.set((self.micros.get() * 2).clamp(8, MAX_SPIN.as_micros() as u32));
    }

    /// Another thread has ended a sleep that took so long.
    fn woken_after(&self, slept: Duration) {
        if slept < 2 * MAX_SPIN {
            // A wakeup takes longer than a hand-over to somebody awake, so the whole of it will do.
            self.micros.set(MAX_SPIN.as_micros() as u32);
        }
    }

    fn failed(&self) {
        self.micros.set(self.micros.get() / 2);
    }
}

impl Worker {
    /// How often the worker has run dry: one for which it grows keeps up with its work.
    pub(crate) fn times_dry(&self) -> u64 {
        self.spin.times_dry.get()
    }

    /// The worker has run dry: looks around for a while, then sleeps. Returns what it found, or `None` after a sleep.
    pub(super) fn idle(&self) -> Option<Next> {
        self.spin.times_dry.set(self.spin.times_dry.get() + 1);
        if self.home.with_timers(|timers| timers.next_deadline().is_some()) {
            self.run_timers(Instant::now());
        }
        if let Some(runnable) = self.home.ready.pop_front() {
            return Some(Next::Run(runnable));
        }
        if self.spin.allowance().is_zero() && !self.others_have_work(0) {
            // A server between two requests: there is nothing to look for, and searching would cost it.
            return self.sleep(false);
        }
        let searching = self.shared.idle.try_start_searching();
        let found = self.look_around(searching);
        if found.is_some() {
            if searching {
                self.stop_searching();
            }
            return found;
        }
        self.sleep(searching)
    }

    /// A searcher has found work. The last one sees to it that more work is found too.
    fn stop_searching(&self) {
        if self.shared.idle.stop_searching() && self.others_have_work(1) {
            self.shared.wake_one();
        }
    }

    /// Looks for work everywhere, as long as it seems worth it. Only a searcher looks at other workers.
    fn look_around(&self, searching: bool) -> Option<Next> {
        let began = Instant::now();
        let mut watch = Watch::new(self, began);
        let allowance = self.spin.allowance();
        let mut now = began;
        let mut rounds = 0u32;
        loop {
            self.run_timers(now);
            // Not in the first round: without a reason to look around it sleeps in the poller at once.
            if rounds % POLL_EVERY == POLL_EVERY - 1 {
                self.poll(Patience::None);
            }
            if let Some(runnable) = self.home.ready.pop_front() {
                if rounds > 0 {
                    self.spin.failed();
                    self.pace.begin_anew();
                }
                return Some(Next::Run(runnable));
            }
            self.empty_inbox();
            let own = self.home.ready.pop_front().or_else(|| self.take_injected()).map(Next::Run);
            if let Some(next) = own.or_else(|| if searching { self.steal(&mut watch, now) } else { None }) {
                if rounds > 0 {
                    self.spin.succeeded();
                    self.pace.begin_anew();
                }
                return Some(next);
            }
            now = Instant::now();
            let looked = now.saturating_duration_since(began);
            // A lone task, or half of a join that is private, is worth the wait until it may be taken; when the runtime ends nothing is, it
            // is for others to wait.
            let worth_it = looked < allowance || watch.soon && looked < 2 * LONE_PATIENCE;
            if !worth_it || self.shared.is_ending() {
                if !allowance.is_zero() {
                    self.spin.failed();
                }
                return None;
            }
            rounds += 1;
            std::hint::spin_loop();
        }
    }

    /// Sleeps until there is something. Returns what it found right after, if anything.
    fn sleep(&self, mut searching: bool) -> Option<Next> {
        loop {
            if self.remote.asked.load(Ordering::Relaxed) != 0 {
                self.answer_survey();
            }
            let ending = self.shared.is_ending();
            if ending {
                self.cancel_started();
            }
            let quiet = ending && self.home.started.is_empty() && self.home.ready.is_empty() && self.fresh.is_empty();
            if quiet {
                self.shared.become_quiet();
            }
            self.shared.idle.announce_sleep(self.index, searching);
            self.call_for_jobs();
            if !self.has_anything(ending) {
                let deadline = self.home.with_timers(|timers| timers.next_deadline());
                let began = Instant::now();
                if self.poll(deadline.map_or(Patience::Forever, Patience::Until)) {
                    self.spin.woken_after(began.elapsed());
                }
                self.pace.has_polled();
            }
            let finished = quiet && !self.shared.leave_quiet();
            let awake = self.shared.idle.wake_up(self.index);
            self.shared.monitor.worker_woke();
            if awake == Awake::Plain || finished {
                return None;
            }
            // Woken to search: it looks around, and if there is nothing it sleeps again as a searcher that gives up.
            let found = self.look_around(true);
            if found.is_some() {
                self.stop_searching();
                return found;
            }
            searching = true;
        }
    }

    /// About to sleep: whoever offers half of a join from now on is to look whether somebody sleeps.
    fn call_for_jobs(&self) {
        for (_, remote) in self.shared.workers.iter().enumerate().filter(|&(worker, _)| worker != self.index) {
            remote.jobs.call();
        }
    }

    /// Tells the monitor what is suspended here.
    #[cold]
    fn answer_survey(&self) {
        let round = self.remote.asked.swap(0, Ordering::Relaxed);
        let last = self.shared.survey.answer(round, |each| {
            if self.home.with_timers(|timers| timers.next_deadline().is_some()) {
                return true;
            }
            let mut external = false;
            self.home.started.for_each_while(|fiber| {
                external = each(fiber.context.reason(), &fiber.label);
                !external
            });
            external
        });
        if last {
            self.shared.monitor.wake();
        }
    }

    /// The last look before sleeping: every source of work, and the end. `ending` is what it was before the announcement.
    fn has_anything(&self, ending: bool) -> bool {
        !self.home.ready.is_empty()
            || !self.fresh.is_empty()
            || !self.shared.homes[self.home.index as usize].inbox.is_empty()
            || self.others_have_work(1)
            || self.shared.is_finished()
            || self.shared.is_ending() != ending
    }
}
