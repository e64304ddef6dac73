//! Memory that never goes away: pools whose items keep their address for the life of the process.
//!
//! A waker, a queue cell or an event of the kernel may name an item long after its owner has moved on. Because the item
//! stays an item of the same type for ever, looking at it is always defined, and a generation inside tells that it is
//! somebody else's by now. That is what lets waiting go without locks, reference counts and deferred reclamation.
//!
//! The price: memory for the largest number of items ever in use at once is kept (32 bytes for each parked context).

use std::cell::RefCell;
use std::iter;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread::LocalKey;

/// A chunk is small enough that a program with a few contexts does not touch many pages for them. Under Miri it takes as long to make as the
/// rest of a test if it is not smaller still.
const CHUNK_BITS: u32 = if cfg!(miri) { 6 } else { 10 };
const CHUNK_LEN: usize = 1 << CHUNK_BITS;
/// Bits of an index, so that index and generation fit in one word.
pub const INDEX_BITS: u32 = 28;
/// Under Miri a few: it goes over the whole table whenever a pool is borrowed.
const CHUNKS: usize = if cfg!(miri) { 16 } else { 1 << (INDEX_BITS - CHUNK_BITS) };
/// Indices below this are never handed out: words that carry a ticket use the small numbers for states of their own.
pub const FIRST_INDEX: u32 = 16;
/// How many free indices a thread keeps.
const CACHE: usize = 128;
/// How many free indices a thread exchanges with the pool at once.
pub const BATCH: usize = CACHE / 2;

/// A pool of items with stable addresses; made to be a `static`.
///
/// An empty one is all zeroes, so that it takes no room in a program's file: its table would add two megabytes to every
/// program.
pub struct StablePool<T: 'static> {
    chunks: [AtomicPtr<T>; CHUNKS],
    /// Made at first use. A `FreeList` in its place would not be all zeroes: even an empty `Vec` has an address.
    free: Mutex<Option<Box<FreeList>>>,
}

/// A stack of the free indices.
///
/// It grows by small blocks, which are kept, so that nothing is copied and none is freed. When a million tasks end, one call of glibc's can
/// take tens of milliseconds: a block of 64 KiB or more that is freed has it join all small free ones.
struct FreeList {
    /// Each has a capacity of `CHUNK_LEN`, and all before the last one in use are full.
    blocks: Vec<Vec<u32>>,
    len: usize,
    /// The first index that was never handed out.
    fresh: u32,
}

impl Default for FreeList {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0, fresh: FIRST_INDEX }
    }
}

impl FreeList {
    fn push(&mut self, index: u32) {
        if self.len == self.blocks.len() * CHUNK_LEN {
            self.blocks.push(Vec::with_capacity(CHUNK_LEN));
        }
        self.blocks[self.len / CHUNK_LEN].push(index);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<u32> {
        self.len = self.len.checked_sub(1)?;
        self.blocks[self.len / CHUNK_LEN].pop()
    }
}

impl<T> std::fmt::Debug for StablePool<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StablePool").finish_non_exhaustive()
    }
}

impl<T: Default + Sync> StablePool<T> {
    /// An empty pool.
    #[expect(clippy::new_without_default, reason = "only ever a static; two megabytes are no place for a value")]
    pub const fn new() -> Self {
        Self { chunks: [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS], free: Mutex::new(None) }
    }

