//! Waking futures at a moment.
//!
//! A tasklet's deadline is its home's affair, and a thread sleeps no longer than to its own. A future that waits on a foreign executor
//! has neither: something must call its waker. That is a [`Timer`], and [`TimerThread`] is the one that is always there.
//!
//! It is a cold path (who needs many timers in futures has an executor with timers), so a locked map does. Its locks are std's also
//! under loom: no model uses a clock.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// How long the thread stays with nothing to wait for.
const IDLE: Duration = Duration::from_secs(5);

/// Wakes futures at a moment.
pub trait Timer {
    /// What stands for one entry. Dropping it takes the entry out, if the moment has not come.
    type Alarm;

    /// Calls `waker` once, at `deadline` or soon after; at once if that has passed. Never earlier, but see the implementation for
    /// what it does when it cannot. Never suspends.
    #[must_use = "dropping the alarm takes it back"]
    fn wake_at(&self, deadline: Instant, waker: Waker) -> Self::Alarm;
}

/// The timer for futures that have no other: one thread of the process, started at first use, that ends after 5 idle seconds. It is not idle
/// until the moment of the next alarm that was set when it last looked, even if that alarm is taken back.
///
/// If the thread cannot be started, the waker is called at once: the future is polled, finds that it is too early, and asks again.
/// That takes CPU time but loses nothing.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tasklets_park::{Timer, TimerThread, block_on};
///
/// let deadline = Instant::now() + Duration::from_millis(5);
/// let mut alarm = None;
/// block_on(std::future::poll_fn(|context| {
///     if deadline <= Instant::now() {
///         return std::task::Poll::Ready(());
///     }
///     alarm = Some(TimerThread.wake_at(deadline, context.waker().clone()));
///     std::task::Poll::Pending
/// }));
/// assert!(deadline <= Instant::now());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TimerThread;

static CLOCK: Clock = Clock::new(IDLE);

impl Timer for TimerThread {
    type Alarm = Alarm;

    fn wake_at(&self, deadline: Instant, waker: Waker) -> Alarm {
        CLOCK.wake_at(deadline, waker)
    }
}

/// An entry of the [`TimerThread`]; dropping it takes the entry out.
pub struct Alarm {
    clock: &'static Clock,
    key: Key,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let waker = self.clock.lock().entries.remove(&self.key);
        // Outside the lock: dropping a waker may run anything.
        drop(waker);
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("deadline", &self.key.0).finish_non_exhaustive()
    }
}

/// Deadlines first, then the order of asking.
type Key = (Instant, u64);

/// The entries of one thread.
struct Clock {
    state: Mutex<State>,
    /// An entry has come that is due before all others.
    changed: Condvar,
    idle: Duration,
}

struct State {
    entries: BTreeMap<Key, Waker>,
    next_id: u64,
    /// Whether there is a thread. It sets this to false under the lock, seeing no entries, so none is left without a thread.
    running: bool,
}

impl Clock {
    const fn new(idle: Duration) -> Self {
        let state = State { entries: BTreeMap::new(), next_id: 0, running: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), idle }
    }

    /// Nothing panics between two steps of a change, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_at(&'static self, deadline: Instant, waker: Waker) -> Alarm {
        let mut state = self.lock();
        let key = (deadline, state.next_id);
        state.next_id += 1;
        state.entries.insert(key, waker);
        let mut refused = None;
        if !state.running {
            let started = std::thread::Builder::new().name("tasklets-timer".into()).spawn(|| self.run());
            state.running = started.is_ok();
            if started.is_err() {
                refused = state.entries.remove(&key);
            }
        } else if state.entries.first_key_value().is_some_and(|(&first, _)| first == key) {
            self.changed.notify_one();
        }
        drop(state);
        if let Some(waker) = refused {
            waker.wake();
        }
        Alarm { clock: self, key }
    }

    /// The thread.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let first = state.entries.first_key_value().map(|(&(deadline, _), _)| deadline);
            let left = first.map_or(self.idle, |deadline| deadline.saturating_duration_since(Instant::now()));
            if !left.is_zero() {
                let (locked, waited) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
                state = locked;
                if first.is_none() && waited.timed_out() && state.entries.is_empty() {
                    state.running = false;
                    return;
                }
            } else if let Some((_, waker)) = state.entries.pop_first() {
                // Outside the lock: a waker runs anything. One that panics, which the hook has reported, must not take the others
                // down.
                drop(state);
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
                state = self.lock();
            }
        }
    }
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::task::Wake;

    const IDLE: Duration = Duration::from_millis(1);
    /// Miri's clock goes by the steps that the program makes.
    const UNIT: Duration = Duration::from_millis(if cfg!(miri) { 1000 } else { 1 });

    /// Tells its name when it is woken.
    struct Tell(&'static str, mpsc::Sender<&'static str>);

    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0).expect("the test listens");
            assert_ne!(self.0, "panics");
        }
    }

    /// Has the thread look for what is due, and waits until it has ended.
    fn end(clock: &'static Clock) {
        drop(clock.wake_at(Instant::now(), Waker::noop().clone()));
        while clock.lock().running {
            std::thread::yield_now();
        }
    }

    #[test]
    fn alarms_come_in_order_and_not_early() {
        static CLOCK: Clock = Clock::new(IDLE);
        let clock = &CLOCK;
        let (told, listen) = mpsc::channel();
        let set = |name, deadline| clock.wake_at(deadline, Waker::from(Arc::new(Tell(name, told.clone()))));
        let began = Instant::now();
        let late = began + 60 * UNIT;
        let _late = set("late", late);
        // Another that is due before the one the thread sleeps for.
        let _early = set("early", began + 20 * UNIT);
        let _passed = set("panics", began);
        assert_eq!([(); 3].map(|()| listen.recv().unwrap()), ["panics", "early", "late"]);
        assert!(late <= Instant::now());
        end(clock);
    }

    #[test]
    fn a_dropped_alarm_is_out_at_once() {
        static CLOCK: Clock = Clock::new(IDLE);
        let clock = &CLOCK;
        let (told, listen) = mpsc::channel();
        let far = Instant::now() + Duration::from_secs(3600);
        for _ in 0..if cfg!(miri) { 20 } else { 1000 } {
            drop(clock.wake_at(far, Waker::from(Arc::new(Tell("dropped", told.clone())))));
        }
        assert!(clock.lock().entries.is_empty());
        drop(told);
        assert!(listen.recv().is_err(), "the wakers are dropped too, without being called");
        end(clock);
    }

    #[test]
    fn the_thread_ends_when_idle_and_starts_again() {
        static CLOCK: Clock = Clock::new(IDLE);
        let clock = &CLOCK;
        let (told, listen) = mpsc::channel();
        for _ in 0..3 {
            let _alarm = clock.wake_at(Instant::now(), Waker::from(Arc::new(Tell("now", told.clone()))));
            assert_eq!(listen.recv(), Ok("now"));
            end(clock);
        }
    }
}
