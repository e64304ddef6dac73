//! Where the jobs of a deque are written down: a ring.

use super::{Header, STEP};
use tasklets_park::sync::atomic::AtomicPtr;

#[derive(Debug)]
pub(super) struct Buffer(Box<[AtomicPtr<Header>]>);

impl Buffer {
    /// For as many jobs; a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self((0..capacity).map(|_| AtomicPtr::default()).collect())
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.len()
    }

    /// Where the job with this number is.
    pub(super) fn place(&self, number: u64) -> &AtomicPtr<Header> {
        &self.0[(number / STEP - 1) as usize & (self.0.len() - 1)]
    }

    pub(super) fn places(&self) -> *const AtomicPtr<Header> {
        self.0.as_ptr()
    }
}

/// The place of the job above a bottom, of which only what the mask leaves is given: no shift, just the address.
///
/// # Safety
/// `places` are those of a buffer, and `masked` is a multiple of `STEP` below `STEP` times its capacity.
#[inline(always)]
pub(super) unsafe fn place_at(places: *mut AtomicPtr<Header>, masked: u64) -> *const AtomicPtr<Header> {
    const SCALE: usize = size_of::<AtomicPtr<Header>>() / STEP as usize;
    // SAFETY: the index is below the capacity, says the caller.
    unsafe { places.byte_add(masked as usize * SCALE) }
}
