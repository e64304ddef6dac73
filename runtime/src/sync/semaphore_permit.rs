//! Permits as guards.

use super::semaphore::Semaphore;
use std::fmt;
use std::sync::Arc;

/// Permits of a [`Semaphore`], which get them back when this is dropped.
#[must_use = "the permits go back when this is dropped"]
pub struct SemaphorePermit<'a> {
    pub(super) semaphore: &'a Semaphore,
    pub(super) permits: u32,
}

impl SemaphorePermit<'_> {
    /// Keeps the permits from ever going back: the semaphore has so many fewer.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// How many permits these are.
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    /// If they are of another semaphore.
    pub fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(self.semaphore, other.semaphore), "permits of two semaphores cannot be merged");
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `permits` off these, or `None` if there are fewer.
    pub fn split(&mut self, permits: usize) -> Option<Self> {
        let permits = u32::try_from(permits).ok()?;
        self.permits = self.permits.checked_sub(permits)?;
        Some(Self { semaphore: self.semaphore, permits })
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}

/// Permits of a [`Semaphore`] in an [`Arc`], so without a lifetime; they go back when this is dropped.
#[must_use = "the permits go back when this is dropped"]
pub struct OwnedSemaphorePermit {
    pub(super) semaphore: Arc<Semaphore>,
    pub(super) permits: u32,
}

impl OwnedSemaphorePermit {
    /// As [`SemaphorePermit::forget`].
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// How many permits these are.
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }

    /// Whose permits these are.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    /// If they are of another semaphore.
    pub fn merge(&mut self, mut other: Self) {
        assert!(Arc::ptr_eq(&self.semaphore, &other.semaphore), "permits of two semaphores cannot be merged");
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Takes `permits` off these, or `None` if there are fewer.
    pub fn split(&mut self, permits: usize) -> Option<Self> {
        let permits = u32::try_from(permits).ok()?;
        self.permits = self.permits.checked_sub(permits)?;
        Some(Self { semaphore: self.semaphore.clone(), permits })
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}
