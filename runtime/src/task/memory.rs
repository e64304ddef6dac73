//! Memory for tasks: a few blocks of the usual sizes are kept by each thread, because a general allocator takes a quarter of the
//! time of a spawn and join.
//!
//! A block may be freed by another thread than it was allocated by; it then stays with that thread. What a thread keeps is
//! bounded, the rest goes back to the global allocator.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// Sizes of blocks; larger tasks are not kept.
const CLASSES: [usize; 3] = [128, 192, 256];
const ALIGN: usize = 16;
/// Blocks of a class that a thread keeps.
const KEPT: u32 = 256;

/// The first word of a free block.
type Next = Option<NonNull<u8>>;

struct Free {
    first: Cell<Next>,
    count: Cell<u32>,
}

struct Blocks([Free; CLASSES.len()]);

impl Drop for Blocks {
    fn drop(&mut self) {
        for (free, size) in self.0.iter().zip(CLASSES) {
            while let Some(block) = free.pop() {
                // SAFETY: a free block of this class, allocated with this layout.
                unsafe { dealloc(block.as_ptr(), class_layout(size)) };
            }
        }
    }
}

impl Free {
    const fn new() -> Self {
        Self { first: Cell::new(None), count: Cell::new(0) }
    }

    #[inline]
    fn pop(&self) -> Next {
        let block = self.first.get()?;
        // SAFETY: a free block begins with its successor, written by `push`.
        self.first.set(unsafe { block.cast::<Next>().read() });
        self.count.set(self.count.get() - 1);
        Some(block)
    }

    /// Keeps a block, unless there are enough. The caller gives it up if this returns true.
    #[inline]
    fn push(&self, block: NonNull<u8>) -> bool {
        if self.count.get() == KEPT {
            return false;
        }
        // SAFETY: the block is free, large enough for a pointer and aligned.
        unsafe { block.cast::<Next>().write(self.first.get()) };
        self.first.set(Some(block));
        self.count.set(self.count.get() + 1);
        true
    }
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
fn take_kept(class: usize) -> Next {
    #[cfg(feature = "migrating")]
    // SAFETY: an empty statement; it only stops the optimiser from treating this function as pure.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
    BLOCKS.try_with(|blocks| blocks.0[class].pop()).ok().flatten()
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
    BLOCKS.try_with(|blocks| blocks.0[class].push(block)) == Ok(true)
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

    #[test]
    fn blocks_are_used_again_and_never_twice_at_once() {
        let first: Vec<_> = (0..1000).map(|_| allocate::<[u64; 20]>()).collect();
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
