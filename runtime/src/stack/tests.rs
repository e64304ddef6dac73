//! Tests of stacks. What needs a process to itself (it dies, or measures the process) runs in a child.

mod child;
mod faults;
mod guards;
mod limits;
mod memory;
mod on_stack;
mod sharing;

use std::sync::Arc;

use super::{GuardKind, LiveLimit, Stack, StackPool, TRIM_TURNS};

const DEFAULT: usize = 256 << 10;

fn pool(size: usize, guards: GuardKind) -> StackPool {
    StackPool::new(size, guards, Arc::new(LiveLimit::new(None))).expect("a size that fits")
}

/// Reserves and takes `n` stacks.
fn stacks(pool: &StackPool, n: usize) -> Vec<Stack> {
    pool.reserve(n).expect("stacks");
    let mut out = Vec::new();
    pool.take(&mut out, n);
    assert_eq!(out.len(), n);
    out
}

/// Undoes [`stacks`].
fn give_up(pool: &StackPool, stacks: Vec<Stack>) {
    let n = stacks.len();
    pool.give(stacks);
    pool.unreserve(n);
}

/// All turns of a trim.
fn trim(pool: &StackPool) -> bool {
    (0..TRIM_TURNS).fold(false, |more, turn| pool.trim(turn) | more)
}

/// Trims until nothing is left to trim, of a pool that nobody else uses.
fn trim_all(pool: &StackPool) {
    // The first call sees what was used before it, the second finds it idle.
    for _ in 0..3 {
        if !trim(pool) {
            return;
        }
    }
    panic!("three trims did not do");
}
