//! Standing back for others at the same end of a queue.
//!
//! Two cores that take turns at one word move its cache line, and those of the cells, back and forth for each value: 30 to 50 ns, where one
//! core alone needs a third of that. So whoever loses the word to another stands back for about a microsecond, in which that
//! one does dozens of operations from its own cache. It is a lost compare-and-swap that tells, so nobody who is alone waits; and the
//! spins are bounded for each loss, of which every one is another's success.
//!
//! As crossbeam's `Backoff`, but longer: that is for the shortest wait, this for the fewest moves. And always as long, since something to
//! count up costs a register on the fast path (4 percent of a send).

/// One spin is 10 to 40 ns.
const SPINS: u32 = 64;

/// Another was faster.
#[cold]
pub(super) fn stand_back() {
    // Under loom there is nothing to gain.
    if !cfg!(tasklets_loom) {
        (0..SPINS).for_each(|_| crate::sync::spin());
    }
}
