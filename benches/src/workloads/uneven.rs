//! How well tasks of very different lengths are spread over the workers.
//!
//! A task spawns 400 others, all at once, and joins them. Their computations take from 2 us to 500 us, most of them
//! little and a few much, in an order without a pattern; so an even split by number is far from an even split by time,
//! and workers have to steal to the very end. The figure is the time over the ideal: the time of the same computations
//! in a row on one thread, divided by the workers (by the cores, if those are fewer). 1 is perfect.

use std::time::{Duration, Instant};

use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "uneven",
    about: "one task spawns and joins 400 that compute for 2 to 500 us",
    quantities: &[Quantity { name: "time over ideal", decimals: 3, better: Better::OverIdeal }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "rayon", start: rayon },
        Side { name: "go", start: |scale| foreign::go("uneven", scale) },
    ],
};

/// Tasks of one fan-out.
const TASKS: u64 = 400;
/// Steps of the shortest computation, about 2 us on current machines.
const SHORTEST: u64 = 1_200;

/// The computation of one task: a chain of dependent operations that no compiler shortens.
fn compute(task: u64) -> u64 {
    (0..steps(task)).fold(task + 1, |state, _| (state ^ (state >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// How long a task is: a doubling for each zero bit that a scrambled number starts with, up to 8.
fn steps(task: u64) -> u64 {
    let scrambled = (task + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    SHORTEST << scrambled.leading_zeros().min(8)
}

/// Several fan-outs in a row, each beside a serial run.
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
        Self { repetitions: scale.pick(20, 2), workers, serial: Duration::MAX, spread: Duration::ZERO }
    }

    /// Does the work on this thread and returns its result.
    fn serial(&mut self) -> u64 {
        let begun = Instant::now();
        let sum = (0..TASKS).map(compute).fold(0, u64::wrapping_add);
        self.serial = self.serial.min(begun.elapsed());
        sum
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
                let expected = all.serial();
                let begun = Instant::now();
                let tasks: Vec<_> = (0..TASKS).map(|task| R::spawn(move || compute(task))).collect();
                let mut sum = 0_u64;
                for task in tasks {
                    sum = sum.wrapping_add(R::join(task)?);
                }
                all.spread += begun.elapsed();
                check("the sum", sum, expected)?;
            }
            Ok(all.figures())
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let none_yet = FanOuts::of(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let mut all = none_yet;
            for _ in 0..all.repetitions {
                let expected = all.serial();
                let begun = Instant::now();
                let tasks: Vec<_> = (0..TASKS).map(|task| R::spawn(async move { compute(task) })).collect();
                let mut sum = 0_u64;
                for task in tasks {
                    sum = sum.wrapping_add(R::join(task).await?);
                }
                all.spread += begun.elapsed();
                check("the sum", sum, expected)?;
            }
            Ok(all.figures())
        })
    }))
}

fn rayon(scale: Scale) -> Started {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(scale.workers).build()?;
    let none_yet = FanOuts::of(scale);
    Ok(Box::new(move || {
        pool.install(|| {
            let mut all = none_yet;
            for _ in 0..all.repetitions {
                let expected = all.serial();
                let begun = Instant::now();
                let mut results = vec![0; TASKS as usize];
                rayon::scope(|scope| {
                    for (task, result) in results.iter_mut().enumerate() {
                        scope.spawn(move |_| *result = compute(task as u64));
                    }
                });
                let sum = results.into_iter().fold(0, u64::wrapping_add);
                all.spread += begun.elapsed();
                check("the sum", sum, expected)?;
            }
            Ok::<_, Failure>(all.figures())
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_uneven() {
        let mut lengths: Vec<u64> = (0..TASKS).map(steps).collect();
        lengths.sort_unstable();
        assert_eq!(lengths[0], SHORTEST);
        let (half, all) = (&lengths[..lengths.len() / 2], &lengths);
        assert!(half.iter().sum::<u64>() * 4 < all.iter().sum::<u64>(), "{lengths:?}");
    }
}
