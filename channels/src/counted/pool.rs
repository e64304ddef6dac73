//! Slots that keep their address until the pool goes, and the list of the free ones.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use tasklets_park::sync::UnsafeCell;
use tasklets_park::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Bits of an index. Index 0 is no slot.
pub(super) const INDEX_BITS: u32 = 24;
/// Slots in the first chunk, as a power of two; each further chunk is twice as large.
#[cfg(not(tasklets_loom))]
const FIRST_BITS: u32 = 2;
#[cfg(tasklets_loom)]
const FIRST_BITS: u32 = 0;
const CHUNKS: usize = (INDEX_BITS - FIRST_BITS + 1) as usize;
/// The largest index.
const LAST: u32 = (1 << INDEX_BITS) - 1;

/// One value, or room for one.
pub(super) struct Slot<T> {
    /// See the [table](super).
    pub(super) refs: AtomicU64,
    /// What the owner of a fresh slot wrote here, unique among the values that are shown in one place.
    pub(super) stamp: AtomicU64,
    /// The next free slot, while this one is free.
    next: AtomicU32,
    pub(super) value: UnsafeCell<MaybeUninit<T>>,
}

/// See the [module](self).
pub(super) struct Pool<T> {
    chunks: [AtomicPtr<Slot<T>>; CHUNKS],
    /// The list of free slots: `tag << 24 | index` of the first. Every push changes the tag, so that a head that was taken out and
    /// came back is another one.
    free: AtomicU64,
    /// The largest index ever handed out.
    handed_out: AtomicU32,
    /// The atomics alone would let values of any type go anywhere.
    values: PhantomData<*const T>,
}

// SAFETY: values go from the thread that shows them to the one that frees them, which takes `Send`; a reference to one is given to
// several threads at once, which takes `Sync`. Everything else in the pool is atomic.
unsafe impl<T: Send + Sync> Sync for Pool<T> {}
// SAFETY: the pool owns its slots, which go with it.
unsafe impl<T: Send + Sync> Send for Pool<T> {}

impl<T> Pool<T> {
    pub(super) fn new() -> Self {
        Self {
            chunks: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())),
            free: AtomicU64::new(0),
            handed_out: AtomicU32::new(0),
            values: PhantomData,
        }
    }

    /// Which chunk, and where in it.
    fn locate(index: u32) -> (usize, usize) {
        let shifted = index - 1 + (1 << FIRST_BITS);
        let top = shifted.ilog2();
        ((top - FIRST_BITS) as usize, (shifted - (1 << top)) as usize)
    }

    fn chunk_len(chunk: usize) -> usize {
        1 << (FIRST_BITS as usize + chunk)
    }

    /// The slot with this index, which [`take`](Self::take) has returned before; it may be free by now.
    #[inline]
    pub(super) fn slot(&self, index: u32) -> &Slot<T> {
        let (chunk, at) = Self::locate(index);
        let slots = self.chunks[chunk].load(Ordering::Acquire);
        assert!(!slots.is_null(), "an index that this pool has handed out");
        // SAFETY: the chunk has `chunk_len` initialised slots, of which `at` is one, was published with release, and is freed with
        // the pool, which is borrowed.
        unsafe { &*slots.add(at) }
    }

    /// A slot that nobody else has, without a value.
    ///
    /// # Panics
    /// If 2^24 - 1 are in use.
    pub(super) fn take(&self) -> u32 {
        // Acquire: whatever was done with the slot before it was freed is over. All changes of the word are read-modify-writes, so
        // the push that put the slot there is seen however many others came on top.
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let index = head as u32 & LAST;
            if index == 0 {
                return self.hand_out();
            }
            // It may have been taken by another since: then this reads some index, and the exchange fails for the tag.
            let next = self.slot(index).next.load(Ordering::Relaxed);
            let rest = head & !u64::from(LAST) | u64::from(next);
            match self.free.compare_exchange_weak(head, rest, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return index,
                Err(now) => head = now,
            }
        }
    }

    /// Puts a slot that nobody uses and that has no value into the list.
    pub(super) fn give(&self, index: u32) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            self.slot(index).next.store(head as u32 & LAST, Ordering::Relaxed);
            let tag = (head >> INDEX_BITS).wrapping_add(1);
            let pushed = tag << INDEX_BITS | u64::from(index);
            // Partner: the acquire of `take`.
            match self.free.compare_exchange_weak(head, pushed, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// A slot that was never used.
    #[cold]
    fn hand_out(&self) -> u32 {
        let more = |last: u32| (last < LAST).then(|| last + 1);
        let last = self.handed_out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let index = last.expect("2^24 - 1 values of one channel are alive at once: its limit") + 1;
        let (chunk, _) = Self::locate(index);
        if self.chunks[chunk].load(Ordering::Acquire).is_null() {
            self.add(chunk);
        }
        index
    }

    /// Allocates a chunk. Two may do so at once; the second frees its own again.
    fn add(&self, chunk: usize) {
        let slots: Box<[Slot<T>]> = (0..Self::chunk_len(chunk)).map(|_| Slot::empty()).collect();
        let slots = Box::into_raw(slots);
        let null = std::ptr::null_mut();
        // Released to the acquire in `slot`.
        if self.chunks[chunk].compare_exchange(null, slots.cast(), Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: it came from the box above and nobody else has it.
            drop(unsafe { Box::from_raw(slots) });
        }
    }
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Self {
            refs: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
            next: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        for (chunk, slots) in self.chunks.iter().enumerate() {
            let slots = slots.load(Ordering::Relaxed);
            if !slots.is_null() {
                let slots = std::ptr::slice_from_raw_parts_mut(slots, Self::chunk_len(chunk));
                // SAFETY: `add` made it from a box of that length, and the pool goes now. Values are not dropped here: those shown
                // are dropped by the showcase before, and others are alive only if a reference was leaked.
                drop(unsafe { Box::from_raw(slots) });
            }
        }
    }
}
