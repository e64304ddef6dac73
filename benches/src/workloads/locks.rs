//! What locks cost that are wanted by many.
//!
//! Sixteen tasks take a lock again and again. Every eighth time a task yields while it has it, so that others do come
//! and wait, also with one worker. `mutex`: each adds one. `rwlock`: one of ten adds one, nine read. `semaphore`:
//! there are four permits. Ours are of `tasklets::sync`, may's and tokio's their own, smol's those of async-lock; OS
//! threads have those of `std`, which has no semaphore.

mod asynchronous;
mod blocking;

use std::time::Instant;

use crate::asynchronous::{Smol, Tokio};
use crate::blocking::{May, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::workload::{Better, OURS, Quantity, Scale, Side, Workload};

/// What all three tell.
const QUANTITIES: &[Quantity] =
    &[Quantity { name: "ns a turn, all tasks together", decimals: 1, better: Better::Less }];

pub(crate) const MUTEX: Workload = Workload {
    name: "mutex",
    about: "16 tasks want a mutex",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::mutex::<Tasklets> },
        Side { name: "tokio", start: asynchronous::mutex::<Tokio> },
        Side { name: "smol", start: asynchronous::mutex::<Smol> },
        Side { name: "may", start: blocking::mutex::<May> },
        Side { name: "threads", start: blocking::mutex::<Threads> },
    ],
};

pub(crate) const RWLOCK: Workload = Workload {
    name: "rwlock",
    about: "16 tasks want a lock, nine times of ten to read",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::rwlock::<Tasklets> },
        Side { name: "tokio", start: asynchronous::rwlock::<Tokio> },
        Side { name: "smol", start: asynchronous::rwlock::<Smol> },
        Side { name: "may", start: blocking::rwlock::<May> },
        Side { name: "threads", start: blocking::rwlock::<Threads> },
    ],
};

pub(crate) const SEMAPHORE: Workload = Workload {
    name: "semaphore",
    about: "16 tasks want four permits",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::semaphore::<Tasklets> },
        Side { name: "tokio", start: asynchronous::semaphore::<Tokio> },
        Side { name: "smol", start: asynchronous::semaphore::<Smol> },
        Side { name: "may", start: blocking::semaphore::<May> },
    ],
};

/// Who wants it.
const TASKS: u64 = 16;
/// Permits of the semaphore.
const PERMITS: usize = 4;

/// How often each task has its turn.
fn turns(scale: Scale) -> u64 {
    scale.pick(20_000, 500)
}

/// Whether a task yields in this turn while it has the lock.
fn pauses(turn: u64) -> bool {
    turn.is_multiple_of(8)
}

/// Whether a task writes in this turn: one of ten.
fn writes(turn: u64) -> bool {
    turn % 10 == 3
}

/// The figures of a round in which `done` was counted.
fn figures(begun: Instant, turns: u64, done: u64, expected: u64) -> Result<Vec<f64>, Failure> {
    let took = begun.elapsed();
    check("the count under the lock", done, expected)?;
    Ok(vec![took.as_nanos() as f64 / (TASKS * turns) as f64])
}
