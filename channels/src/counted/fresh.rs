//! A value that is not shown yet.

use super::pool::Pool;
use std::mem::MaybeUninit;
use tasklets_park::sync::atomic::Ordering;

/// A value in a slot of its own, to be shown. Dropping it drops the value.
pub(crate) struct Fresh<'a, T> {
    pool: &'a Pool<T>,
    index: u32,
}

impl<'a, T> Fresh<'a, T> {
    pub(super) fn new(pool: &'a Pool<T>, value: T) -> Self {
        let index = pool.take();
        // SAFETY: a slot that was just taken is nobody else's, and has no value.
        pool.slot(index).value.with_mut(|slot| unsafe { *slot = MaybeUninit::new(value) });
        Self { pool, index }
    }

    /// # Safety
    /// The slot is nobody else's, and has a value.
    pub(super) unsafe fn again(pool: &'a Pool<T>, index: u32) -> Self {
        Self { pool, index }
    }

    /// Sets what [`Held::stamp`](super::Held::stamp) says once it is shown.
    pub(crate) fn set_stamp(&mut self, stamp: u64) {
        // Published together with the value, by the release that shows it.
        self.pool.slot(self.index).stamp.store(stamp, Ordering::Relaxed);
    }

    pub(super) fn pool(&self) -> &'a Pool<T> {
        self.pool
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }
}

impl<T> Drop for Fresh<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the slot is still ours alone, and its value was written by `new`. It is read out this once.
        let value = unsafe { self.pool.slot(self.index).value.with_mut(|slot| (*slot).assume_init_read()) };
        // First the slot, then the value: dropping it is foreign code, which may panic or come back to this channel.
        self.pool.give(self.index);
        drop(value);
    }
}
