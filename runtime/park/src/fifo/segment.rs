//! Segments: the memory of a queue, a run of cells each.

use super::link::Link;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::mem::MaybeUninit;
use std::ptr;

/// Cells of a segment. Under loom two, so that a model of a few messages goes round.
#[cfg(not(tasklets_loom))]
pub(super) const CELLS: u64 = 32;
#[cfg(tasklets_loom)]
pub(super) const CELLS: u64 = 2;

/// What the low bits of a cell's word say; the position is above them.
const STATE_BITS: u32 = 2;
/// Nothing yet: the sender of this position is on its way, or there is none.
const EMPTY: u64 = 0;
/// The value is there.
const FULL: u64 = 1;
/// A receiver did not want to wait for the sender any longer.
const BROKEN: u64 = 2;
/// Nobody will touch the cell at this position again.
const DONE: u64 = 3;

/// What a cell holds at a position, as far as the asker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Empty,
    Full,
    Broken,
    Done,
    /// The cell is used for another position by now.
    Gone,
}

/// One place of the queue.
#[derive(Debug)]
pub(super) struct Cell<T, X> {
    /// `position << 2 | state`: a word of an earlier use of the memory never equals one of a later use.
    word: AtomicU64,
    /// What goes with the value and may be looked at by anybody at any time.
    pub(super) extra: X,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T, X: Default> Cell<T, X> {
    fn new() -> Self {
        Self { word: AtomicU64::new(DONE), extra: X::default(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    pub(super) fn state(&self, position: u64) -> State {
        // FULL comes with the value. Sequentially consistent: partner of `fill`, for a waiter that has registered and looks (a message
        // that it misses finds it), and for whoever made something available and looks at the queue of waiters.
        let word = self.word.load(Ordering::SeqCst);
        // First and apart, so that what nearly all find costs no jump through a table.
        if word == position << STATE_BITS | FULL {
            return State::Full;
        }
        if word >> STATE_BITS != position {
            return State::Gone;
        }
        match word & ((1 << STATE_BITS) - 1) {
            EMPTY => State::Empty,
            BROKEN => State::Broken,
            _ => State::Done,
        }
    }

    /// The sender of `position`: writes the value and makes it visible. Gives it back if a receiver has broken the cell; the sender is then
    /// done with it.
    #[inline]
    pub(super) fn fill(&self, position: u64, value: T) -> Result<(), T> {
        // SAFETY: the cell is EMPTY or BROKEN at this position, and only the sender of the position touches the value then.
        self.value.with_mut(|v| unsafe { (*v).write(value) });
        let (empty, full) = (position << STATE_BITS | EMPTY, position << STATE_BITS | FULL);
        // Sequentially consistent: partner of a waiter's look at the queue after it has registered (see `WaitQueue`).
        if self.word.compare_exchange(empty, full, Ordering::SeqCst, Ordering::Acquire).is_ok() {
            return Ok(());
        }
        // SAFETY: BROKEN, so no receiver takes it, and we wrote it just now.
        let value = self.value.with_mut(|v| unsafe { (*v).assume_init_read() });
        self.finish(position);
        Err(value)
    }

    /// Receivers: gives up on the sender of `position`. False if the cell is not EMPTY any more.
    pub(super) fn break_off(&self, position: u64) -> bool {
        let (empty, broken) = (position << STATE_BITS | EMPTY, position << STATE_BITS | BROKEN);
        self.word.compare_exchange(empty, broken, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The receiver of `position`: takes the value.
    ///
    /// # Safety
    /// The cell was FULL at `position`, and the caller alone has moved the head over it.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: FULL means initialised; the caller is its only receiver, and takes it once.
        self.value.with_mut(|v| unsafe { (*v).assume_init_read() })
    }

    /// The last party of `position` is done: the receiver that took the value, or the sender that was broken off or changed its mind. Released
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
    pub(super) next: AtomicU64,
    /// The next in whichever stack of idle segments this is in.
    pub(super) idle: AtomicPtr<Self>,
    /// The segment made before this one, for the drop of the queue.
    pub(super) made_before: *mut Self,
    cells: [Cell<T, X>; CELLS as usize],
}

impl<T, X: Default> Segment<T, X> {
    pub(super) fn boxed() -> Box<Self> {
        Box::new(Self {
            next: AtomicU64::new(0),
            idle: AtomicPtr::new(ptr::null_mut()),
            made_before: ptr::null_mut(),
            cells: std::array::from_fn(|_| Cell::new()),
        })
    }

    /// The cell of a position of this segment.
    #[inline(always)]
    pub(super) fn cell(&self, position: u64) -> &Cell<T, X> {
        &self.cells[(position % CELLS) as usize]
    }

    /// Makes the cells those of segment number `number`. Published by the release that links the segment.
    ///
    /// The stores release too, for those who still look at the segment as an earlier one: whoever sees that it is used again then also
    /// sees that the queue has gone past what it was. In particular a slow sender may prepare it under the *same* number once more, in
    /// vain; its cells then look empty, and a receiver that is as slow must not take the queue for empty by an old tail.
    pub(super) fn prepare(&self, number: u64) {
        self.next.store(Link::<Self>::null(number).into_bits(), Ordering::Release);
        for (cell, position) in self.cells.iter().zip(number * CELLS..) {
            cell.word.store(position << STATE_BITS | EMPTY, Ordering::Release);
        }
    }

    /// Whether nobody will touch any cell again.
    pub(super) fn is_done(&self) -> bool {
        // Acquire: partner of `finish`.
        self.cells.iter().all(|cell| cell.word.load(Ordering::Acquire) & DONE == DONE)
    }
}
