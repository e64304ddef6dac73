//! Where the memory of segments comes from: several at once, each time twice as many, up to a limit. So a queue that holds a few values has
//! one or two segments, and a burst of millions does not go to the allocator for each of its segments.
//!
//! The largest chunks are huge pages of their own, where the kernel has some: of a message in a long queue, the fault on its page costs as
//! much as sending and receiving it (measured: 26 ns became 18).

use super::segment::{Extra, Segment};
use std::alloc::{self, Layout};
use std::ptr;

/// A chunk of more than one segment has no more bytes than this, which is the size of a huge page.
const LARGEST: usize = 2 << 20;

/// The head of a piece of memory; the segments follow it.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct Chunk<T, X> {
    /// The chunk made before this one, for the drop of the queue.
    pub(super) made_before: *mut Self,
    segments: usize,
    of: std::marker::PhantomData<Segment<T, X>>,
}

impl<T, X> Chunk<T, X> {
    fn layout(segments: usize) -> Layout {
        let array = Layout::array::<Segment<T, X>>(segments).expect("at most LARGEST bytes, or one segment");
        let (layout, offset) = Layout::new::<Self>().extend(array).expect("as above");
        debug_assert_eq!(offset, size_of::<Self>());
        layout
    }

    /// Its segments.
    ///
    /// # Safety
    /// The chunk is alive.
    pub(super) unsafe fn segments(chunk: *mut Self) -> impl DoubleEndedIterator<Item = *const Segment<T, X>> {
        // SAFETY: alive, says the caller; the segments come right after the head, whose size is a multiple of their alignment.
        let (first, count) = unsafe { (chunk.add(1).cast::<Segment<T, X>>(), (*chunk).segments) };
        // SAFETY: within the allocation.
        (0..count).map(move |index| unsafe { first.add(index) }.cast_const())
    }

    /// Gives the memory back, and returns the chunk made before.
    ///
    /// # Safety
    /// The chunk is alive, and nobody uses its segments any more, whose cells hold no values.
    pub(super) unsafe fn free(chunk: *mut Self) -> *mut Self {
        // SAFETY: alive, says the caller.
        let (before, segments) = unsafe { ((*chunk).made_before, (*chunk).segments) };
        #[cfg(tasklets_loom)]
        // SAFETY: alive and nobody uses them; loom's atomics have to be dropped.
        unsafe {
            Self::segments(chunk).for_each(|segment| ptr::drop_in_place(segment.cast_mut()));
        }
        let layout = Self::layout(segments);
        if is_mapped(layout) {
            // SAFETY: mapped by `map` with this length, and not used again. It fails only if the process may have no more mappings, and there
            // is nothing to split here.
            unsafe { libc::munmap(chunk.cast(), LARGEST) };
        } else {
            // SAFETY: allocated by `after` with this layout, and not used again.
            unsafe { alloc::dealloc(chunk.cast(), layout) };
        }
        before
    }
}

impl<T, X: Extra> Chunk<T, X> {
    /// Makes the next chunk after `latest`, which may be null.
    ///
    /// # Safety
    /// `latest` is alive if it is not null.
    pub(super) unsafe fn after(latest: *mut Self) -> *mut Self {
        // SAFETY: alive, says the caller.
        let had = unsafe { latest.as_ref() }.map_or(0, |latest| latest.segments);
        let at_most = if cfg!(tasklets_loom) { 1 } else { (LARGEST - size_of::<Self>()) / size_of::<Segment<T, X>>() };
        let segments = (2 * had).min(at_most).max(1);
        let layout = Self::layout(segments);
        // SAFETY: the layout's size is not zero.
        let chunk = if is_mapped(layout) { map() } else { unsafe { alloc::alloc_zeroed(layout) } }.cast::<Self>();
        if chunk.is_null() {
            alloc::handle_alloc_error(layout);
        }
        // SAFETY: fresh memory of that layout. Zeros are a chunk's head, and segments: their atomics are 0 or null, what goes with the
        // values is zeros by the contract of `Extra`, and the values are not initialised yet.
        unsafe { (*chunk).segments = segments };
        #[cfg(tasklets_loom)]
        // SAFETY: as above; loom's atomics are made, not zeros.
        unsafe {
            Self::segments(chunk).for_each(|segment| ptr::write(segment.cast_mut(), Segment::new()));
        }
        chunk
    }
}

/// Whether a chunk of this layout is a mapping of its own: more than half a huge page, so that little of it is in vain. Miri has no huge pages.
fn is_mapped(layout: Layout) -> bool {
    !cfg!(miri) && layout.size() > LARGEST / 2 && layout.size() <= LARGEST
}

/// A huge page of zeros, or as many small ones; null if there is no memory.
fn map() -> *mut u8 {
    // SAFETY: a new mapping, which touches nothing that is there.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            LARGEST,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return ptr::null_mut();
    }
    // SAFETY: the mapping just made. A kernel without huge pages refuses, which changes nothing.
    unsafe { libc::madvise(at, LARGEST, libc::MADV_HUGEPAGE) };
    at.cast()
}
