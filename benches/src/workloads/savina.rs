//! The classic actor benchmarks of the Savina suite, with its messages and its counts (scaled down where a round would
//! take many seconds; each file says how).
//!
//! An actor is a task with an unbounded mailbox. Ours is `tasklets::channel`, OS threads use crossbeam's, may its own `mpsc`,
//! tokio `mpsc::unbounded_channel`, smol async-channel; the Go side a buffered channel that is large enough.

pub(super) mod big;
pub(super) mod bounded_buffer;
pub(super) mod chameneos;
pub(super) mod counting;
pub(super) mod fork_join;
pub(super) mod philosophers;
pub(super) mod ping_pong;
pub(super) mod thread_ring;

use std::time::Duration;

use crate::workload::{Better, Quantity};

/// Nanoseconds for each of so many things.
fn nanoseconds_each(took: Duration, things: u64) -> Vec<f64> {
    vec![took.as_nanos() as f64 / things as f64]
}

/// A quantity of the suite: all are costs of one thing.
const fn cost(name: &'static str) -> Quantity {
    Quantity { name, decimals: 0, better: Better::Less }
}
