//! Memory for a message of a type that the select does not know.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Room on the stack. Small, for it is moved with the operation that was chosen.
type Inline = MaybeUninit<[u128; 4]>;

const INLINE: Layout = Layout::new::<Inline>();

/// Room for one message, inline if it is not large.
#[derive(Debug)]
pub(super) struct Buffer {
    inline: Inline,
    heap: Option<Block>,
}

// SAFETY: it is memory; whose, the one who puts a message into it answers for.
unsafe impl Send for Buffer {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Buffer {}

impl Buffer {
    #[inline]
    pub(super) fn new() -> Self {
        Self { inline: MaybeUninit::uninit(), heap: None }
    }

    /// Memory of at least this layout. What was in it before is forgotten. The address is good until the buffer is moved.
    #[inline]
    pub(super) fn room_for(&mut self, layout: Layout) -> *mut () {
        let suffices = match &self.heap {
            Some(block) => fits(layout, block.layout),
            None => fits(layout, INLINE),
        };
        if !suffices {
            self.heap = Some(Block::for_message(layout));
        }
        self.message()
    }

    /// The memory that [`room_for`](Self::room_for) has made ready last, wherever the buffer is by now: that on the heap if there is any, also
    /// for a small message, for it may have come while a large one was waited for too.
    #[inline]
    pub(super) fn message(&mut self) -> *mut () {
        match &self.heap {
            Some(block) => block.memory.as_ptr().cast(),
            None => self.inline.as_mut_ptr().cast(),
        }
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.heap.take() {
            block.keep();
        }
    }
}

#[inline]
fn fits(layout: Layout, room: Layout) -> bool {
    layout.size() <= room.size() && layout.align() <= room.align()
}

/// Memory on the heap. Each thread keeps one that it does not need, so that a select in a loop does not allocate.
#[derive(Debug)]
struct Block {
    memory: NonNull<u8>,
    layout: Layout,
}

/// A larger block is not kept.
const KEPT: usize = 64 * 1024;

// Accessed only in functions that do not suspend, and with migrating tasklets are not inlined into any that does.
std::thread_local! {
    static SPARE: Cell<Option<Block>> = const { Cell::new(None) };
}

impl Block {
    #[cold]
    #[cfg_attr(feature = "migrating", inline(never))]
    fn for_message(layout: Layout) -> Self {
        // A thread whose thread-locals are gone does without.
        if let Ok(Some(block)) = SPARE.try_with(Cell::take)
            && fits(layout, block.layout)
        {
            return block;
        }
        // A message may have an alignment and no size.
        let layout = Layout::from_size_align(layout.size().max(1), layout.align()).unwrap_or(layout);
        // SAFETY: the size is not 0.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        Self { memory, layout }
    }

    /// For the next on this thread, which is more likely to need one of this size than of that of the one before.
    #[cold]
    #[cfg_attr(feature = "migrating", inline(never))]
    fn keep(self) {
        if self.layout.size() <= KEPT {
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and nobody else has it.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}
