//! `chained_spawn`: a task spawns the next and ends, 1,000 times; the last says so.

use std::time::Instant;

use super::{MICROSECONDS, microseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "chained-spawn",
    about: "a chain of 1,000 tasks, each spawned by the one before",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("chained-spawn", scale) },
    ],
};

/// Links of one chain.
const LINKS: u64 = 1_000;

/// Chains in a round.
fn chains(scale: Scale) -> u64 {
    scale.pick(200, 10)
}

/// One link of blocking tasks, and those after it.
fn link<R: Blocking>(left: u64, done: R::Address<()>) {
    if left == 0 {
        // The receiver is gone only if the round failed already.
        let _ = R::send(&done, ());
    } else {
        drop(R::spawn(move || link::<R>(left - 1, done)));
    }
}

/// One link of futures, and those after it.
fn link_async<R: Asynchronous>(left: u64, done: R::Address<()>) {
    if left == 0 {
        // The receiver is gone only if the round failed already.
        let _ = R::send(&done, ());
    } else {
        R::detach(R::spawn(async move { link_async::<R>(left - 1, done) }));
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let chains = chains(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox::<()>();
            for _ in 0..chains {
                let done = done.clone();
                drop(R::spawn(move || link::<R>(LINKS, done)));
                R::receive(&mut last)?;
            }
            Ok(microseconds_each(begun.elapsed(), chains))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let chains = chains(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox::<()>();
            for _ in 0..chains {
                let done = done.clone();
                R::detach(R::spawn(async move { link_async::<R>(LINKS, done) }));
                R::receive(&mut last).await?;
            }
            Ok(microseconds_each(begun.elapsed(), chains))
        })
    }))
}
