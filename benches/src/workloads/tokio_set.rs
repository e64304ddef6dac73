//! The set by which tokio's authors judge their multi-threaded scheduler (`rt_multi_threaded`), with its counts.
//!
//! tokio runs it on 4 workers; here the worker count is the pass's, as everywhere.

pub(super) mod chained_spawn;
pub(super) mod ping_pong;
pub(super) mod spawn_many_local;
pub(super) mod spawn_many_remote;
pub(super) mod yield_many;

use std::time::Duration;

use crate::workload::{Better, Quantity};

/// The quantity of the whole set: one run of the workload, as tokio prints it.
const MICROSECONDS: &[Quantity] = &[Quantity { name: "us a run", decimals: 1, better: Better::Less }];

/// Microseconds of one of so many runs.
fn microseconds_each(took: Duration, runs: u64) -> Vec<f64> {
    vec![took.as_nanos() as f64 / 1e3 / runs as f64]
}
