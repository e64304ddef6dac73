//! A tree of a million leaves.
//!
//! The known skynet benchmark: each inner task spawns ten others and adds up what they return, down to a million
//! leaves that return their own number (a hundred thousand when quick). All sides spawn and join; tokio has to box
//! its recursive future. The leaves are tasks as well: 1,111,111 in all. A child's panic goes on up the tree and becomes the side's failure.

use std::array::from_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "skynet",
    about: "a ten-ary tree of tasks with a million leaves (a hundred thousand with --quick)",
    quantities: &[Quantity { name: "ms", decimals: 0, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("skynet", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("skynet", scale) },
    ],
};

/// Children of an inner task.
const CHILDREN: u64 = 10;

/// Leaves of the tree: a power of [`CHILDREN`].
fn leaves(scale: Scale) -> u64 {
    scale.pick(1_000_000, 100_000)
}

/// The figures of a round whose leaves add up to `sum`.
fn figures(leaves: u64, sum: u64, took: Duration) -> Result<Vec<f64>, Failure> {
    check("the sum of the leaves", sum, leaves * (leaves - 1) / 2)?;
    Ok(vec![took.as_secs_f64() * 1e3])
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    fn sum<R: Blocking>(first: u64, leaves: u64) -> u64 {
        if leaves == 1 {
            return first;
        }
        let part = leaves / CHILDREN;
        let children: [_; CHILDREN as usize] =
            from_fn(|index| R::spawn(move || sum::<R>(first + index as u64 * part, part)));
        children.into_iter().map(|child| R::join(child).unwrap_or_else(|why| panic!("{why}"))).sum()
    }
    let runtime = R::start(scale.workers)?;
    let leaves = leaves(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let sum = sum::<R>(0, leaves);
            figures(leaves, sum, begun.elapsed())
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    fn sum(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if leaves == 1 {
                return first;
            }
            let part = leaves / CHILDREN;
            let children: [_; CHILDREN as usize] =
                from_fn(|index| tokio::spawn(sum(first + index as u64 * part, part)));
            let mut total = 0;
            for child in children {
                total += child.await.unwrap_or_else(|why| panic!("{why}"));
            }
            total
        })
    }
    let runtime = runtimes::tokio(scale.workers)?;
    let leaves = leaves(scale);
    Ok(Box::new(move || {
        runtimes::run_on_tokio(&runtime, async move {
            let begun = Instant::now();
            let sum = sum(0, leaves).await;
            figures(leaves, sum, begun.elapsed())
        })
    }))
}
