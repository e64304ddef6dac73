//! `yield_many`: 200 tasks yield 1,000 times each.
//!
//! Unlike `yield`, there are many more tasks than workers, and each has a little state that leaves the cache.

use std::time::Instant;

use super::{MICROSECONDS, microseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::check;
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "yield-many",
    about: "200 tasks yield 1,000 times each",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("yield-many", scale) },
    ],
};

/// Tasks of one run.
const TASKS: u64 = 200;

/// Yields of each task.
fn yields(scale: Scale) -> u64 {
    scale.pick(1_000, 100)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let yields = yields(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (done, mut ended) = R::mailbox::<u64>();
            for _ in 0..TASKS {
                let done = done.clone();
                drop(R::spawn(move || {
                    for _ in 0..yields {
                        R::yield_now();
                    }
                    R::send(&done, yields)
                }));
            }
            let mut all = 0;
            for _ in 0..TASKS {
                all += R::receive(&mut ended)?;
            }
            check("the number of yields", all, TASKS * yields)?;
            Ok(microseconds_each(begun.elapsed(), 1))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let yields = yields(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (done, mut ended) = R::mailbox::<u64>();
            for _ in 0..TASKS {
                let done = done.clone();
                R::detach(R::spawn(async move {
                    for _ in 0..yields {
                        R::yield_now().await;
                    }
                    R::send(&done, yields)
                }));
            }
            let mut all = 0;
            for _ in 0..TASKS {
                all += R::receive(&mut ended).await?;
            }
            check("the number of yields", all, TASKS * yields)?;
            Ok(microseconds_each(begun.elapsed(), 1))
        })
    }))
}
