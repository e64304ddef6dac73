//! Memory for a message of a type that the select does not know.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Messages up to this size are received by a select without an allocation.
const INLINE: Layout = Layout::new::<[u128; 8]>();

/// Room for one message, inline if it is not large.
#[derive(Debug)]
pub(super) struct Buffer {
    inline: MaybeUninit<[u128; 8]>,
    heap: Option<(NonNull<u8>, Layout)>,
}

// SAFETY: it is memory; whose, the one who puts a message into it answers for.
unsafe impl Send for Buffer {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Buffer {}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { inline: MaybeUninit::uninit(), heap: None }
    }

    /// Memory of at least this layout. What was in it before is forgotten. The address is good until the buffer is moved.
    pub(super) fn room_for(&mut self, layout: Layout) -> *mut () {
        if layout.size() <= INLINE.size() && layout.align() <= INLINE.align() {
            return self.inline.as_mut_ptr().cast();
        }
        if let Some((memory, has)) = self.heap {
            if layout.size() <= has.size() && layout.align() <= has.align() {
                return memory.as_ptr().cast();
            }
            self.free();
        }
        // SAFETY: larger than what is inline, so its size is not 0.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        self.heap = Some((memory, layout));
        memory.as_ptr().cast()
    }

    /// Where [`room_for`](Self::room_for) said that a message of this layout goes, wherever the buffer is by now.
    pub(super) fn message(&mut self, layout: Layout) -> *mut () {
        if layout.size() <= INLINE.size() && layout.align() <= INLINE.align() {
            return self.inline.as_mut_ptr().cast();
        }
        self.heap.map_or(std::ptr::null_mut(), |(memory, _)| memory.as_ptr().cast())
    }

    fn free(&mut self) {
        if let Some((memory, layout)) = self.heap.take() {
            // SAFETY: it was allocated with this layout, and is taken out this once.
            unsafe { dealloc(memory.as_ptr(), layout) };
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.free();
    }
}
