//! How well work that one task hands out is spread over the workers.
//!
//! A task spawns a thousand others, each of which computes for about 20 us, and joins them. The figure is the time this
//! took over the ideal: the time of the same computations in a row on one thread, measured in the same task before every
//! fan-out (the best of a round counts), divided by the workers (by the cores, if those are fewer). 1 is perfect.

use std::time::{Duration, Instant};

use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "fan-out",
    about: "one task spawns and joins a thousand that compute for 20 us each",
    quantities: &[Quantity { name: "time over ideal", decimals: 3, better: Better::OverIdeal }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("fan-out", scale) },
    ],
};

/// Tasks of one fan-out.
const TASKS: u64 = 1000;

/// Steps of one computation: about 20 us on current machines. Its exact length does not matter.
const STEPS: u32 = 12_000;

/// A chain of dependent operations that no compiler shortens.
pub(super) fn compute(seed: u64, steps: u32) -> u64 {
    let mut state = seed + 1;
    for _ in 0..steps {
        state = (state ^ (state >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    state
}

/// The same work on one thread: its result, and how long it took.
fn serial() -> (u64, Duration) {
    let begun = Instant::now();
    let sum = (0..TASKS).map(|seed| compute(seed, STEPS)).fold(0, u64::wrapping_add);
    (sum, begun.elapsed())
}

/// Several fan-outs in a row, since one is over in some 10 ms.
#[derive(Clone, Copy)]
struct FanOuts {
    repetitions: u32,
    workers: usize,
    /// The fastest serial run.
    serial: Duration,
    /// All fan-outs together.
    spread: Duration,
}

impl FanOuts {
    /// Called on the main thread: may ties each of its workers to a core, and they see only that one.
    fn of(scale: Scale) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = scale.workers.min(cores);
        Self { repetitions: scale.pick(10, 1), workers, serial: Duration::MAX, spread: Duration::ZERO }
    }

    /// Adds one fan-out, which gave `sum` and took `spread`, to the serial run before it.
    fn add(&mut self, serial: (u64, Duration), sum: u64, spread: Duration) -> Result<(), Failure> {
        check("the sum", sum, serial.0)?;
        self.serial = self.serial.min(serial.1);
        self.spread += spread;
        Ok(())
    }

    fn figures(&self) -> Vec<f64> {
        let ideal = self.serial.as_secs_f64() / self.workers as f64;
        vec![self.spread.as_secs_f64() / f64::from(self.repetitions) / ideal]
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let none_yet = FanOuts::of(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let mut all = none_yet;
            for _ in 0..all.repetitions {
                let serial = serial();
                let begun = Instant::now();
                let tasks: Vec<_> = (0..TASKS).map(|seed| R::spawn(move || compute(seed, STEPS))).collect();
                let mut sum = 0_u64;
                for task in tasks {
                    sum = sum.wrapping_add(R::join(task)?);
                }
                all.add(serial, sum, begun.elapsed())?;
            }
            Ok(all.figures())
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    let runtime = runtimes::tokio(scale.workers)?;
    let none_yet = FanOuts::of(scale);
    Ok(Box::new(move || {
        runtimes::run_on_tokio(&runtime, async move {
            let mut all = none_yet;
            for _ in 0..all.repetitions {
                let serial = serial();
                let begun = Instant::now();
                let tasks: Vec<_> = (0..TASKS).map(|seed| tokio::spawn(async move { compute(seed, STEPS) })).collect();
                let mut sum = 0_u64;
                for task in tasks {
                    sum = sum.wrapping_add(task.await?);
                }
                all.add(serial, sum, begun.elapsed())?;
            }
            Ok(all.figures())
        })
    }))
}
