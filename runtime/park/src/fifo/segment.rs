//! Segments: the memory of a queue, a run of cells each.

use super::link::Link;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::mem::MaybeUninit;

/// Cells of a segment. Under loom two, so that a model of a few messages goes round.
#[cfg(not(tasklets_loom))]
pub(super) const CELLS: u64 = 32;
#[cfg(tasklets_loom)]
pub(super) const CELLS: u64 = 2;

/// As many bits as a segment's `skipped` has for cells.
const CELLS_AT_MOST: u32 = 32;
const NUMBER_MASK: u64 = u64::MAX >> CELLS_AT_MOST;

/// What the low bits of a cell's word say; the position is above them.
const STATE_BITS: u32 = 2;
/// The value is there. EMPTY is 0, so that fresh memory is empty: the sender of the position is on its way, or there is none.
const FULL: u64 = 1;
/// Nobody will touch the cell at this position again.
const DONE: u64 = 2;

/// What a cell holds at a position, as far as the asker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Empty,
    Full,
    Done,
    /// The cell is used for another position by now.
    Gone,
}

/// What goes with a value in its cell.
///
/// # Safety
/// Memory that is all zeros is a value of this type, the same as its default.
pub unsafe trait Extra: Default {}

// SAFETY: no memory at all.
unsafe impl Extra for () {}

/// One place of the queue.
#[derive(Debug)]
pub(super) struct Cell<T, X> {
    /// `position << 2 | state`. A word of an earlier position means EMPTY: nobody needs to write to a cell before its sender, when a segment
    /// is used again or fresh.
    word: AtomicU64,
    /// What goes with the value and may be looked at by anybody at any time.
    pub(super) extra: X,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T, X: Extra> Cell<T, X> {
    #[cfg(tasklets_loom)]
    fn new() -> Self {
        Self { word: AtomicU64::new(0), extra: X::default(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    #[inline]
    pub(super) fn state(&self, position: u64) -> State {
        // FULL comes with the value. Sequentially consistent: partner of `fill`, for a waiter that has registered and looks (a message
        // that it misses finds it), and for whoever made something available and looks at the queue of waiters.
        let word = self.word.load(Ordering::SeqCst);
        let at = position << STATE_BITS;
        // In the order of how likely they are.
        if word == at | FULL {
            State::Full
        } else if word <= at {
            State::Empty
        } else if word == at | DONE {
            State::Done
        } else {
            State::Gone
        }
    }

    /// The sender of `position`: writes the value and makes it visible.
    #[inline]
    pub(super) fn fill(&self, position: u64, value: T) {
        // SAFETY: the cell is EMPTY at this position, and only the sender of the position touches the value then.
        self.value.with_mut(|v| unsafe { (*v).write(value) });
        self.word.store(position << STATE_BITS | FULL, Ordering::Release);
    }

    /// As [`fill`](Self::fill), by a sequentially consistent read-modify-write.
    #[inline]
    pub(super) fn fill_firmly(&self, position: u64, value: T) {
        // SAFETY: as in `fill`.
        self.value.with_mut(|v| unsafe { (*v).write(value) });
        self.word.swap(position << STATE_BITS | FULL, Ordering::SeqCst);
    }

    /// Takes the value of `position`.
    ///
    /// # Safety
    /// The cell was FULL at `position`, and the caller alone has moved the head over it; or it is the sender, and the place was skipped.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: FULL means initialised; the caller is the only one who may take it, and takes it once.
        self.value.with_mut(|v| unsafe { (*v).assume_init_read() })
    }

    /// The last party of `position` is done: the receiver that took the value, or the sender that took it back or changed its mind. Released
    /// to whoever reuses the segment.
    #[inline]
    pub(super) fn finish(&self, position: u64) {
        self.word.store(position << STATE_BITS | DONE, Ordering::Release);
    }
}

/// A run of cells. Once made it stays a segment of its queue until the queue is dropped, so looking at one is always defined.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Segment<T, X> {
    /// The segment after this one.
    pub(super) next: AtomicPtr<()>,
    /// The next in whichever stack of idle segments this is in.
    pub(super) idle: AtomicPtr<Self>,
    /// Which run of the queue's cells it is, or was last.
    number: AtomicU64,
    /// The low half of that number above a bit for each cell over which the head has gone, or will go, though its sender had not filled it.
    skipped: AtomicU64,
    cells: [Cell<T, X>; CELLS as usize],
}

impl<T, X: Extra> Segment<T, X> {
    #[cfg(tasklets_loom)]
    pub(super) fn new() -> Self {
        Self {
            next: AtomicPtr::new(std::ptr::null_mut()),
            idle: AtomicPtr::new(std::ptr::null_mut()),
            number: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            cells: std::array::from_fn(|_| Cell::new()),
        }
    }

    /// The cell of a position of this segment.
    #[inline(always)]
    pub(super) fn cell(&self, position: u64) -> &Cell<T, X> {
        &self.cells[(position % CELLS) as usize]
    }

    /// Makes the cells those of segment number `number`. Published by the release that links the segment.
    pub(super) fn prepare(&self, number: u64) {
        // Release, for those who still look at the segment as an earlier one and follow its link: whoever sees that it is used again also
        // sees that the queue has gone past what it was.
        self.next.store(Link::<Self>::null(number).into_bits(), Ordering::Release);
        // Read by whoever retires the segment, which comes after it was linked.
        self.number.store(number, Ordering::Relaxed);
        self.skipped.store(number << CELLS_AT_MOST, Ordering::Relaxed);
    }

    /// Says that the head goes over `position` without its value. In vain if the segment is used for others by now: not before 2^32 segments
    /// have gone by while one thread was stopped between two instructions it takes another's number for its own.
    #[cold]
    pub(super) fn mark_skipped(&self, position: u64) {
        let (number, bit) = (position / CELLS, 1 << (position % CELLS));
        let mut seen = self.skipped.load(Ordering::Relaxed);
        while seen >> CELLS_AT_MOST == number & NUMBER_MASK {
            // Relaxed: made visible by the move of the head that follows, which its sender looks at first.
            match self.skipped.compare_exchange(seen, seen | bit, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// The sender of `position`, over which the head has gone: whether it was skipped. Otherwise a receiver has the value.
    #[cold]
    pub(super) fn is_skipped(&self, position: u64) -> bool {
        let (number, bit) = (position / CELLS, 1 << (position % CELLS));
        let skipped = self.skipped.load(Ordering::Relaxed);
        skipped >> CELLS_AT_MOST == number & NUMBER_MASK && skipped & bit != 0
    }

    /// Whether nobody will touch any cell again. The queue has gone past it.
    pub(super) fn is_done(&self) -> bool {
        let first = self.number.load(Ordering::Relaxed) * CELLS;
        // Acquire: partner of `finish`.
        self.cells
            .iter()
            .zip(first..)
            .all(|(cell, position)| cell.word.load(Ordering::Acquire) == position << STATE_BITS | DONE)
    }
}
