//! What it takes to have a runtime at all.
//!
//! Starts a runtime, has one empty task done by it, and ends it, in a row. may and smol have one runtime for the whole
//! process and no way to end it, so they are not here; for them see `hello`.

use std::time::Instant;

use crate::failure::{Failure, check};
use crate::runtimes;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "start-stop",
    about: "a runtime is started, does one empty task, and is ended",
    quantities: &[Quantity { name: "us a runtime", decimals: 1, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| repeated(scale, tasklets) },
        Side { name: "tokio", start: |scale| repeated(scale, tokio) },
        Side { name: "rayon", start: |scale| repeated(scale, rayon) },
        Side { name: "threads", start: |scale| repeated(scale, threads) },
    ],
};

/// Has the life of a runtime repeated in each round.
fn repeated(scale: Scale, life: fn(usize) -> Result<u64, Failure>) -> Started {
    let lives: u64 = scale.pick(200, 10);
    Ok(Box::new(move || {
        let begun = Instant::now();
        let mut sum = 0;
        for _ in 0..lives {
            sum += life(scale.workers)?;
        }
        let took = begun.elapsed();
        check("the number of tasks", sum, lives)?;
        Ok(vec![took.as_nanos() as f64 / 1e3 / lives as f64])
    }))
}

fn tasklets(workers: usize) -> Result<u64, Failure> {
    Ok(runtimes::tasklets(workers)?.run(|| tasklets::spawn(|| 1).join())?)
}

fn tokio(workers: usize) -> Result<u64, Failure> {
    let runtime = runtimes::tokio(workers)?;
    Ok(runtime.block_on(runtime.spawn(async { 1 }))?)
}

fn rayon(workers: usize) -> Result<u64, Failure> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(workers).build()?.install(|| 1))
}

/// As many threads as the others have workers, each started and joined.
fn threads(workers: usize) -> Result<u64, Failure> {
    let threads: Vec<_> = (0..workers).map(|number| std::thread::spawn(move || u64::from(number == 0))).collect();
    let mut sum = 0;
    for thread in threads {
        sum += thread.join().map_err(|payload| Failure::of_panic(&*payload))?;
    }
    Ok(sum)
}
