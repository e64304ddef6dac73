//! Stacks for tasklets: where they come from, how they are guarded, and what an overflow looks like.
//!
//! | file | answers for |
//! | --- | --- |
//! | `pool` | what workers call: reserve, take, give, trim |
//! | `places` | how many stacks are promised and how many exist, in one word |
//! | `limit` | the runtime's limit on live tasklets |
//! | `shelf` | which stacks are idle, behind the pool's lock |
//! | `idle` | the idle slots of one slab, and how long they have been idle |
//! | `slab` | one mapping cut into equal slots |
//! | `slab_set` | a set of slab numbers |
//! | `guard` | the inaccessible page at the low end of every slot |
//! | `budget` | the mappings that protected guards may use up |
//! | `advise` | `madvise` of many ranges at once |
//! | `registry` | from an address to its slot, in a signal handler |
//! | `overflow` | the signal handler, and the stack that it runs on |
//! | `usage` | how deep a stack has been used |
//! | `error` | why there is no stack |
//!
//! # One slot
//!
//! ```text
//! limit                                                       top
//!   | guard (one page) | usable: size() bytes, grows downwards |
//!   |<----------------------- stride ------------------------->|
//! ```
//!
//! The size that a user asks for is the stride: address space, guard included. So 256 KiB are 256 KiB of address space
//! and slots keep to round numbers; what code can use is one page less.

mod advise;
mod budget;
mod error;
mod guard;
mod idle;
mod limit;
pub(crate) mod overflow;
mod places;
mod pool;
mod registry;
mod shelf;
mod slab;
mod slab_set;
mod usage;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub(crate) use error::StackError;
pub(crate) use guard::GuardKind;
pub(crate) use limit::LiveLimit;
pub(crate) use pool::{StackPool, TRIM_TURNS};

/// Bytes in a page: 4 KiB on x86-64; 4, 16 or 64 KiB on aarch64.
pub(crate) fn page_size() -> usize {
    static PAGE: OnceLock<usize> = OnceLock::new();
    *PAGE.get_or_init(|| {
        // SAFETY: sysconf has no preconditions.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        // Linux always knows its page size; 64 KiB is a multiple of every other and so safe whatever it is.
        usize::try_from(bytes).unwrap_or(64 << 10)
    })
}

/// One stack on loan from a [`StackPool`].
///
/// It is plain data: nothing here runs code or frees memory. It goes back by [`StackPool::give`] only. Dropping it
/// would lose its slot until the pool ends, so a drop is a mistake of this crate and fails in debug builds; it does
/// not find its own way back, because that would need a pointer to the pool in every stack and a lock in a
/// destructor. A tasklet that is leaked on purpose is forgotten, stack and all, and then nothing is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    /// One past the highest byte.
    top: usize,
    /// The whole slot in pages, guard included.
    pages: u32,
    /// Slab number times slots in a slab, plus the slot.
    index: u32,
}

impl Stack {
    /// The highest address, exclusive. A multiple of the page size.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The lowest address, guard included. A multiple of the page size.
    pub(crate) fn limit(&self) -> usize {
        self.top - self.stride()
    }

    /// Bytes that code can use: what was asked for, rounded up to pages, less the guard.
    pub(crate) fn size(&self) -> usize {
        self.stride() - page_size()
    }

    /// A number of its own among the stacks of the pool, dense and small. For cache colouring.
    pub(crate) fn index(&self) -> usize {
        self.index as usize
    }

    /// How deep the stack has been used: bytes from the top down to the lowest page in memory, in whole pages.
    ///
    /// A stack that had other tenants counts what they touched too, unless [`StackPool::trim`] gave its pages to the
    /// system in between. Pages that were swapped out do not count.
    pub(crate) fn used(&self) -> usize {
        usage::used(self.limit() + page_size(), self.top)
    }

    /// Bytes of address space, guard included.
    fn stride(&self) -> usize {
        self.pages as usize * page_size()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        debug_assert!(std::thread::panicking(), "a stack was dropped instead of given back to its pool");
    }
}
