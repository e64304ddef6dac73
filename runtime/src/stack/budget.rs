//! The mappings that protected guards may use up.
//!
//! A guard that is a `PROT_NONE` page splits its slab: the page is a mapping, and what lies above it another. The
//! kernel allows a process `vm.max_map_count` of them, and who reaches that can no longer map anything, the allocator
//! included. So stacks stop well before, with an error that says why.

use std::fs;
use std::io::Read;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::StackError;

/// What the kernel allows unless it was told otherwise.
const DEFAULT_MAX_MAP_COUNT: usize = 65_530;

struct Budget {
    max_map_count: usize,
    /// Guards that the process may have.
    total: usize,
    /// Guards that it may still make.
    left: AtomicUsize,
}

/// One for the process, since the kernel's limit is.
static BUDGET: LazyLock<Budget> = LazyLock::new(|| {
    let max_map_count = fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(DEFAULT_MAX_MAP_COUNT);
    let total = guards_allowed(max_map_count, mappings().unwrap_or(max_map_count / 4));
    Budget { max_map_count, total, left: AtomicUsize::new(total) }
});

/// How many guards fit beside `mappings` that exist and a sixteenth (at least 1024) kept for what the program maps
/// later: its heap, threads, libraries and files.
fn guards_allowed(max_map_count: usize, mappings: usize) -> usize {
    let kept = (max_map_count / 16).max(1024);
    max_map_count.saturating_sub(mappings).saturating_sub(kept) / 2
}

/// The mappings of this process.
fn mappings() -> Option<usize> {
    let mut file = fs::File::open("/proc/self/maps").ok()?;
    let mut buffer = [0; 4096];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(lines),
            n => lines += buffer[..n].iter().filter(|&&byte| byte == b'\n').count(),
        }
    }
}

/// Whether `guards` more would fit now. Lets a large request fail before it has used up what others could have had.
pub(super) fn check(guards: usize) -> Result<(), StackError> {
    // Relaxed, here and below: the count guards no data.
    if guards > BUDGET.left.load(Relaxed) {
        return Err(exhausted());
    }
    Ok(())
}

/// Pays for one guard.
pub(super) fn charge() -> Result<(), StackError> {
    BUDGET.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).map(drop).map_err(|_| exhausted())
}

/// Gives back what `guards` cost, once they are unmapped.
pub(super) fn refund(guards: usize) {
    if guards > 0 {
        BUDGET.left.fetch_add(guards, Relaxed);
    }
}

/// The error for no more mappings, also when the kernel found so before the count did.
pub(super) fn exhausted() -> StackError {
    StackError::MapLimit {
        stacks: BUDGET.total.saturating_sub(BUDGET.left.load(Relaxed)),
        max_map_count: BUDGET.max_map_count,
    }
}

#[cfg(test)]
mod tests {
    use super::{guards_allowed, mappings};

    #[test]
    fn the_program_keeps_a_share() {
        assert_eq!(guards_allowed(65_530, 35), (65_530 - 35 - 4095) / 2);
        assert_eq!(guards_allowed(4096, 96), (4000 - 1024) / 2);
        assert_eq!(guards_allowed(1000, 10), 0);
    }

    #[test]
    fn mappings_are_counted() {
        assert!(mappings().is_some_and(|n| n > 5));
    }
}
