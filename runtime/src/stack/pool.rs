//! What workers call: reserve, take, give, trim.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guard::Method;
use super::places::Places;
use super::shelf::{Shelf, TrimStep};
use super::slab::{self, Shape, Slab};
use super::{GuardKind, LiveLimit, Stack, StackError, budget};

/// In how many turns a pool is trimmed.
pub(crate) const TRIM_TURNS: usize = 100;

/// The stacks of one size of one runtime.
///
/// # Places and stacks
///
/// A *place* is the promise of a stack. A tasklet gets its place at spawn, where exhaustion can be reported, and its
/// stack when it first runs, where it could not be. The pool never promises more places than it has stacks, so `take`
/// finds one for everybody who holds a place and no stack. That needs one thing of the callers: **all stacks on loan
/// are covered by places**, those that a worker merely caches too. So a worker reserves as many places as its cache
/// holds, once, with [`StackPool::reserve_cache`], and a tasklet that ends gives its stack up before its place.
///
/// # Locks
///
/// `growth` before `shelf`. The shelf's lock is held for a few list operations and never over a system call; whoever
/// maps, guards, discards or unmaps holds `growth`, which only a `reserve` that has to wait for stacks takes as well.
pub(crate) struct StackPool {
    shape: Shape,
    method: Method,
    limit: Arc<LiveLimit>,
    places: Places,
    growth: Mutex<()>,
    shelf: Mutex<Shelf>,
}

impl std::fmt::Debug for StackPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackPool").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Poison would mean that an allocation failed in a list operation; the counts are right even so.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StackPool {
    /// An empty pool of stacks of `size` bytes of address space, guard included. The size is rounded up to pages, and
    /// to 16 KiB and the guard; sizes over 64 GiB are an error. Nothing is mapped before the first `reserve`.
    pub(crate) fn new(size: usize, guards: GuardKind, limit: Arc<LiveLimit>) -> Result<StackPool, StackError> {
        let shape = Shape::new(size)?;
        Ok(StackPool {
            shape,
            method: Method::of(guards),
            limit,
            places: Places::default(),
            growth: Mutex::new(()),
            shelf: Mutex::new(Shelf::new(shape)),
        })
    }

    /// Takes `n` places for tasklets, and makes sure that as many stacks exist. One atomic operation if they do.
    ///
    /// # Errors
    ///
    /// Which limit was hit; then no place is taken.
    pub(crate) fn reserve(&self, n: usize) -> Result<(), StackError> {
        self.limit.enter(n)?;
        self.reserve_cache(n).inspect_err(|_| self.limit.leave(n))
    }

    /// Gives `n` places of tasklets up.
    pub(crate) fn unreserve(&self, n: usize) {
        self.limit.leave(n);
        self.unreserve_cache(n);
    }

    /// Takes `n` places for a cache, which do not count as live tasklets.
    ///
    /// # Errors
    ///
    /// As for [`StackPool::reserve`].
    pub(crate) fn reserve_cache(&self, n: usize) -> Result<(), StackError> {
        if self.places.reserve(n).is_ok() {
            return Ok(());
        }
        let _growth = lock(&self.growth);
        while let Err(missing) = self.places.reserve(n) {
            self.grow(missing)?;
        }
        Ok(())
    }

    /// Gives `n` places of a cache up.
    pub(crate) fn unreserve_cache(&self, n: usize) {
        self.places.unreserve(n);
    }

    /// Makes at least one stack, and more if `missing` is more. Only with `growth` held.
    fn grow(&self, missing: usize) -> Result<(), StackError> {
        if self.method == Method::Protection {
            budget::check(missing)?;
        }
        // A separate statement: a lock taken in the condition would be held in the arms.
        let growing = lock(&self.shelf).growing();
        let Some((base, slots)) = growing else {
            let slab = Slab::map(self.shape)?;
            lock(&self.shelf).insert(slab);
            return Ok(());
        };
        // SAFETY: these slots of a mapped slab have no guards, so nobody was ever given one; and the slab stays
        // mapped, as a trim would need `growth`.
        let guarded = unsafe { self.method.guard(base, self.shape.stride, slots)? };
        lock(&self.shelf).add_guarded(&guarded, &self.places);
        Ok(())
    }

    /// Hands out `n` stacks into `out`. There are as many if the caller holds places for them.
    pub(crate) fn take(&self, out: &mut Vec<Stack>, n: usize) {
        out.reserve(n);
        let mut shelf = lock(&self.shelf);
        shelf.take(out, n);
        debug_assert!(shelf.on_loan() <= self.places.reserved(), "stacks were taken, or kept, without places");
    }

    /// Takes stacks back. The iterator runs under the pool's lock, so it must not come back to the pool.
    pub(crate) fn give(&self, stacks: impl IntoIterator<Item = Stack>) {
        let mut shelf = lock(&self.shelf);
        for stack in stacks {
            shelf.give(stack);
        }
    }

    /// Gives memory back to the system: pages of stacks that were idle since the last call, and whole slabs, page
    /// tables included, of which no stack was used since then; one slab stays.
    ///
    /// A call looks at one of [`TRIM_TURNS`] shares of the slabs. All turns are to come once in some seconds, evenly spread: discarding
    /// pages interrupts the processors that may know them.
    ///
    /// Returns whether later calls may find more in this share, even if nothing is given to the pool before.
    pub(crate) fn trim(&self, turn: usize) -> bool {
        let mut more = false;
        let numbers = lock(&self.shelf).slab_numbers();
        // From the back, where slabs run empty first. The lock is released in between, for a `reserve` that waits.
        for id in (turn..numbers).step_by(TRIM_TURNS).rev() {
            let _growth = lock(&self.growth);
            // Separate statements: a lock taken in the condition would be held in the arms.
            more |= lock(&self.shelf).is_cooling(id);
            let step = lock(&self.shelf).trim_step(id, &self.places);
            match step {
                TrimStep::Nothing => {}
                TrimStep::Unmap(slab) => {
                    // SAFETY: the slab is off the shelf with all its stacks, so none is on loan.
                    let done = unsafe { slab.unmap() };
                    if let Err(slab) = done {
                        lock(&self.shelf).restore(id, slab, &self.places);
                    }
                }
                TrimStep::Discard(base, slots) => {
                    // SAFETY: the slots are off the shelf and not on loan, and the slab stays mapped since we hold
                    // `growth`.
                    unsafe { slab::discard(base, self.shape, &slots) };
                    lock(&self.shelf).put_back(id, slots, &self.places);
                }
            }
        }
        more
    }
}

impl Drop for StackPool {
    /// Unmaps the slabs of which nothing is on loan. The others stay for ever, as do the tasklets that run in them.
    fn drop(&mut self) {
        let shelf = self.shelf.get_mut().unwrap_or_else(PoisonError::into_inner);
        for slab in shelf.take_idle_slabs() {
            // A slab that the kernel does not unmap is leaked: nothing else can be done with it.
            // SAFETY: all its stacks were idle and are gone with it, and no trim runs as we have the pool alone.
            let _ = unsafe { slab.unmap() };
        }
    }
}
