//! A counted reference to a value.

use super::pool::{Pool, Slot};
use std::ops::Deref;
use tasklets_park::sync::atomic::Ordering;

/// Keeps a value readable, whether or not it is still shown. The last one, once it is not, drops it.
pub(crate) struct Held<'a, T> {
    pool: &'a Pool<T>,
    index: u32,
}

impl<'a, T> Held<'a, T> {
    /// # Safety
    /// The slot has a value, and its counts hold one that becomes this reference's.
    pub(super) unsafe fn new(pool: &'a Pool<T>, index: u32) -> Self {
        Self { pool, index }
    }

    fn slot(&self) -> &'a Slot<T> {
        self.pool.slot(self.index)
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// What was written to the value before it was shown.
    pub(crate) fn stamp(&self) -> u64 {
        self.slot().stamp.load(Ordering::Relaxed)
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value was written before it was shown, with release, which taking this reference acquired; it stays until
        // `refs` is 0, which our count prevents, and nobody writes it until then.
        self.slot().value.with(|slot| unsafe { (*slot).assume_init_ref() })
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let slot = self.slot();
        // Release: our reading is over, for whoever frees. Acquire: if that is us, everybody's is.
        if slot.refs.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        // SAFETY: no count is left, and the slot is not shown, since `SHOWN` is gone from `refs`: nobody else can get to the value.
        // `refs` becomes 0 once each time the slot is shown, so the value is read out this once.
        let value = unsafe { slot.value.with_mut(|value| (*value).assume_init_read()) };
        // First the slot, then the value: dropping it is foreign code, which may panic or come back to this channel.
        self.pool.give(self.index);
        drop(value);
    }
}
