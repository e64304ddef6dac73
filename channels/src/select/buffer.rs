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
        match self.heap {
            Some((_, has)) if fits(layout, has) => {}
            None if fits(layout, INLINE) => {}
            _ => {
                self.free();
                // A message may have an alignment and no size.
                let layout = Layout::from_size_align(layout.size().max(1), layout.align()).unwrap_or(layout);
                // SAFETY: the size is not 0.
                let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
                self.heap = Some((memory, layout));
            }
        }
        self.message()
    }

    /// The memory that [`room_for`](Self::room_for) has made ready last, wherever the buffer is by now: that on the heap if there is any, also
    /// for a small message, for it may have come while a large one was waited for too.
    pub(super) fn message(&mut self) -> *mut () {
        match self.heap {
            Some((memory, _)) => memory.as_ptr().cast(),
            None => self.inline.as_mut_ptr().cast(),
        }
    }

    fn free(&mut self) {
        if let Some((memory, layout)) = self.heap.take() {
            // SAFETY: it was allocated with this layout, and is taken out this once.
            unsafe { dealloc(memory.as_ptr(), layout) };
        }
    }
}

fn fits(layout: Layout, room: Layout) -> bool {
    layout.size() <= room.size() && layout.align() <= room.align()
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.free();
    }
}
