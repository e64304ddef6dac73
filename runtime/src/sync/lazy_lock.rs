//! A value that is made at its first use; [`once`](super::once) has the protocol.

use super::guarded::Guarded;
use super::once_lock::OnceLock;
use std::fmt;
use std::ops::Deref;

/// A value that is made at its first use, by whoever comes first; the others wait for it.
///
/// The initialiser may wait. If it panics, or its tasklet is told to end, the next use calls it again: so it is an `FnMut`, where
/// std's is an `FnOnce`. It is dropped once it has succeeded.
///
/// ```
/// use tasklets_runtime::{run, sleep, sync::LazyLock};
///
/// static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| {
///     sleep(std::time::Duration::from_millis(1));
///     vec![2, 3, 5, 7]
/// });
///
/// run(|| assert_eq!(PRIMES.len(), 4));
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    value: OnceLock<T>,
    /// `None` once it has succeeded. Used by whoever has the right to run the `OnceLock`'s initialiser.
    initialise: Guarded<Option<F>>,
}

// SAFETY: as `OnceLock<T>`; the initialiser is used by one at a time, on whatever thread (`Send`).
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}

impl<T, F> LazyLock<T, F> {
    super::constructor! {
        /// Not made yet.
        pub fn new(f: F) -> Self {
            Self { value: OnceLock::new(), initialise: Guarded::new(Some(f)) }
        }
    }
}

impl<T, F: FnMut() -> T> LazyLock<T, F> {
    /// The value; makes it if it was not made yet, and suspends while another does.
    ///
    /// Using the value from within its own initialiser waits for ever.
    ///
    /// ```
    /// use tasklets_runtime::sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 6 * 7);
    /// assert_eq!(LazyLock::force(&lazy), &42);
    /// ```
    ///
    /// # Panics
    /// With the initialiser's panic.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call, or out of the initialiser.
    #[inline]
    pub fn force(this: &Self) -> &T {
        this.value.get_or_init(|| this.make())
    }

    /// As [`force`](Self::force), as a future. While another makes the value it waits as a future; the initialiser itself is
    /// ordinary code, called when it is polled.
    ///
    /// ```
    /// use tasklets_runtime::sync::LazyLock;
    ///
    /// # tasklets_runtime::block_on(async {
    /// let lazy = LazyLock::new(|| 6 * 7);
    /// assert_eq!(LazyLock::force_async(&lazy).await, &42);
    /// # });
    /// ```
    pub async fn force_async(this: &Self) -> &T {
        this.value.get_or_init_async(|| std::future::ready(this.make())).await
    }

    /// Called by whoever has the right to.
    fn make(&self) -> T {
        // SAFETY: one at a time initialises, and nobody else touches the closure.
        let initialise = unsafe { &mut *self.initialise.write() };
        let value = initialise.as_mut().expect("an initialiser is called until it succeeds")();
        *initialise = None;
        value
    }
}

impl<T, F: FnMut() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("LazyLock");
        match self.value.get() {
            Some(value) => f.field(value),
            None => f.field(&format_args!("<uninit>")),
        };
        f.finish()
    }
}
