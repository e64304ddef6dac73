//! The segments that a queue has made, and those of them that are idle.

use super::chunk::Chunk;
use super::link::Link;
use super::segment::{Extra, Segment};
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr;

/// Segments of one queue that are not part of it at present.
#[derive(Debug)]
pub(super) struct Stock<T, X> {
    /// A stack of segments ready for use; its links are numbered by version.
    free: AtomicPtr<()>,
    /// A stack of those in which some cell was still in somebody's hands when the queue had gone past it. It is emptied by a swap of the
    /// whole, so a segment that comes back meanwhile does no harm.
    retired: AtomicPtr<Segment<T, X>>,
    /// All memory that was made, the latest first.
    made: AtomicPtr<Chunk<T, X>>,
}

impl<T, X: Extra> Stock<T, X> {
    #[cfg(not(tasklets_loom))]
    pub(super) const fn new() -> Self {
        Self {
            free: AtomicPtr::new(ptr::null_mut()),
            retired: AtomicPtr::new(ptr::null_mut()),
            made: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[cfg(tasklets_loom)]
    pub(super) fn new() -> Self {
        Self {
            free: AtomicPtr::new(ptr::null_mut()),
            retired: AtomicPtr::new(ptr::null_mut()),
            made: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// A segment for the caller alone, a used one if there is one.
    pub(super) fn take(&self) -> *const Segment<T, X> {
        if let Some(segment) = self.take_free() {
            return segment;
        }
        self.sort_retired();
        self.take_free().unwrap_or_else(|| self.make())
    }

    fn take_free(&self) -> Option<*const Segment<T, X>> {
        // Acquire, here and below: partner of the release in `give`.
        let mut top = Link::<Segment<T, X>>::from_bits(self.free.load(Ordering::Acquire));
        loop {
            let segment = top.segment();
            if segment.is_null() {
                return None;
            }
            // SAFETY: segments live as long as the stock. If this one was taken meanwhile, its link is of no use but there, and the
            // version is another by now.
            let below = unsafe { (*segment).idle.load(Ordering::Relaxed) };
            let next = top.next_version(below).into_bits();
            match self.free.compare_exchange(top.into_bits(), next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(segment),
                Err(now) => top = Link::from_bits(now),
            }
        }
    }

    /// Puts back a segment that nobody will touch again.
    pub(super) fn give(&self, segment: *const Segment<T, X>) {
        let mut top = Link::<Segment<T, X>>::from_bits(self.free.load(Ordering::Relaxed));
        loop {
            // SAFETY: segments live as long as the stock; this one is the caller's.
            unsafe { (*segment).idle.store(top.segment().cast_mut(), Ordering::Relaxed) };
            let next = top.next_version(segment).into_bits();
            match self.free.compare_exchange(top.into_bits(), next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = Link::from_bits(now),
            }
        }
    }

    /// Takes a segment that the queue has gone past.
    pub(super) fn retire(&self, segment: *const Segment<T, X>) {
        // SAFETY: segments live as long as the stock.
        if unsafe { (*segment).is_done() } {
            return self.give(segment);
        }
        let mut top = self.retired.load(Ordering::Relaxed);
        loop {
            // SAFETY: as above; this one is the caller's.
            unsafe { (*segment).idle.store(top, Ordering::Relaxed) };
            match self.retired.compare_exchange(top, segment.cast_mut(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    #[cold]
    fn sort_retired(&self) {
        // Acquire: partner of the releases in `retire`.
        let mut segment = self.retired.swap(ptr::null_mut(), Ordering::Acquire);
        while !segment.is_null() {
            // SAFETY: segments live as long as the stock; those of the stack that was taken whole are ours.
            let below = unsafe { (*segment).idle.load(Ordering::Relaxed) };
            self.retire(segment);
            segment = below;
        }
    }

    #[cold]
    fn make(&self) -> *const Segment<T, X> {
        let mut made = self.made.load(Ordering::Acquire);
        // SAFETY: chunks live as long as the stock.
        let chunk = unsafe { Chunk::after(made) };
        loop {
            // SAFETY: nobody else has it yet.
            unsafe { (*chunk).made_before = made };
            match self.made.compare_exchange(made, chunk, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => made = now,
            }
        }
        // SAFETY: as above.
        let mut segments = unsafe { Chunk::segments(chunk) };
        let first = segments.next().expect("a chunk has a segment at least");
        // The last given is the first taken: they are used in the order of their addresses, which the processor reads ahead in.
        segments.rev().for_each(|segment| self.give(segment));
        first
    }
}

impl<T, X> Drop for Stock<T, X> {
    fn drop(&mut self) {
        let mut chunk = self.made.swap(ptr::null_mut(), Ordering::Acquire);
        while !chunk.is_null() {
            // SAFETY: it is in the list of those made once, and nobody uses the queue any more.
            chunk = unsafe { Chunk::free(chunk) };
        }
    }
}
