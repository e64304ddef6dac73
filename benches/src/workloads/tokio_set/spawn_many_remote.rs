//! `spawn_many_remote_idle` and `spawn_many_remote_busy`: a thread outside the runtime spawns 10,000 empty tasks and
//! joins them in order; the workers have nothing else to do, or are each kept busy by a task that spawns itself
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{MICROSECONDS, microseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, Tasklets};
use crate::foreign;
use crate::workload::{OURS, Scale, Side, Started, Workload};

pub(crate) const IDLE: Workload = Workload {
    name: "spawn-many-remote-idle",
    about: "a thread outside spawns and joins 10,000 tasks",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| blocking::<Tasklets>(scale, false) },
        Side { name: "tokio", start: |scale| asynchronous::<Tokio>(scale, false) },
        Side { name: "smol", start: |scale| asynchronous::<Smol>(scale, false) },
        Side { name: "may", start: |scale| blocking::<May>(scale, false) },
        Side { name: "go", start: |scale| foreign::go("spawn-many-remote-idle", scale) },
    ],
};

pub(crate) const BUSY: Workload = Workload {
    name: "spawn-many-remote-busy",
    about: "a thread outside spawns and joins 10,000 tasks while tasks that spawn themselves again keep the workers busy",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| blocking::<Tasklets>(scale, true) },
        Side { name: "tokio", start: |scale| asynchronous::<Tokio>(scale, true) },
        Side { name: "smol", start: |scale| asynchronous::<Smol>(scale, true) },
        Side { name: "may", start: |scale| blocking::<May>(scale, true) },
    ],
};

/// Tasks of one run.
const TASKS: u64 = 10_000;

/// Runs in a round.
fn runs(scale: Scale) -> u64 {
    scale.pick(10, 1)
}

/// Spawns itself again until it is told to stop.
fn stay_busy<R: Blocking>(stop: Arc<AtomicBool>) {
    if !stop.load(Ordering::Relaxed) {
        drop(R::spawn(move || stay_busy::<R>(stop)));
    }
}

/// The same as a future.
fn stay_busy_async<R: Asynchronous>(stop: Arc<AtomicBool>) {
    if !stop.load(Ordering::Relaxed) {
        R::detach(R::spawn(async move { stay_busy_async::<R>(stop) }));
    }
}

fn blocking<R: Blocking>(scale: Scale, busy: bool) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        let stop = Arc::new(AtomicBool::new(!busy));
        for _ in 0..scale.workers {
            let stop = Arc::clone(&stop);
            drop(runtime.spawn_from_outside(move || stay_busy::<R>(stop)));
        }
        let begun = Instant::now();
        for _ in 0..runs {
            let tasks: Vec<_> = (0..TASKS).map(|_| runtime.spawn_from_outside(|| ())).collect();
            for task in tasks {
                R::join(task)?;
            }
        }
        let took = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        Ok(microseconds_each(took, runs))
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale, busy: bool) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        let stop = Arc::new(AtomicBool::new(!busy));
        for _ in 0..scale.workers {
            let stop = Arc::clone(&stop);
            R::detach(runtime.spawn_from_outside(async move { stay_busy_async::<R>(stop) }));
        }
        let begun = Instant::now();
        for _ in 0..runs {
            let tasks: Vec<_> = (0..TASKS).map(|_| runtime.spawn_from_outside(async {})).collect();
            for task in tasks {
                runtime.join_from_outside(task)?;
            }
        }
        let took = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        Ok(microseconds_each(took, runs))
    }))
}
