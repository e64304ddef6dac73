//! The inaccessible page at the low end of every slot.
//!
//! | method | how | mappings | kernel |
//! | --- | --- | --- | --- |
//! | markers | `MADV_GUARD_INSTALL` puts a marker in the page table | none | Linux 6.13 |
//! | protection | `mprotect(PROT_NONE)` | two a stack, counted by `budget` | any |
//!
//! Markers are the choice wherever the kernel has them. They outlive `MADV_DONTNEED`, so trimmed stacks stay guarded.
//! A slot without a guard is never handed out.
//!
//! A guard is one page. Code by rustc touches every page of a large frame in order, so it cannot step over one; C code
//! can, unless it was compiled with `-fstack-clash-protection`.

use std::io;
use std::ops::{Range, RangeInclusive};
use std::ptr;
use std::sync::OnceLock;

use super::{StackError, advise, budget, page_size};

/// The advice that makes a page a guard. Not in the `libc` crate yet.
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// Slots that get markers in one call: as many as the slab has already, within these bounds. A marker costs half a
/// microsecond and a share of a page table, so a program that has a few tasklets for a moment does not pay for many, and
/// no spawn pays for a whole slab. Eight stacks of the usual size share a page table.
const MARKERS_AT_ONCE: RangeInclusive<usize> = 8..=64;

/// Which guards a pool shall make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardKind {
    /// Markers where the kernel has them, protection elsewhere.
    Auto,
    /// Protection, whatever the kernel has.
    Protect,
}

/// How a pool makes its guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Markers in the page table.
    Markers,
    /// Protected pages.
    Protection,
}

/// Guards that were just made.
#[derive(Debug)]
pub(super) struct Guarded {
    /// How many, from the front of the range.
    pub(super) slots: usize,
    /// How many of them the budget was charged for.
    pub(super) charged: usize,
}

impl Method {
    /// The method for a kind, on this kernel.
    pub(super) fn of(kind: GuardKind) -> Method {
        if kind == GuardKind::Auto && markers_work() { Method::Markers } else { Method::Protection }
    }

    /// Guards at least one of the slots in `slots`, and as many as `MARKERS_AT_ONCE` says, beginning with
    /// the first. `base` is the address of slot 0.
    ///
    /// # Safety
    ///
    /// The slots lie in one mapping of the caller's, private, anonymous and writable, and nobody uses them.
    pub(super) unsafe fn guard(self, base: usize, stride: usize, slots: Range<usize>) -> Result<Guarded, StackError> {
        if self == Method::Markers {
            let count = slots.start.clamp(*MARKERS_AT_ONCE.start(), *MARKERS_AT_ONCE.end());
            let end = slots.end.min(slots.start + count);
            let pages: Vec<libc::iovec> = (slots.start..end).map(|slot| page_at(base + slot * stride)).collect();
            // SAFETY: nobody uses these pages, so nobody misses what was in them.
            match unsafe { advise::advise(&pages, MADV_GUARD_INSTALL) } {
                Ok(()) => {
                    return Ok(Guarded { slots: pages.len(), charged: 0 });
                }
                // Locked memory takes no markers (the program called mlockall since the probe): protect instead.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                Err(source) => return Err(StackError::Guard { source }),
            }
        }
        // SAFETY: the caller's promise.
        unsafe { protect(base + slots.start * stride)? };
        Ok(Guarded { slots: 1, charged: 1 })
    }
}

fn page_at(address: usize) -> libc::iovec {
    libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: page_size() }
}

/// Protects one page, at the cost of two mappings.
///
/// # Safety
///
/// As for [`Method::guard`].
unsafe fn protect(page: usize) -> Result<(), StackError> {
    budget::charge()?;
    let page = page_at(page);
    // SAFETY: the page is the caller's and nobody uses it.
    if unsafe { libc::mprotect(page.iov_base, page.iov_len, libc::PROT_NONE) } == 0 {
        return Ok(());
    }
    let source = io::Error::last_os_error();
    budget::refund(1);
    Err(if source.raw_os_error() == Some(libc::ENOMEM) { budget::exhausted() } else { StackError::Guard { source } })
}

/// Whether this kernel has guard markers. Tried out once, on a page that is unmapped again.
pub(super) fn markers_work() -> bool {
    static WORK: OnceLock<bool> = OnceLock::new();
    *WORK.get_or_init(|| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses disturbs nothing.
        let page = unsafe { libc::mmap(ptr::null_mut(), page_size(), access, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return false;
        }
        // SAFETY: the page is ours alone and unused.
        let works = unsafe { libc::madvise(page, page_size(), MADV_GUARD_INSTALL) } == 0;
        // SAFETY: the page is ours alone, and no reference to it exists.
        unsafe { libc::munmap(page, page_size()) };
        works
    })
}
