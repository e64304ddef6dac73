//! Waiting for a condition on what a mutex guards.
//!
//! There is no word, only a queue: whoever is in it waits, and a notification takes out the one who came first.
//!
//! *Notify against going to wait.* (1) A waiter registers, with the mutex locked. (2) It unlocks. (3) A notifier that has
//! changed what the mutex guards locked it after that, so its pop comes after the registration and finds it.
//!
//! *Notify against timeout or cancellation.* The waiter's own word decides. (1) A waiter whose wait has ended otherwise is skipped
//! by the notifier, which takes the next one. (2) A waiter that was popped first returns as notified, also past its deadline.
//! (3) If it is then cancelled while it waits for the mutex, or its future is dropped before or in there, nobody would look at the condition:
//! it pops the next one in its place.

use super::mutex::MutexGuard;
use super::place::Place;
use std::fmt;
use std::time::{Duration, Instant};
use tasklets_park::{Note, Reason, Wait, WaitQueue};

/// Waits for a condition on what a [`Mutex`](super::Mutex) guards to come true.
///
/// ```
/// use tasklets_runtime::{run, scope, sync::{Condvar, Mutex}};
///
/// run(|| {
///     let (queue, filled) = (Mutex::new(Vec::new()), Condvar::new());
///     scope(|s| {
///         s.spawn(|| {
///             let mut queue = filled.wait_while(queue.lock(), |queue| queue.is_empty());
///             assert_eq!(queue.pop(), Some("job"));
///         });
///         s.spawn(|| {
///             queue.lock().push("job");
///             filled.notify_one();
///         });
///     });
/// });
/// ```
///
/// Who waits is notified first come, first served. A waiter may also return without a notification, so conditions are checked again,
/// as `wait_while` does.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of a wait, and a future may be dropped; neither has the mutex locked then. A notification that it
/// had got goes to the next one who waits.
pub struct Condvar {
    queue: WaitQueue,
}

/// Whether a wait ended because of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time had run out.
    #[must_use]
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// A notification that nobody has heeded yet. Dropped, it goes to the next.
struct Notified<'a>(&'a Condvar);

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Condvar {
    super::constructor! {
        /// Nobody waits.
        pub fn new() -> Self {
            Self { queue: WaitQueue::new() }
        }
    }

    /// Unlocks the mutex, suspends until notified, and locks again.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait_until(guard, None).0
    }

    /// Waits while `condition` holds; it is called with the mutex locked.
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut *guard) {
            guard = self.wait(guard);
        }
        guard
    }

    /// As [`wait`](Self::wait), for at most so long; locking again may take longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasklets_runtime::sync::{Condvar, Mutex};
    ///
    /// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    /// let (guard, result) = condvar.wait_timeout(mutex.lock(), Duration::from_millis(1));
    /// assert!(result.timed_out());
    /// # drop(guard);
    /// ```
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        self.wait_until(guard, super::deadline_after(timeout))
    }

    /// As [`wait_while`](Self::wait_while), for at most so long. The result has timed out if `condition` still held at the end.
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        let deadline = super::deadline_after(timeout);
        let mut result = WaitTimeoutResult(false);
        while condition(&mut *guard) {
            if result.timed_out() {
                return (guard, result);
            }
            (guard, result) = self.wait_until(guard, deadline);
        }
        (guard, WaitTimeoutResult(false))
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        let mutex = guard.mutex();
        let mut guard = Some(guard);
        // Registered first and unlocked then, so that no notification comes between.
        let waited = self.queue.wait(Note::NONE, Reason::Lock, deadline, || {
            guard = None;
            false
        });
        let notified = (waited == Wait::Woken).then(|| Notified(self));
        let guard = mutex.lock();
        std::mem::forget(notified);
        (guard, WaitTimeoutResult(waited == Wait::TimedOut))
    }

    /// As [`wait`](Self::wait), as a future. The mutex is unlocked when it is first polled, or dropped.
    ///
    /// ```
    /// use tasklets_runtime::{block_on, run, spawn_future, sync::{Condvar, Mutex}};
    ///
    /// static READY: Mutex<bool> = Mutex::new(false);
    /// static CHANGED: Condvar = Condvar::new();
    ///
    /// run(|| {
    ///     let waits = spawn_future(async {
    ///         let mut ready = READY.lock_async().await;
    ///         while !*ready {
    ///             ready = CHANGED.wait_async(ready).await;
    ///         }
    ///     });
    ///     *READY.lock() = true;
    ///     CHANGED.notify_all();
    ///     waits.join().unwrap();
    /// });
    /// ```
    pub async fn wait_async<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.mutex();
        let mut guard = Some(guard);
        let unlock = || {
            guard = None;
            false
        };
        let _ = Place::new(&self.queue, Note::NONE, unlock, || self.notify_one()).await;
        let notified = Notified(self);
        let guard = mutex.lock_async().await;
        std::mem::forget(notified);
        guard
    }

    /// Wakes whoever has waited longest. Never suspends.
    pub fn notify_one(&self) {
        self.queue.wake_one();
    }

    /// Wakes all who wait. Never suspends.
    pub fn notify_all(&self) {
        self.queue.wake_all();
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
