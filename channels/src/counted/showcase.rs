//! The places.

use super::fresh::Fresh;
use super::held::Held;
use super::pool::{INDEX_BITS, Pool};
use tasklets_park::sync::atomic::{AtomicU64, Ordering};

const TAKEN_BITS: u32 = u64::BITS - INDEX_BITS;
const TAKEN_MASK: u64 = (1 << TAKEN_BITS) - 1;
/// What being shown adds to a slot's count. More than all references there can be, so that the count stays above 0.
const SHOWN: u64 = 1 << 62;
/// How many references are taken through a place before they are moved to the slot's count: see the [module](super).
#[cfg(not(any(test, tasklets_loom)))]
const FOLD: u64 = 1 << 16;
/// Small enough for tests and models to get there.
#[cfg(any(test, tasklets_loom))]
const FOLD: u64 = 2;

/// See the [module](super). `P` holds the words of the places.
pub(crate) struct Showcase<T, P: AsRef<[AtomicU64]>> {
    pool: Pool<T>,
    places: P,
}

impl<T, P: AsRef<[AtomicU64]>> Showcase<T, P> {
    /// Nothing is shown yet: the words must be 0.
    pub(crate) fn new(places: P) -> Self {
        debug_assert!(
            places.as_ref().iter().all(|place| place.load(Ordering::Relaxed) == 0),
            "places are empty at first"
        );
        Self { pool: Pool::new(), places }
    }

    fn place(&self, place: usize) -> &AtomicU64 {
        &self.places.as_ref()[place]
    }

    /// A value to be shown later.
    ///
    /// # Panics
    /// If 2^24 - 1 values are alive.
    pub(crate) fn fresh(&self, value: T) -> Fresh<'_, T> {
        Fresh::new(&self.pool, value)
    }

    /// The value that the place shows. Two read-modify-writes together with dropping it, and no loop.
    pub(crate) fn hold(&self, place: usize) -> Option<Held<'_, T>> {
        let word = self.place(place);
        // Acquire: the value. It was released by the read-modify-write that showed it, and only others have followed.
        let before = word.fetch_add(1, Ordering::Acquire);
        let index = (before >> TAKEN_BITS) as u32;
        if (before + 1).is_multiple_of(FOLD) {
            self.fold(word, index);
        }
        // SAFETY: the one that was added is this reference's; the slot was shown, so it has a value.
        (index != 0).then(|| unsafe { Held::new(&self.pool, index) })
    }

    /// Keeps `taken` small: see the [module](super). The caller has just taken a reference to slot `index`.
    #[cold]
    fn fold(&self, word: &AtomicU64, index: u32) {
        let refs = (index != 0).then(|| &self.pool.slot(index).refs);
        if let Some(refs) = refs {
            refs.fetch_add(FOLD, Ordering::Relaxed);
        }
        let mut seen = word.load(Ordering::Relaxed);
        while (seen >> TAKEN_BITS) as u32 == index {
            // Whoever replaces the value sees by this that `refs` has grown, hence release.
            match word.compare_exchange_weak(seen, seen - FOLD, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
        if let Some(refs) = refs {
            refs.fetch_sub(FOLD, Ordering::Relaxed);
        }
    }

    /// The stamp of the value that is shown: or, if it is replaced meanwhile and its slot used again, that of another value, which
    /// is perhaps not shown yet. 0 if nothing is shown. Sequentially consistent, for use after registering in a wait queue.
    pub(crate) fn glance(&self, place: usize) -> u64 {
        let index = (self.place(place).load(Ordering::SeqCst) >> TAKEN_BITS) as u32;
        if index == 0 { 0 } else { self.pool.slot(index).stamp.load(Ordering::Relaxed) }
    }

    /// Shows `fresh` whatever is shown now, and returns that. Sequentially consistent, for looking into a wait queue afterwards.
    pub(crate) fn swap(&self, place: usize, fresh: Fresh<'_, T>) -> Option<Held<'_, T>> {
        let next = self.prepare(fresh);
        // Release: the value. Acquire: what `fold` has moved.
        let before = self.place(place).swap(next, Ordering::SeqCst);
        let index = (before >> TAKEN_BITS) as u32;
        (index != 0).then(|| {
            // One more than was taken, for the reference that is returned.
            self.hand_over(index, (before & TAKEN_MASK) + 1);
            // SAFETY: one was counted for it; the slot was shown, so it has a value.
            unsafe { Held::new(&self.pool, index) }
        })
    }

    /// Shows `fresh` if the place still shows `held` (with `None`: nothing), and gives it back otherwise. Sequentially consistent.
    ///
    /// It tries again while others only take references: each time one of them has got on.
    pub(crate) fn replace<'a>(
        &'a self,
        place: usize,
        held: Option<&Held<'a, T>>,
        fresh: Fresh<'a, T>,
    ) -> Result<(), Fresh<'a, T>> {
        let word = self.place(place);
        let shown = held.map_or(0, Held::index);
        let mut seen = word.load(Ordering::Relaxed);
        if (seen >> TAKEN_BITS) as u32 != shown {
            return Err(fresh);
        }
        let index = fresh.index();
        let next = self.prepare(fresh);
        loop {
            match word.compare_exchange_weak(seen, next, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => {
                    if shown != 0 {
                        self.hand_over(shown, seen & TAKEN_MASK);
                    }
                    return Ok(());
                }
                Err(now) if (now >> TAKEN_BITS) as u32 == shown => seen = now,
                Err(_) => {
                    self.pool.slot(index).refs.store(0, Ordering::Relaxed);
                    // SAFETY: it was not shown, so the slot and its value are what `fresh` was.
                    return Err(unsafe { Fresh::again(&self.pool, index) });
                }
            }
        }
    }

    /// Makes the word that shows `fresh`, which from here on is the place's.
    fn prepare(&self, fresh: Fresh<'_, T>) -> u64 {
        assert!(std::ptr::eq(fresh.pool(), &self.pool), "a value is shown where it was made");
        let index = fresh.index();
        std::mem::forget(fresh);
        // Nobody counts before it is shown.
        self.pool.slot(index).refs.store(SHOWN, Ordering::Relaxed);
        u64::from(index) << TAKEN_BITS
    }

    /// The slot is not shown any more, and `taken` references were taken through its place. At least one of them is the caller's,
    /// so it is not the one who frees.
    fn hand_over(&self, index: u32, taken: u64) {
        // The caller's own reference will release and acquire when it goes.
        self.pool.slot(index).refs.fetch_add(taken.wrapping_sub(SHOWN), Ordering::Relaxed);
    }
}

impl<T, P: AsRef<[AtomicU64]>> Drop for Showcase<T, P> {
    fn drop(&mut self) {
        let take = |place: &AtomicU64| {
            let index = (place.load(Ordering::Relaxed) >> TAKEN_BITS) as u32;
            // SAFETY: it is shown, so it has a value; no reference is left, because each borrows the showcase, or it was leaked
            // and is never looked at. Each slot is shown in one place, so its value is read out this once.
            (index != 0).then(|| unsafe { self.pool.slot(index).value.with_mut(|value| (*value).assume_init_read()) })
        };
        // All are taken out before the first is dropped: a vector goes on when dropping one of them panics.
        let values: Vec<T> = self.places.as_ref().iter().filter_map(take).collect();
        drop(values);
    }
}