    /// The item with this index.
    ///
    /// # Panics
    /// If no item with this index was ever handed out.
    #[inline]
    pub fn get(&'static self, index: u32) -> &'static T {
        let chunk = self.chunks[(index >> CHUNK_BITS) as usize].load(Ordering::Acquire);
        assert!(!chunk.is_null(), "an index that no pool handed out");
        // SAFETY: a chunk holds CHUNK_LEN initialised items, is published with release and is never freed; the masked
        // index is below CHUNK_LEN.
        unsafe { &*chunk.add(index as usize & (CHUNK_LEN - 1)) }
    }

    /// Takes an index out of `cache`, refilling it when it is empty.
    ///
    /// # Panics
    /// If all 2^28 items are in use, which takes more memory than the machines this runs on have.
    #[inline]
    pub fn take(&'static self, cache: &Cache) -> u32 {
        let cached = cache.indices.borrow_mut().pop();
        cached.unwrap_or_else(|| self.refill(cache))
    }

    #[cold]
    fn refill(&'static self, cache: &Cache) -> u32 {
        let mut free = lock(&self.free);
        let free = free.get_or_insert_default();
        let mut indices = cache.indices.borrow_mut();
        indices.extend(iter::from_fn(|| free.pop()).take(BATCH));
        while indices.len() < BATCH {
            let index = free.fresh;
            assert!(index < 1 << INDEX_BITS, "2^28 contexts wait at once: the limit of this process");
            if index as usize & (CHUNK_LEN - 1) == 0 || index == FIRST_INDEX {
                let chunk: Box<[T]> = (0..CHUNK_LEN).map(|_| T::default()).collect();
                // Released to `get`'s acquire. Never freed: see the module.
                self.chunks[(index >> CHUNK_BITS) as usize].store(Box::leak(chunk).as_mut_ptr(), Ordering::Release);
            }
            free.fresh += 1;
            indices.push(index);
        }
        indices.pop().expect("the batch is not empty")
    }

    /// Puts an index back into `cache`, giving half of it to the pool when it is full.
    #[inline]
    pub fn give(&'static self, cache: &Cache, index: u32) {
        let mut indices = cache.indices.borrow_mut();
        indices.push(index);
        if indices.len() >= CACHE {
            self.keep(indices.drain(BATCH..));
        }
    }

    /// Gives everything in `cache` back.
    pub fn give_all(&'static self, cache: &Cache) {
        let all = cache.indices.take();
        if !all.is_empty() {
            self.keep(all);
        }
    }

    fn keep(&self, indices: impl IntoIterator<Item = u32>) {
        let mut free = lock(&self.free);
        let free = free.get_or_insert_default();
        indices.into_iter().for_each(|index| free.push(index));
    }
}

/// Free indices kept by one thread.
#[derive(Debug, Default)]
pub struct Cache {
    indices: RefCell<Vec<u32>>,
}

/// The free indices of a thread, given back to their pool when the thread ends; made to be a thread-local.
pub struct ThreadCache<T: Default + Sync + 'static> {
    pool: &'static StablePool<T>,
    cache: Cache,
}

impl<T: Default + Sync> std::fmt::Debug for ThreadCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadCache").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl<T: Default + Sync> ThreadCache<T> {
    /// An empty cache in front of `pool`.
    pub fn new(pool: &'static StablePool<T>) -> Self {
        Self { pool, cache: Cache::default() }
    }

    /// Takes an index. A thread whose thread-locals are gone takes it straight from the pool.
    ///
    /// # Panics
    /// As [`StablePool::take`].
    pub fn take(local: &'static LocalKey<Self>, pool: &'static StablePool<T>) -> u32 {
        local.try_with(|this| this.pool.take(&this.cache)).unwrap_or_else(|_| {
            let this = Self::new(pool);
            this.pool.take(&this.cache)
        })
    }

    /// Gives an index back. A thread whose thread-locals are gone gives it straight to the pool.
    pub fn give(local: &'static LocalKey<Self>, pool: &'static StablePool<T>, index: u32) {
        if local.try_with(|this| this.pool.give(&this.cache, index)).is_err() {
            let this = Self::new(pool);
            this.pool.give(&this.cache, index);
        }
    }
}

impl<T: Default + Sync> Drop for ThreadCache<T> {
    fn drop(&mut self) {
        self.pool.give_all(&self.cache);
    }
}

/// A panic while the list is locked leaves it whole (every step is a push or a pop), so poison is ignored.
fn lock(free: &Mutex<Option<Box<FreeList>>>) -> MutexGuard<'_, Option<Box<FreeList>>> {
    free.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    static POOL: StablePool<AtomicPtr<()>> = StablePool::new();
    static UNUSED: StablePool<AtomicPtr<()>> = StablePool::new();

    #[test]
    #[cfg_attr(miri, ignore = "there is no program file")]
    fn an_empty_pool_takes_no_room_in_the_program() {
        unsafe extern "C" {
            /// By the linker: where the statics without contents in the file begin.
            static __bss_start: u8;
            /// By the linker: where they end.
            static _end: u8;
        }
        let without_contents = (&raw const __bss_start).addr()..(&raw const _end).addr();
        assert!(without_contents.contains(&std::ptr::from_ref(&UNUSED).addr()), "two megabytes of the program's file");
    }

    #[test]
    fn indices_are_distinct_and_addresses_stay() {
        let cache = Cache::default();
        let taken: Vec<u32> = (0..3 * CHUNK_LEN).map(|_| POOL.take(&cache)).collect();
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
        assert!(taken.iter().all(|&i| i >= FIRST_INDEX));
        let addresses: Vec<_> = taken.iter().map(|&i| std::ptr::from_ref(POOL.get(i))).collect();
        for &i in &taken {
            POOL.give(&cache, i);
        }
        POOL.give_all(&cache);
        let again: HashSet<u32> = (0..3 * CHUNK_LEN).map(|_| POOL.take(&cache)).collect();
        assert_eq!(again.len(), taken.len());
        for (i, address) in taken.iter().zip(addresses) {
            assert!(again.contains(i), "a free index is used again before a new one");
            assert!(std::ptr::eq(POOL.get(*i), address));
        }
    }
}
