//! What a fork costs when there is nothing else to do.
//!
//! `fib(25)` by `join` at every node, without a cutoff: 242,785 calls of a few instructions. rayon does the same by
//! `rayon::join` in a pool of as many threads, chili by `Scope::join`; Go has no such call and starts a goroutine for
//! one half of every fork.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "fork-join",
    about: "fib(25) by `join` at every node",
    quantities: &[Quantity { name: "ms", decimals: 3, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: tasklets },
        Side { name: "rayon", start: rayon },
        Side { name: "chili", start: chili },
        Side { name: "go", start: |scale| foreign::go("fork-join", scale) },
    ],
};

/// Which Fibonacci number, and what it is.
const FIB: (u32, u64) = (25, 75_025);

/// One takes about a millisecond, so a round does several.
fn repetitions(scale: Scale) -> u32 {
    scale.pick(100, 10)
}

/// The figures of a round whose results add up to `sum`.
fn figures(repetitions: u32, sum: u64, took: Duration) -> Result<Vec<f64>, Failure> {
    check("the sum of all results", sum, FIB.1 * u64::from(repetitions))?;
    Ok(vec![took.as_secs_f64() * 1e3 / f64::from(repetitions)])
}

fn tasklets(scale: Scale) -> Started {
    fn fib(n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (a, b) = tasklets::join(|| fib(n - 1), || fib(n - 2));
        a + b
    }
    let runtime = runtimes::tasklets(scale.workers)?;
    let repetitions = repetitions(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let sum = (0..repetitions).map(|_| fib(black_box(FIB.0))).sum();
            figures(repetitions, sum, begun.elapsed())
        })
    }))
}

fn rayon(scale: Scale) -> Started {
    fn fib(n: u32) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (a, b) = rayon::join(|| fib(n - 1), || fib(n - 2));
        a + b
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(scale.workers).build()?;
    let repetitions = repetitions(scale);
    Ok(Box::new(move || {
        pool.install(|| {
            let begun = Instant::now();
            let sum = (0..repetitions).map(|_| fib(black_box(FIB.0))).sum();
            figures(repetitions, sum, begun.elapsed())
        })
    }))
}

fn chili(scale: Scale) -> Started {
    fn fib(n: u32, scope: &mut chili::Scope<'_>) -> u64 {
        if n < 2 {
            return u64::from(n);
        }
        let (a, b) = scope.join(|scope| fib(n - 1, scope), |scope| fib(n - 2, scope));
        a + b
    }
    let pool = runtimes::chili(scale.workers);
    let repetitions = repetitions(scale);
    Ok(Box::new(move || {
        let mut scope = pool.scope();
        let begun = Instant::now();
        let sum = (0..repetitions).map(|_| fib(black_box(FIB.0), &mut scope)).sum();
        figures(repetitions, sum, begun.elapsed())
    }))
}
