//! Memory for tasks: blocks of the usual sizes are kept by each thread, because a general allocator takes a quarter of the time
//! of a spawn and join, and more than half when tasks end on other threads than they were spawned by: such an allocator
//! gives the memory back to where it came from, under a lock.
//!
//! A block may be freed by another thread than it was allocated by; it then stays with that thread. A thread keeps two
//! [magazines](magazine) at most; further full ones go to a depot from which threads that have none left help themselves.

use super::magazine::{DEPOTS, Magazine};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// Sizes of blocks; larger tasks are not kept. An allocator like glibc's keeps a word before each block and rounds both up to 16 bytes, so
/// sizes of a word less leave no gap. The first holds a closure of two words.
pub(super) const CLASSES: [usize; 4] = [104, 136, 200, 248];
const ALIGN: usize = 16;

/// What a thread keeps of one class.
struct Free {
    loaded: Cell<Magazine>,
    /// Full, or empty.
    spare: Cell<Magazine>,
}

struct Blocks([Free; CLASSES.len()]);

impl Drop for Blocks {
    fn drop(&mut self) {
        for (class, free) in self.0.iter().enumerate() {
            for magazine in [free.loaded.take(), free.spare.take()] {
                // SAFETY: a free block of this class comes out of it.
                magazine.empty(|block| unsafe { give_to_allocator(class, block) });
            }
        }
    }
}

impl Free {
    const fn new() -> Self {
        Self { loaded: Cell::new(Magazine::EMPTY), spare: Cell::new(Magazine::EMPTY) }
    }

    #[inline]
    fn pop(&self, class: usize) -> Option<NonNull<u8>> {
        let mut loaded = self.loaded.get();
        let block = loaded.pop().or_else(|| {
            loaded = self.reload(class);
            loaded.pop()
        });
        self.loaded.set(loaded);
        block
    }

    #[cold]
    fn reload(&self, class: usize) -> Magazine {
        let spare = self.spare.take();
        if spare.is_empty() { DEPOTS[class].take() } else { spare }
    }

    /// Keeps a block, unless there are enough. The caller gives it up if this returns true.
    #[inline]
    fn push(&self, class: usize, block: NonNull<u8>) -> bool {
        let mut loaded = self.loaded.get();
        if loaded.is_full() {
            if !self.put_aside(class, loaded) {
                return false;
            }
            loaded = Magazine::EMPTY;
        }
        // SAFETY: the caller gives up a free block, and a magazine that is not full takes it.
        unsafe { loaded.push(block) };
        self.loaded.set(loaded);
        true
    }

    /// Puts a full magazine where the spare one is, which goes to the depot. False if the depot does not take it.
    #[cold]
    fn put_aside(&self, class: usize, full: Magazine) -> bool {
        let spare = self.spare.get();
        let room = spare.is_empty() || DEPOTS[class].give(spare);
        if room {
            self.spare.set(full);
        }
        room
    }
}

/// Gives blocks back that have been in the depots for a while. Returns whether there are more.
pub(crate) fn trim() -> bool {
    let mut more = false;
    for (class, depot) in DEPOTS.iter().enumerate() {
        // SAFETY: a free block of this class comes out of the depot.
        more |= depot.trim(|block| unsafe { give_to_allocator(class, block) });
    }
    more
}

/// # Safety
/// A free block of this class, which the caller gives up.
unsafe fn give_to_allocator(class: usize, block: NonNull<u8>) {
    // SAFETY: blocks of a class are allocated with its layout.
    unsafe { dealloc(block.as_ptr(), class_layout(CLASSES[class])) };
}

thread_local! {
    static BLOCKS: Blocks = const { Blocks([const { Free::new() }; CLASSES.len()]) };
}

