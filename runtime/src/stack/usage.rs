//! How deep a stack has been used.

use std::ptr;

use super::page_size;

/// Pages asked about in one call.
const BATCH: usize = 512;

/// Bytes from the lowest page of `low..top` that is in memory up to `top`. Both are page aligned and lie in one stack.
pub(super) fn used(low: usize, top: usize) -> usize {
    let page = page_size();
    let mut resident = [0_u8; BATCH];
    for start in (low..top).step_by(BATCH * page) {
        let bytes = (top - start).min(BATCH * page);
        // SAFETY: mincore reads no memory of the range and writes one byte for each page of it, at most BATCH.
        let done = unsafe { libc::mincore(ptr::without_provenance_mut(start), bytes, resident.as_mut_ptr()) };
        // A failure (only if the kernel is out of memory) leaves the pages unknown; counting them all is the safe side.
        let lowest = if done == 0 { resident[..bytes / page].iter().position(|page| page & 1 == 1) } else { Some(0) };
        if let Some(pages) = lowest {
            return top - start - pages * page;
        }
    }
    0
}
