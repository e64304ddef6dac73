//! A value that is written once; [`once`](super::once) has the protocol.

use super::guarded::Guarded;
use super::once::Once;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::mem::MaybeUninit;

/// A value that is written once, by whoever comes first, and then read by all.
///
/// Its initialiser may wait; who comes meanwhile is suspended. If it panics, or its tasklet is told to end, or its future is dropped,
/// the next one tries.
///
/// ```
/// use tasklets_runtime::{run, sleep, sync::OnceLock};
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// run(|| {
///     let config = CONFIG.get_or_init(|| {
///         sleep(std::time::Duration::from_millis(1));
///         "read".to_string()
///     });
///     assert_eq!(config, "read");
/// });
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// Initialised when `once` is completed.
    value: Guarded<MaybeUninit<T>>,
}

// SAFETY: the value goes wherever the lock goes.
unsafe impl<T: Send> Send for OnceLock<T> {}
// SAFETY: threads share the value (`Sync`), which one of them has put in for another to drop (`Send`).
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T> OnceLock<T> {
    super::constructor! {
        /// Without a value.
        pub fn new() -> Self {
            Self { once: Once::new(), value: Guarded::new(MaybeUninit::uninit()) }
        }
    }

    /// The value, if it is there. Never suspends.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: after completion the value is initialised, and not written while the lock is shared.
        self.once.is_completed().then(|| unsafe { (*self.value.read()).assume_init_ref() })
    }

    /// The value, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: after completion the value is initialised.
        self.once.is_completed().then(|| unsafe { self.value.get_mut().assume_init_mut() })
    }

    /// The value, which is there.
    fn present(&self) -> &T {
        self.get().expect("it has been initialised")
    }

    /// Puts `value` in; suspends while another initialises.
    ///
    /// ```
    /// let lock = tasklets_runtime::sync::OnceLock::new();
    /// assert_eq!(lock.set(1), Ok(()));
    /// assert_eq!(lock.set(2), Err(2));
    /// ```
    ///
    /// # Errors
    /// With `value`, if there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("an initialiser is called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `f` if it is not there; suspends while another makes it.
    ///
    /// Using the lock's value from within `f` waits for ever.
    ///
    /// # Panics
    /// With `f`'s panic.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call, or out of `f`, and the next one tries.
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        match self.get_or_try_init(|| Ok::<T, Infallible>(f())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_init`](Self::get_or_init), with an `f` that may fail; the next one tries then.
    ///
    /// ```
    /// let lock = tasklets_runtime::sync::OnceLock::new();
    /// assert_eq!(lock.get_or_try_init(|| "x".parse::<i32>().map_err(|_| "no number")), Err("no number"));
    /// assert_eq!(lock.get_or_try_init(|| "6".parse::<i32>().map_err(|_| "no number")), Ok(&6));
    /// ```
    ///
    /// # Errors
    /// With `f`'s.
    #[inline]
    pub fn get_or_try_init<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        if let Some(running) = self.once.begin() {
            let value = f()?;
            // SAFETY: one at a time has the right to run, and nobody reads before completion.
            unsafe { (*self.value.write()).write(value) };
            running.complete();
        }
        Ok(self.present())
    }

    /// As [`get_or_init`](Self::get_or_init), as a future, with a future that makes the value. Dropped early, the next one tries.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let lock = tasklets_runtime::sync::OnceLock::new();
    /// assert_eq!(lock.get_or_init_async(|| async { 1 }).await, &1);
    /// # });
    /// ```
    pub async fn get_or_init_async<F: Future<Output = T>>(&self, f: impl FnOnce() -> F) -> &T {
        if let Some(running) = self.once.begin_async().await {
            let value = f().await;
            // SAFETY: one at a time has the right to run, and nobody reads before completion.
            unsafe { (*self.value.write()).write(value) };
            running.complete();
        }
        self.present()
    }

    /// The value; suspends until somebody has put it in.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call.
    pub fn wait(&self) -> &T {
        self.once.wait();
        self.present()
    }

    /// As [`wait`](Self::wait), as a future.
    pub async fn wait_async(&self) -> &T {
        self.once.wait_async().await;
        self.present()
    }

    /// Takes the value out.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// The value, if it is there.
    pub fn into_inner(mut self) -> Option<T> {
        let is_there = std::mem::take(&mut self.once).is_completed();
        // SAFETY: it is initialised then; with a new `Once` it counts as taken out.
        is_there.then(|| unsafe { self.value.get_mut().assume_init_read() })
    }
}

impl<T> Drop for OnceLock<T> {
    fn drop(&mut self) {
        if self.once.is_completed() {
            // SAFETY: it is initialised then, and nobody reads it after this.
            unsafe { self.value.get_mut().assume_init_drop() };
        }
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        Self { once: Once::completed(), value: Guarded::new(MaybeUninit::new(value)) }
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => f.field(value),
            None => f.field(&format_args!("<uninit>")),
        };
        f.finish()
    }
}
