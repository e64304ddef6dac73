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
//!
//! Its thread is started when there is reason to: it costs as much as all the rest of a runtime that lives for a moment. While
//! somebody waits in [`Runtime::run`](crate::Runtime::run) or for the runtime's end, that one starts it after [`GRACE`]. What
//! else can run was spawned from outside, which starts it at once, or has outlived a `run`, which looks for that at its end.

use crate::fiber::{Fiber, fiber_at};
use crate::shared::Shared;
use crate::stack::TRIM_TURNS;
use crate::stack::overflow::Message;
use crate::task::memory;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tasklets_park::{Token, Waited};

/// How often it looks at a busy runtime.
const TICK: Duration = Duration::from_millis(10);
/// How often a stack is looked at, whether it is to be given back: one that was idle for so long is. Giving back interrupts the processors
/// of all workers, so a stack that is needed again soon should stay.
const TRIM_EVERY: Duration = Duration::from_secs(3);
/// After so many looks at a runtime that sleeps it sleeps too.
const IDLE_TICKS: u32 = 5;
/// How often the end of a `run` looks whether something goes on.
const LOOKS: u32 = 16;
/// How often the workers are called to answer what is suspended there, a tick apart.
const CALLS: u32 = 16;
/// A tasklet that runs so long without a switch while others wait is reported.
const HOG: Duration = Duration::from_secs(1);

/// How long a runtime gets on without it, if somebody waits who starts it then.
pub(crate) const GRACE: Duration = Duration::from_millis(5);

/// By which workers wake the monitor.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    asleep: AtomicBool,
    wake: Token,
    /// Whether its thread was started.
    started: AtomicBool,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
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

    /// Its thread, if it was started, for whoever ends the runtime.
    pub(crate) fn take_thread(&self) -> Option<thread::JoinHandle<()>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
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

/// Starts the monitor of a runtime, unless it was. If there is no thread to be had, that is said on stderr, and the next call
/// tries again.
#[inline]
pub(crate) fn ensure(shared: &Arc<Shared>) {
    // Relaxed: nothing but the start depends on it.
    if !shared.monitor.started.load(Ordering::Relaxed) && !shared.monitor.started.swap(true, Ordering::Relaxed) {
        start(shared);
    }
}

#[cold]
fn start(shared: &Arc<Shared>) {
    let name = format!("{}-mon", shared.config.thread_name);
    let its = shared.clone();
    let monitor = &shared.monitor;
    match thread::Builder::new().name(name).spawn(move || watch(&its)) {
        Ok(thread) => *monitor.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
        Err(error) => {
            monitor.started.store(false, Ordering::Relaxed);
            let _ = writeln!(io::stderr(), "tasklets: no thread for the monitor of a runtime, as yet: {error}");
        }
    }
}

/// At the end of a `run`: starts the monitor if something goes on. The tasklet that was run ends for good a moment after whoever
/// waits for it is told, so this looks a few times.
pub(crate) fn ensure_for_others(shared: &Arc<Shared>) {
    let mut turns = None;
    for _ in 0..LOOKS {
        // Twice with nothing run in between: a task on its way from a queue to its start is counted nowhere.
        let before = turns.replace(shared.turns());
        if shared.live() > 0 {
            turns = None;
        } else if before == turns {
            return;
        }
        thread::yield_now();
    }
    ensure(shared);
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
    let mut trim = Trim::new(began);
    let mut idle_ticks = 0;
    let (mut surveyed_at, mut reported) = (0, false);
    // Stacks are lent before the first look, if at all.
    let mut more_to_trim = true;
    while !shared.is_finished() {
        let all_asleep = shared.idle.all_asleep();
        idle_ticks = if all_asleep { idle_ticks + 1 } else { 0 };
        if idle_ticks > IDLE_TICKS && !more_to_trim {
            idle_ticks = 0;
            // Once for each time that it falls idle, and one report is enough.
            let turns = shared.turns();
            let found = if reported || surveyed_at == turns { Some(reported) } else { look_for_deadlock(shared) };
            // If not all have answered it looks again.
            if let Some(found) = found {
                (surveyed_at, reported) = (turns, found);
                shared.monitor.sleep(shared);
                trim = Trim::new(Instant::now());
            }
        }
        // With everybody asleep only the stacks are left to see to.
        let tick = if idle_ticks > IDLE_TICKS { TRIM_EVERY } else { TICK };
        let _ = shared.monitor.wake.wait(Some(Instant::now() + tick));
        let now = Instant::now();
        if !all_asleep {
            more_to_trim = true;
            look(shared, &mut seen, now);
        }
        if let Some(more) = trim.go_on(shared, now) {
            more_to_trim = more;
        }
    }
}

/// A pass over all stacks.
struct Trim {
    began: Instant,
    /// How many turns it has had.
    turns: usize,
    /// A turn said that there may be more next time.
    more: bool,
}

impl Trim {
    fn new(now: Instant) -> Self {
        Self { began: now, turns: 0, more: false }
    }

    /// As many turns as are due by now. At the end of the pass the next one begins: returns whether it may find something.
    fn go_on(&mut self, shared: &Shared, now: Instant) -> Option<bool> {
        let passed = now.saturating_duration_since(self.began).div_duration_f64(TRIM_EVERY);
        let due = ((TRIM_TURNS as f64 * passed) as usize).min(TRIM_TURNS);
        while self.turns < due {
            self.more |= shared.trim_stacks(self.turns);
            self.turns += 1;
        }
        if self.turns < TRIM_TURNS {
            return None;
        }
        let more = self.more | memory::trim();
        *self = Self::new(now);
        Some(more)
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

/// Asks the workers what is suspended. Returns whether it had to report; `None` if not all have answered, as they are busy or slow.
fn look_for_deadlock(shared: &Shared) -> Option<bool> {
    if shared.runs.load(Ordering::Relaxed) == 0 || !shared.futures.is_empty() || !shared.migrants.is_empty() {
        return Some(false);
    }
    let turns = shared.turns();
    let round = shared.survey.begin(shared.workers.len());
    shared.workers.iter().for_each(|remote| remote.asked.store(round, Ordering::Relaxed));
    for _ in 0..CALLS {
        // More than once: a worker that was about to sleep just now may have missed both the question and the call.
        shared.wake_all();
        let next_call = Instant::now() + TICK;
        loop {
            // The last to answer wakes us, and so does each that wakes.
            shared.monitor.asleep.store(true, Ordering::Relaxed);
            if shared.survey.is_answered() || shared.monitor.wake.wait(Some(next_call)) == Waited::TimedOut {
                break;
            }
        }
        shared.monitor.asleep.store(false, Ordering::Relaxed);
        if shared.survey.is_answered() {
            let finding = shared.survey.finding().filter(|_| turns == shared.turns());
            if let Some(report) = &finding {
                let _ = write!(io::stderr(), "{report}");
            }
            return Some(finding.is_some());
        }
        if turns != shared.turns() || shared.is_finished() {
            break;
        }
    }
    None
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
