//! A place that a sender has reserved.

use super::Fifo;
use super::segment::{Cell, Extra, Segment};
use crate::asymmetric::light_fence;
use std::mem::ManuallyDrop;

/// A place that a sender has reserved and must fill.
#[derive(Debug)]
pub struct Place<'a, T, X: Extra = ()> {
    pub(super) queue: &'a Fifo<T, X>,
    pub(super) segment: &'a Segment<T, X>,
    pub(super) position: u64,
    /// How many places receivers had tried to skip, before this one was reserved.
    pub(super) skips: u64,
}

/// A [`Place`] without its types.
#[derive(Clone, Copy, Debug)]
pub struct RawPlace {
    segment: *const (),
    position: u64,
    skips: u64,
}

impl<T, X: Extra> Fifo<T, X> {
    /// A place whose types were forgotten.
    ///
    /// # Safety
    /// They came from [`Place::into_raw`] of a place of this very queue, and are used once.
    pub unsafe fn place_from_raw(&self, raw: RawPlace) -> Place<'_, T, X> {
        // SAFETY: segments live as long as the queue, and the caller promises the rest.
        let segment = unsafe { &*raw.segment.cast::<Segment<T, X>>() };
        Place { queue: self, segment, position: raw.position, skips: raw.skips }
    }
}

impl<T, X: Extra> Place<'_, T, X> {
    #[inline]
    fn cell(&self) -> &Cell<T, X> {
        self.segment.cell(self.position)
    }

    /// What goes with the value; to be written before [`fill`](Self::fill).
    #[inline]
    pub fn extra(&self) -> &X {
        &self.cell().extra
    }

    /// Puts the value there and makes it visible. What comes after it, such as a look for those who wait, is
    /// [ordered](crate::asymmetric) behind it for those who look with [`Fifo::is_ready`].
    ///
    /// # Errors
    /// Gives it back if a receiver did not want to wait: the place is lost, and the sender starts again.
    #[inline]
    pub fn fill(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        this.cell().fill(this.position, value);
        // Partners: the heavy fences in `Fifo::skip` and in `Fifo::is_ready`.
        light_fence();
        this.stands()
    }

    /// As [`fill`](Self::fill), by a sequentially consistent read-modify-write: what comes after it is ordered behind it for all.
    #[inline]
    pub fn fill_firmly(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        this.cell().fill_firmly(this.position, value);
        crate::sync::order_after_rmw();
        this.stands()
    }

    /// After the place was filled: whether a receiver gets the value.
    #[inline]
    fn stands(&self) -> Result<(), T> {
        if self.queue.skips() == self.skips || self.queue.settle(self.segment, self.position) {
            return Ok(());
        }
        // SAFETY: skipped, so no receiver takes it; it was filled just now, by us.
        let value = unsafe { self.cell().take() };
        self.cell().finish(self.position);
        Err(value)
    }

    /// The place without its types, to be filled later: see [`Fifo::place_from_raw`].
    pub fn into_raw(self) -> RawPlace {
        let this = ManuallyDrop::new(self);
        RawPlace { segment: std::ptr::from_ref(this.segment).cast(), position: this.position, skips: this.skips }
    }
}

impl<T, X: Extra> Drop for Place<'_, T, X> {
    /// The sender has changed its mind: receivers go over the place.
    fn drop(&mut self) {
        self.cell().finish(self.position);
    }
}
