//! `spawn_many_local`: a task spawns 10,000 others, the last of which to run tells it so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{MICROSECONDS, microseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "spawn-many-local",
    about: "a task spawns 10,000 others and waits for the last",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("spawn-many-local", scale) },
    ],
};

/// Tasks of one run.
const TASKS: u64 = 10_000;

/// Runs in a round.
fn runs(scale: Scale) -> u64 {
    scale.pick(20, 1)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox();
            let left = Arc::new(AtomicU64::new(0));
            for _ in 0..runs {
                left.store(TASKS, Ordering::Relaxed);
                for _ in 0..TASKS {
                    let (left, done) = (Arc::clone(&left), done.clone());
                    drop(R::spawn(move || {
                        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                            // The receiver is gone only if the round failed already.
                            let _ = R::send(&done, ());
                        }
                    }));
                }
                R::receive(&mut last)?;
            }
            Ok(microseconds_each(begun.elapsed(), runs))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox();
            let left = Arc::new(AtomicU64::new(0));
            for _ in 0..runs {
                left.store(TASKS, Ordering::Relaxed);
                for _ in 0..TASKS {
                    let (left, done) = (Arc::clone(&left), done.clone());
                    R::detach(R::spawn(async move {
                        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                            // The receiver is gone only if the round failed already.
                            let _ = R::send(&done, ());
                        }
                    }));
                }
                R::receive(&mut last).await?;
            }
            Ok(microseconds_each(begun.elapsed(), runs))
        })
    }))
}
