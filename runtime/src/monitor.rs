//! The monitor: one thread of a runtime that looks at it every few milliseconds while it is busy.
//!
//! * It wakes a sleeping worker if work has been left lying: a task alone in the deque of a worker that computes on, or a wakeup
//!   that the [idle protocol](crate::idle) chose to risk.
//! * It reports a tasklet that keeps its worker while others wait for it.
//! * It gives idle stacks back to the system, and idle memory of tasks to the allocator.
//! * It reports a [deadlock](crate::deadlock).
//!
//! When every worker has slept for a while and nothing is left to give back, it sleeps until a worker wakes, so an idle runtime
//! uses no time at all.

use crate::fiber::{Fiber, fiber_at};
use crate::shared::Shared;
use crate::stack::overflow::Message;
use crate::task::memory;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread;
use std::time::{Duration, Instant};
use tasklets_park::Token;

/// How often it looks at a busy runtime.
const TICK: Duration = Duration::from_millis(10);
/// How often stacks are given back.
const TRIM_EVERY: Duration = Duration::from_secs(1);
/// After so many looks at a runtime that sleeps it sleeps too.
const IDLE_TICKS: u32 = 5;
/// A tasklet that runs so long without a switch while others wait is reported.
const HOG: Duration = Duration::from_secs(1);

/// By which workers wake the monitor.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    asleep: AtomicBool,
    wake: Token,
}

impl Monitor {
    /// Worker: has woken from its sleep.
    #[inline]
    pub(crate) fn worker_woke(&self) {
        // Partner: the fence in `sleep`. Either the monitor sees that this worker is awake, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the monitor if it sleeps for long.
    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::AcqRel) {
            self.wake.notify();
        }
    }

    /// The runtime has finished: whatever the monitor waits for, it is over.
    pub(crate) fn finish(&self) {
        self.wake.notify();
    }

    /// Sleeps until some worker is awake, or the runtime has finished.
    fn sleep(&self, shared: &Shared) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if shared.idle.all_asleep() && !shared.is_finished() {
            let _ = self.wake.wait(None);
        }
        self.asleep.store(false, Ordering::Relaxed);
    }
}

/// Starts the monitor of a runtime.
pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<thread::JoinHandle<()>> {
    let name = format!("{}-mon", shared.config.thread_name);
    let shared = shared.clone();
    thread::Builder::new().name(name).spawn(move || watch(&shared))
}

/// What is known of a worker.
#[derive(Clone, Copy)]
struct Seen {
    turns: u64,
    since: Instant,
    reported: bool,
}

fn watch(shared: &Shared) {
    let began = Instant::now();
    let mut seen = vec![Seen { turns: 0, since: began, reported: false }; shared.workers.len()];
    let mut last_trim = began;
    let mut idle_ticks = 0;
    let (mut surveyed_at, mut reported) = (0, false);
    // Stacks are lent before the first look, if at all.
    let mut more_to_trim = true;
    while !shared.is_finished() {
        let all_asleep = shared.idle.all_asleep();
        idle_ticks = if all_asleep { idle_ticks + 1 } else { 0 };
        if idle_ticks > IDLE_TICKS && !more_to_trim {
            // Once for each time that it falls idle, and one report is enough.
            if !reported && surveyed_at != shared.turns() {
                surveyed_at = shared.turns();
                reported = look_for_deadlock(shared);
            }
            shared.monitor.sleep(shared);
            idle_ticks = 0;
        }
        // With everybody asleep only the stacks are left to see to.
        let tick = if idle_ticks > IDLE_TICKS { TRIM_EVERY } else { TICK };
        let _ = shared.monitor.wake.wait(Some(Instant::now() + tick));
        let now = Instant::now();
        if !all_asleep {
            more_to_trim = true;
            look(shared, &mut seen, now);
        }
        if now.saturating_duration_since(last_trim) >= TRIM_EVERY {
            last_trim = now;
            more_to_trim = shared.trim_stacks() | memory::trim();
        }
    }
}

fn look(shared: &Shared, seen: &mut [Seen], now: Instant) {
    let mut left_lying = !shared.injector.is_empty();
    for (worker, seen) in seen.iter_mut().enumerate() {
        let remote = &shared.workers[worker];
        left_lying |= !remote.fresh.is_empty() || !remote.jobs.is_empty();
        let turns = remote.turns.load(Ordering::Relaxed);
        if turns != seen.turns || shared.idle.is_asleep(worker) {
            *seen = Seen { turns, since: now, reported: false };
        } else if !seen.reported
            && now.saturating_duration_since(seen.since) >= HOG
            && shared.somebody_waits_for(worker)
        {
            seen.reported = report_hog(shared, worker, turns, now - seen.since);
        }
    }
    if left_lying {
        shared.wake_one_if_any();
    }
}

/// Asks the workers what is suspended. Returns whether it had to report.
fn look_for_deadlock(shared: &Shared) -> bool {
    if shared.runs.load(Ordering::Relaxed) == 0 || !shared.futures.is_empty() || !shared.migrants.is_empty() {
        return false;
    }
    let turns = shared.turns();
    let round = shared.survey.begin(shared.workers.len());
    shared.workers.iter().for_each(|remote| remote.asked.store(round, Ordering::Relaxed));
    // The last to answer wakes us; so do workers that wake, so it takes a few rounds.
    for _ in 0..4 {
        shared.monitor.asleep.store(true, Ordering::Relaxed);
        shared.wake_all();
        let _ = shared.monitor.wake.wait(Some(Instant::now() + TICK));
    }
    shared.monitor.asleep.store(false, Ordering::Relaxed);
    let finding = shared.survey.finding().filter(|_| turns == shared.turns());
    if let Some(report) = &finding {
        let _ = write!(io::stderr(), "{report}");
    }
    finding.is_some()
}

/// Says who keeps a worker. Returns whether it was still running the same.
fn report_hog(shared: &Shared, worker: usize, turns: u64, time: Duration) -> bool {
    let remote = &shared.workers[worker];
    let fiber: *const Fiber = remote.running.load(Ordering::Acquire);
    // SAFETY: null, or a fiber that this worker has run. Its stack is mapped: only `trim_stacks`, on this thread, unmaps any while
    // the runtime lives. Only its label is looked at, which is made of atomics; should a new fiber be made at that very place just
    // now, the turns below differ and nothing is said.
    let Some(label) = (unsafe { (!fiber.is_null()).then(|| (*fiber).label.to_string()) }) else { return false };
    let same = remote.turns.load(Ordering::Acquire) == turns;
    if same {
        let _ = writeln!(
            io::stderr(),
            "tasklets: {label} has kept worker {worker} for {time:.1?} without waiting or yielding, and others wait for that \
             worker; long computing and blocking calls belong into `unblock`"
        );
    }
    same
}

/// Names the tasklet on the stack with this top, for the message of an overflow.
///
/// # Safety
/// A fiber lies on that stack.
pub(crate) unsafe fn describe_overflow(stack_top: usize, out: &mut Message) {
    // SAFETY: says the caller. The label is made of atomics.
    let _ = unsafe { write!(out, "{}", (*fiber_at(stack_top)).label) };
}
