//! The system's allocator, counting.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Whether this is the process's first thread, on which the test harness waits for the test, and allocates for that whenever it gets round to it.
fn is_harness() -> bool {
    // SAFETY: neither touches memory.
    unsafe { libc::gettid() == libc::getpid() }
}

fn count() {
    if !is_harness() {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

/// What the program has for an allocator.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged, and what it returns comes back unchanged; the counting does not
// allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        LIVE_BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: our caller's promise about `layout` is the one that is asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        LIVE_BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: our caller has `block` from this allocator, and so from the system's, with this `layout`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        LIVE_BYTES.fetch_add(size, Relaxed);
        LIVE_BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as in `dealloc`; that `size` is allowed is our caller's promise too.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Bytes that are allocated now.
pub(crate) fn live_bytes() -> usize {
    LIVE_BYTES.load(Relaxed)
}

/// How many allocations are made while `operations` run, on any thread but the harness's.
pub(crate) fn allocations_of(operations: impl FnOnce()) -> usize {
    assert!(!is_harness(), "the test has a thread of its own");
    let before = ALLOCATIONS.load(Relaxed);
    operations();
    ALLOCATIONS.load(Relaxed) - before
}
