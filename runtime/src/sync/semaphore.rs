//! A fair semaphore; [`permits`](super::permits) has its protocol.

use super::permits::{MAX_PERMITS, Permits, Refused};
use super::semaphore_error::{AcquireError, AcquireTimeoutError, TryAcquireError};
use super::semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A number of permits that are given out and come back.
///
/// It is fair: whoever waits is served first come, first served, and while somebody waits, nobody who comes later gets a permit, not
/// by [`try_acquire`](Self::try_acquire) either. So a request for many permits does not starve behind requests for few.
///
/// ```
/// use tasklets_runtime::{run, scope, sync::Semaphore};
///
/// static DOWNLOADS: Semaphore = Semaphore::new(3);
///
/// run(|| {
///     scope(|s| {
///         for _ in 0..10 {
///             s.spawn(|| {
///                 let _permit = DOWNLOADS.acquire().unwrap();
///                 // At most three tasklets are here at a time.
///             });
///         }
///     });
///     assert_eq!(DOWNLOADS.available_permits(), 3);
/// });
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of a waiting call. It, and a future of an `async` form that is dropped, loses its
/// place and has no permit; one that it had been given by then goes to the next.
pub struct Semaphore(Permits);

/// What callers ask for, checked.
#[track_caller]
fn checked(permits: u32) -> u64 {
    let permits = u64::from(permits);
    assert!(permits <= MAX_PERMITS, "a semaphore holds at most {MAX_PERMITS} permits, so so many never come");
    permits
}

impl Semaphore {
    /// As many permits as a semaphore may hold.
    pub const MAX_PERMITS: usize = MAX_PERMITS as usize;

    super::constructor! {
        /// A semaphore with so many permits.
        ///
        /// # Panics
        /// With more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        pub fn new(permits: usize) -> Self {
            assert!(permits <= Self::MAX_PERMITS, "a semaphore holds at most `Semaphore::MAX_PERMITS` permits");
            Self(Permits::new(permits as u64))
        }
    }

    /// How many permits are at hand at this moment. Those who wait for more than that may be the next to get them.
    pub fn available_permits(&self) -> usize {
        self.0.available() as usize
    }

    fn permit(&self, permits: u32) -> SemaphorePermit<'_> {
        SemaphorePermit { semaphore: self, permits }
    }

    /// Takes one permit; suspends until its turn has come and there is one.
    ///
    /// # Errors
    /// If the semaphore is closed, or is while this waits.
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1)
    }

    /// Takes so many permits at once; suspends until its turn has come and there are enough.
    ///
    /// ```
    /// let semaphore = tasklets_runtime::sync::Semaphore::new(5);
    /// let permits = semaphore.acquire_many(3).unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// drop(permits);
    /// assert_eq!(semaphore.available_permits(), 5);
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// For more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.0.acquire(checked(permits), None).map_err(|_| AcquireError(()))?;
        Ok(self.permit(permits))
    }

    /// As [`acquire`](Self::acquire), for at most so long.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasklets_runtime::sync::{AcquireTimeoutError, Semaphore};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire_timeout(Duration::from_millis(1)).unwrap();
    /// let another = semaphore.acquire_timeout(Duration::from_millis(1));
    /// assert_eq!(another.unwrap_err(), AcquireTimeoutError::TimedOut);
    /// # drop(permit);
    /// ```
    ///
    /// # Errors
    /// If the time runs out, or the semaphore is closed.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        self.acquire_many_timeout(1, timeout)
    }

    /// As [`acquire_many`](Self::acquire_many), for at most so long.
    ///
    /// # Errors
    /// If the time runs out, or the semaphore is closed.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[track_caller]
    pub fn acquire_many_timeout(
        &self,
        permits: u32,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        let need = checked(permits);
        match self.0.try_acquire(need) {
            Err(Refused::NoPermits) => self.0.acquire(need, super::deadline_after(timeout))?,
            settled => settled?,
        }
        Ok(self.permit(permits))
    }

    /// Takes one permit if there is one and nobody waits for it. Never suspends.
    ///
    /// ```
    /// use tasklets_runtime::sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    /// # drop(permit);
    /// ```
    ///
    /// # Errors
    /// If there is none, if others wait, or if the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// As [`try_acquire`](Self::try_acquire), for so many permits at once.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[track_caller]
    pub fn try_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.0.try_acquire(checked(permits))?;
        Ok(self.permit(permits))
    }

    /// As [`acquire`](Self::acquire), as a future.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let semaphore = tasklets_runtime::sync::Semaphore::new(1);
    /// let permit = semaphore.acquire_async().await.unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// # });
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_async(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many_async(1).await
    }

    /// As [`acquire_many`](Self::acquire_many), as a future.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// When polled, as [`acquire_many`](Self::acquire_many).
    pub async fn acquire_many_async(&self, permits: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.0.acquire_async(checked(permits)).await.map_err(|_| AcquireError(()))?;
        Ok(self.permit(permits))
    }

    /// As [`acquire`](Self::acquire), for a permit without a lifetime.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tasklets_runtime::{run, spawn, sync::Semaphore};
    ///
    /// run(|| {
    ///     let semaphore = Arc::new(Semaphore::new(1));
    ///     let permit = semaphore.clone().acquire_owned().unwrap();
    ///     let holder = spawn(move || permit.num_permits());
    ///     assert_eq!(holder.join().unwrap(), 1);
    ///     assert_eq!(semaphore.available_permits(), 1);
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Self::acquire_many), for permits without a lifetime.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[track_caller]
    pub fn acquire_many_owned(self: Arc<Self>, permits: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.0.acquire(checked(permits), None).map_err(|_| AcquireError(()))?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits })
    }

    /// As [`try_acquire`](Self::try_acquire), for a permit without a lifetime.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), for permits without a lifetime.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[track_caller]
    pub fn try_acquire_many_owned(self: Arc<Self>, permits: u32) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.0.try_acquire(checked(permits))?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits })
    }

    /// As [`acquire_async`](Self::acquire_async), for a permit without a lifetime.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_owned_async(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned_async(1).await
    }

    /// As [`acquire_many_async`](Self::acquire_many_async), for permits without a lifetime.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire_many_async`](Self::acquire_many_async).
    pub async fn acquire_many_owned_async(self: Arc<Self>, permits: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.0.acquire_async(checked(permits)).await.map_err(|_| AcquireError(()))?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits })
    }

    /// Adds new permits. Never suspends.
    ///
    /// ```
    /// let semaphore = tasklets_runtime::sync::Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    ///
    /// # Panics
    /// If there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS) at hand; none are added then. A permit that goes back
    /// can so panic in its destructor if others were added in its place.
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        if permits > 0 {
            self.0.release(permits as u64);
        }
    }

    /// Takes up to so many of the permits at hand out for good, past those who wait, and returns how many it got.
    pub fn forget_permits(&self, permits: usize) -> usize {
        self.0.forget(permits as u64) as usize
    }

    /// Closes the semaphore: from now on it gives no permits, and whoever waits gets an error. Permits that are out may come
    /// back. Never suspends.
    ///
    /// ```
    /// let semaphore = tasklets_runtime::sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.acquire().is_err());
    /// ```
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
