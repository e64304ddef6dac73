//! A mutex; [`raw_mutex`](super::raw_mutex) has its protocol.

use super::guarded::Guarded;
use super::raw_mutex::RawMutex;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// A value that one at a time may use.
///
/// Waiting suspends the tasklet, the thread or the future; a guard may be held across other waits, and sent to another thread.
///
/// ```
/// use tasklets_runtime::{run, scope, sync::Mutex, yield_now};
///
/// run(|| {
///     let total = Mutex::new(0);
///     scope(|s| {
///         for i in 0..10 {
///             let total = &total;
///             s.spawn(move || {
///                 let mut total = total.lock();
///                 let seen = *total;
///                 yield_now();
///                 *total = seen + i;
///             });
///         }
///     });
///     assert_eq!(total.into_inner(), 45);
/// });
/// ```
///
/// # Fairness
/// A free lock goes to whoever comes, also past those who wait: that saves a switch at each hand-over. A waiter is passed over so
/// once; then it gets the lock handed to it in its turn. Nobody starves.
///
/// # No poisoning
/// std poisons a mutex whose owner panics. Here a tasklet may be told to end at any wait and unwinds, as a matter of course, with its
/// locks held; and a future is dropped without a panic. Poisoning would be wrong about both, so there is none, and `lock`
/// returns the guard itself. Code whose invariant is broken across a wait or a panic should restore it in a destructor.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of `lock` without the lock; a dropped future has not got it either. If it
/// had been handed over by then, the next one gets it.
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    value: Guarded<T>,
}

// SAFETY: the value goes wherever the mutex goes.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: one context at a time reaches the value, and may take it along: `T: Send`, while `T: Sync` is not needed.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    super::constructor! {
        /// An unlocked mutex.
        pub fn new(value: T) -> Self {
            Self { raw: RawMutex::new(), value: Guarded::new(value) }
        }
    }

    /// The value, with no need to lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    fn guard(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, _value: PhantomData }
    }

    /// Locks; suspends until it can. Locking what the caller has locked already waits for ever.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.raw.lock(None);
        self.guard()
    }

    /// Locks if nobody has it locked. Never suspends.
    ///
    /// ```
    /// let mutex = tasklets_runtime::sync::Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_none());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.raw.try_lock().then(|| self.guard())
    }

    /// Locks; suspends until it can, for at most so long.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mutex = tasklets_runtime::sync::Mutex::new(1);
    /// let guard = mutex.lock();
    /// assert!(mutex.try_lock_for(Duration::from_millis(1)).is_none());
    /// # drop(guard);
    /// ```
    pub fn try_lock_for(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        let locked = self.raw.try_lock() || self.raw.lock(super::deadline_after(timeout));
        locked.then(|| self.guard())
    }

    /// As [`try_lock_for`](Self::try_lock_for), until the given moment.
    pub fn try_lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, T>> {
        self.raw.lock(Some(deadline)).then(|| self.guard())
    }

    /// As [`lock`](Self::lock), as a future.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let mutex = tasklets_runtime::sync::Mutex::new(1);
    /// *mutex.lock_async().await += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// # });
    /// ```
    pub async fn lock_async(&self) -> MutexGuard<'_, T> {
        self.raw.lock_async().await;
        self.guard()
    }

    /// Whether somebody has it locked at this moment.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// The value, with no need to lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Mutex");
        match self.try_lock() {
            Some(guard) => f.field("data", &&*guard),
            None => f.field("data", &format_args!("<locked>")),
        };
        f.finish_non_exhaustive()
    }
}

/// The right to use what a [`Mutex`] guards; unlocks when it is dropped.
#[must_use = "the mutex is unlocked when this is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// Sharing a guard shares the value, which needs `T: Sync`.
    _value: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The mutex that is locked.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while the guard lives nobody else reaches the value.
        unsafe { &*self.mutex.value.read() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: while the guard lives nobody else reaches the value, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.value.write() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.raw.unlock();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