const fn class_layout(size: usize) -> Layout {
    match Layout::from_size_align(size, ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// The class of a layout, if it has one. A constant where the type is known.
#[inline(always)]
fn class_of(layout: Layout) -> Option<usize> {
    (layout.align() <= ALIGN).then(|| CLASSES.iter().position(|&size| layout.size() <= size)).flatten()
}

/// Where tasklets may change threads, the thread-local's address must not be kept over a suspension: see
/// [`Worker::of_thread`](crate::worker::Worker::of_thread).
#[cfg_attr(feature = "migrating", inline(never))]
#[cfg_attr(not(feature = "migrating"), inline(always))]
fn take_kept(class: usize) -> Option<NonNull<u8>> {
    #[cfg(feature = "migrating")]
    // SAFETY: an empty statement; it only stops the optimiser from treating this function as pure.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
    BLOCKS.try_with(|blocks| blocks.0[class].pop(class)).ok().flatten()
}

/// As [`take_kept`]. Whether the block is kept.
#[cfg_attr(feature = "migrating", inline(never))]
#[cfg_attr(not(feature = "migrating"), inline(always))]
fn keep(class: usize, block: NonNull<u8>) -> bool {
    #[cfg(feature = "migrating")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
    BLOCKS.try_with(|blocks| blocks.0[class].push(class, block)) == Ok(true)
}

/// Memory for a `T`, uninitialised.
#[inline]
pub(super) fn allocate<T>() -> NonNull<T> {
    let layout = const { Layout::new::<T>() };
    let Some(class) = class_of(layout) else { return from_allocator(layout).cast() };
    take_kept(class).unwrap_or_else(|| from_allocator(class_layout(CLASSES[class]))).cast()
}

#[cold]
fn from_allocator(layout: Layout) -> NonNull<u8> {
    // SAFETY: no task has size zero: it has a header.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives the memory of a `T` back, without dropping what is in it.
///
/// # Safety
/// It came from [`allocate`] for this type and is not used any more.
#[inline]
pub(super) unsafe fn free<T>(block: NonNull<T>) {
    let layout = const { Layout::new::<T>() };
    let block = block.cast::<u8>();
    let layout = match class_of(layout) {
        Some(class) if keep(class, block) => return,
        Some(class) => class_layout(CLASSES[class]),
        None => layout,
    };
    // SAFETY: allocated with this layout, says the caller, and given up.
    unsafe { dealloc(block.as_ptr(), layout) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicPtr, Ordering};

    #[test]
    fn blocks_are_used_again_and_never_twice_at_once() {
        let first: Vec<_> = (0..if cfg!(miri) { 300 } else { 10_000 }).map(|_| allocate::<[u64; 20]>()).collect();
        let distinct: std::collections::HashSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), first.len());
        for &block in &first {
            // SAFETY: allocated above for this type.
            unsafe { free(block) };
        }
        let again = allocate::<[u64; 20]>();
        assert!(first.contains(&again), "a kept block comes first");
        // SAFETY: as above.
        unsafe { free(again) };
    }

    #[test]
    fn blocks_that_end_on_another_thread_come_back() {
        // A class that no other test uses.
        const MANY: usize = if cfg!(miri) { 400 } else { 1000 };
        let make = || (0..MANY).map(|_| allocate::<[u64; 30]>()).collect::<Vec<_>>();
        let first = make();
        let known: std::collections::HashSet<_> = first.iter().copied().collect();
        let freed: Vec<_> = first.iter().map(|block| AtomicPtr::new(block.as_ptr())).collect();
        let free_all = || {
            // SAFETY: allocated above for this type.
            freed.iter().for_each(|block| unsafe { free(NonNull::new(block.load(Ordering::Relaxed)).unwrap()) });
        };
        std::thread::scope(|scope| scope.spawn(free_all).join().unwrap());
        let again = make();
        // All but what the other thread kept for itself.
        assert!(again.iter().filter(|&block| known.contains(block)).count() >= MANY - 300);
        // SAFETY: as above.
        again.iter().for_each(|&block| unsafe { free(block) });
        // Half of them each time.
        assert!((0..64).any(|_| !trim()), "in the end nothing is left");
    }

    #[test]
    fn a_small_task_fits_the_smallest_class() {
        type Small = super::super::cell::Cell<[usize; 2], usize, ()>;
        assert_eq!(class_of(Layout::new::<Small>()), Some(0));
    }

    #[test]
    fn large_and_overaligned_types_are_not_kept() {
        #[repr(align(64))]
        struct Aligned([u8; 64]);
        let (large, aligned) = (allocate::<[u8; 4096]>(), allocate::<Aligned>());
        assert_eq!(aligned.as_ptr() as usize % 64, 0);
        // SAFETY: allocated above for these types.
        unsafe {
            large.write([1; 4096]);
            aligned.write(Aligned([2; 64]));
            assert_eq!(aligned.as_ref().0[63], 2);
            free(large);
            free(aligned);
        }
    }
}
