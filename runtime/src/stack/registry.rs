//! From an address to its slot, in a signal handler.
//!
//! A handler may neither lock nor allocate, so the slabs of the process are listed in entries that are only ever
//! added, never freed or moved. Entries lie in chunks, each twice as large as the one before, so there is no limit
//! that an address space could reach.
//!
//! | entry | `base` | `len`, `stride` |
//! | --- | --- | --- |
//! | never used | 0 | 0 |
//! | in use | of the slab | of the slab |
//! | free | 0 | as before |
//!
//! Length and stride are written once, before the entry's first `base`, and an entry is used again only for a slab of
//! the same shape: a reader can never combine one slab's base with another's shape. A slab in which somebody runs is
//! not unmapped, so the entry that a faulting tasklet needs does not change under the handler.

use std::ptr;
use std::slice;
use std::sync::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, PoisonError};

use super::page_size;

/// Entries in the first chunk.
const FIRST: usize = 64;
/// Together 64 * (2^26 - 1) entries: at 64 MiB a slab far more than 57 bits of address space hold.
const CHUNKS: usize = 26;

#[derive(Default)]
struct Entry {
    base: AtomicUsize,
    len: AtomicUsize,
    stride: AtomicUsize,
}

/// Chunk `k` has `FIRST << k` entries, or is null. Chunks appear in order.
static ENTRIES: [AtomicPtr<Entry>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];

/// What the writers know.
struct Writers {
    /// Entries that were ever used.
    used: usize,
    /// Free entries of all shapes. Slabs come and go rarely, so they are searched one by one.
    free: Vec<&'static Entry>,
}

static WRITERS: Mutex<Writers> = Mutex::new(Writers { used: 0, free: Vec::new() });

/// A slab's line in the registry.
pub(super) struct Registration(&'static Entry);

/// The stack whose guard was hit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// One past its highest byte.
    pub(super) top: usize,
    /// Its address space in bytes, guard included.
    pub(super) stride: usize,
}

/// Lists the slab of `len` bytes at `base`.
pub(super) fn register(base: usize, len: usize, stride: usize) -> Registration {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |entry: &&Entry| entry.len.load(Relaxed) == len && entry.stride.load(Relaxed) == stride;
    let free = writers.free.iter().rposition(fits).map(|found| writers.free.swap_remove(found));
    let entry = free.unwrap_or_else(|| {
        let entry = entry(writers.used);
        writers.used += 1;
        entry.len.store(len, Relaxed);
        entry.stride.store(stride, Relaxed);
        entry
    });
    // Release: pairs with the Acquire of `guard_at`, so that who sees the base sees the shape.
    entry.base.store(base, Release);
    Registration(entry)
}

/// Takes a slab off the list. Must come before its range is unmapped, since then the range may become something else.
pub(super) fn unregister(registration: Registration) {
    let entry = registration.0;
    entry.base.store(0, Relaxed);
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner).free.push(entry);
}

/// Entry `index`, in a chunk that is made if need be. Only under the writers' lock.
fn entry(index: usize) -> &'static Entry {
    let chunk = (index / FIRST + 1).ilog2() as usize;
    let mut entries = ENTRIES[chunk].load(Relaxed);
    if entries.is_null() {
        let fresh: Box<[Entry]> = (0..FIRST << chunk).map(|_| Entry::default()).collect();
        entries = Box::leak(fresh).as_mut_ptr();
        // Release: pairs with the Acquire of `guard_at`, so that the reader finds zeroes and not raw memory.
        ENTRIES[chunk].store(entries, Release);
    }
    let offset = index - FIRST * ((1 << chunk) - 1);
    // SAFETY: the chunk has `FIRST << chunk` entries and is never freed; chunk `k` begins at index `FIRST * (2^k - 1)`
    // and ends where the next begins, so the offset lies within.
    unsafe { &*entries.add(offset) }
}

/// The stack whose guard page holds `address`, if one does. Fit for a signal handler: it neither locks nor allocates.
pub(super) fn guard_at(address: usize) -> Option<Hit> {
    for (k, chunk) in ENTRIES.iter().enumerate() {
        // Acquire: pairs with the Release of `entry`.
        let entries = chunk.load(Acquire);
        if entries.is_null() {
            return None;
        }
        // SAFETY: a chunk that is not null has that many entries, initialised before the Release, and is never freed.
        for entry in unsafe { slice::from_raw_parts(entries, FIRST << k) } {
            // Acquire: pairs with the Release of `register`.
            let base = entry.base.load(Acquire);
            let offset = address.wrapping_sub(base);
            if base == 0 || offset >= entry.len.load(Relaxed) {
                continue;
            }
            let stride = entry.stride.load(Relaxed);
            let slot = offset / stride;
            return (offset % stride < page_size()).then_some(Hit { top: base + (slot + 1) * stride, stride });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{FIRST, Hit, guard_at, register, unregister};

    /// More slabs than two chunks hold, at addresses that no mapping of a process can have.
    #[test]
    fn finds_guards_and_nothing_else() {
        const BASE: usize = 1 << 60;
        const LEN: usize = 1 << 20;
        const STRIDE: usize = 1 << 18;
        let count = FIRST * 4;
        let mut slabs: Vec<_> = (0..count).map(|i| Some(register(BASE + i * LEN, LEN, STRIDE))).collect();
        let hit = |top| Some(Hit { top, stride: STRIDE });
        for base in (0..count).map(|i| BASE + i * LEN) {
            assert_eq!(guard_at(base), hit(base + STRIDE));
            assert_eq!(guard_at(base + STRIDE + 100), hit(base + 2 * STRIDE));
            assert_eq!(guard_at(base + STRIDE - 1), None);
        }
        unregister(slabs[3].take().expect("registered above"));
        assert_eq!(guard_at(BASE + 3 * LEN), None);
        let used = super::WRITERS.lock().expect("not poisoned").used;
        let again = BASE + count * LEN;
        slabs[3] = Some(register(again, LEN, STRIDE));
        assert!(super::WRITERS.lock().expect("not poisoned").used <= used.max(count));
        assert_eq!(guard_at(again), hit(again + STRIDE));
        slabs.into_iter().flatten().for_each(unregister);
        assert_eq!(guard_at(BASE), None);
    }
}
