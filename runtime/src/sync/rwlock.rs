//! A lock that many may read under.
//!
//! It is a counter of [`permits`](super::permits), which has the protocol: a reader takes one permit, a writer all of them. Those are given
//! out first come, first served, so neither readers nor writers starve.

use super::guarded::Guarded;
use super::permits::{MAX_PERMITS, Permits};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// What a writer takes; also as many readers as there can be at a time. One more waits.
const ALL: u64 = MAX_PERMITS;

/// A value that many may read at a time, or one may change.
///
/// Waiting suspends the tasklet, the thread or the future; guards may be held across other waits, and sent to another thread.
///
/// ```
/// use tasklets_runtime::{run, scope, sync::RwLock};
///
/// run(|| {
///     let words = RwLock::new(vec!["one"]);
///     scope(|s| {
///         s.spawn(|| words.write().push("two"));
///         s.spawn(|| assert!(!words.read().is_empty()));
///     });
///     assert_eq!(*words.read(), ["one", "two"]);
/// });
/// ```
///
/// # Fairness
/// First come, first served, where readers that wait one behind the other go together. While a writer waits no reader gets in any
/// more, so a context that reads already and wants to read again may wait for a writer that waits for it: for ever.
///
/// # No poisoning
/// For the reasons that [`Mutex`](super::Mutex) gives.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of a waiting call without the lock; a dropped future has not got it either.
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    value: Guarded<T>,
}

// SAFETY: the value goes wherever the lock goes.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: a writer may take the value along (`Send`), and readers on several threads share it (`Sync`).
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    super::constructor! {
        /// An unlocked lock.
        pub fn new(value: T) -> Self {
            Self { permits: Permits::new(ALL), value: Guarded::new(value) }
        }
    }

    /// The value, with no need to lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    fn reader(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard { lock: self }
    }

    fn writer(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard { lock: self, _value: PhantomData }
    }

    /// Locks for reading; suspends while somebody writes, or waits to.
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        // Never closed and without a deadline, it ends only with the permit.
        let _ = self.permits.acquire(1, None);
        self.reader()
    }

    /// Locks for writing; suspends until nobody else reads or writes.
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let _ = self.permits.acquire(ALL, None);
        self.writer()
    }

    /// Locks for reading if nobody writes or waits to. Never suspends.
    ///
    /// ```
    /// let lock = tasklets_runtime::sync::RwLock::new(1);
    /// let one = lock.try_read().unwrap();
    /// let two = lock.try_read().unwrap();
    /// assert!(lock.try_write().is_none());
    /// # drop((one, two));
    /// ```
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.permits.try_acquire(1).is_ok().then(|| self.reader())
    }

    /// Locks for writing if nobody else reads, writes or waits. Never suspends.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.permits.try_acquire(ALL).is_ok().then(|| self.writer())
    }

    /// As [`read`](Self::read), for at most so long.
    pub fn try_read_for(&self, timeout: Duration) -> Option<RwLockReadGuard<'_, T>> {
        self.permits.acquire(1, super::deadline_after(timeout)).is_ok().then(|| self.reader())
    }

    /// As [`write`](Self::write), for at most so long.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let lock = tasklets_runtime::sync::RwLock::new(1);
    /// let reader = lock.read();
    /// assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
    /// assert!(lock.try_read().is_some(), "the writer has gone");
    /// # drop(reader);
    /// ```
    pub fn try_write_for(&self, timeout: Duration) -> Option<RwLockWriteGuard<'_, T>> {
        self.permits.acquire(ALL, super::deadline_after(timeout)).is_ok().then(|| self.writer())
    }

    /// As [`read`](Self::read), as a future.
    pub async fn read_async(&self) -> RwLockReadGuard<'_, T> {
        let _ = self.permits.acquire_async(1).await;
        self.reader()
    }

    /// As [`write`](Self::write), as a future.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let lock = tasklets_runtime::sync::RwLock::new(1);
    /// *lock.write_async().await += 1;
    /// assert_eq!(*lock.read_async().await, 2);
    /// # });
    /// ```
    pub async fn write_async(&self) -> RwLockWriteGuard<'_, T> {
        let _ = self.permits.acquire_async(ALL).await;
        self.writer()
    }

    /// The value, with no need to lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RwLock");
        match self.try_read() {
            Some(guard) => f.field("data", &&*guard),
            None => f.field("data", &format_args!("<locked>")),
        };
        f.finish_non_exhaustive()
    }
}

/// The right to read what a [`RwLock`] guards; ends when it is dropped.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while this reader has its permit no writer has all of them.
        unsafe { &*self.lock.value.read() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.permits.release(1);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to change what a [`RwLock`] guards; ends when it is dropped.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    /// As in `MutexGuard`.
    _value: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on as a reader; nobody writes in between, and readers that wait get in. Never suspends.
    ///
    /// ```
    /// use tasklets_runtime::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(1);
    /// let mut writer = lock.write();
    /// *writer += 1;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *lock.read()), (2, 2));
    /// ```
    pub fn downgrade(writer: Self) -> RwLockReadGuard<'a, T> {
        let lock = writer.lock;
        std::mem::forget(writer);
        lock.permits.release(ALL - 1);
        RwLockReadGuard { lock }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this writer has all permits, so nobody else reaches the value.
        unsafe { &*self.lock.value.read() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this writer has all permits, so nobody else reaches the value, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.write() }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.permits.release(ALL);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
