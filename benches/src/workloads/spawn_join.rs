//! What a task costs from spawn to join.
//!
//! A task spawns another, joins it, adds up its result and spawns the next. Everything happens inside the runtime; no
//! foreign thread takes part. tokio awaits its `JoinHandle`, may joins the handle of `go!`,
//! Go waits for a `WaitGroup`, Erlang for the message of the process.

use std::time::{Duration, Instant};

use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "spawn-join",
    about: "one task spawns and joins others, one after another",
    quantities: &[Quantity { name: "ns a spawn and join", decimals: 1, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("spawn-join", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("spawn-join", scale) },
    ],
};

/// Tasks a round.
fn tasks(scale: Scale) -> u64 {
    scale.pick(500_000, 50_000)
}

/// The figures of a round whose tasks returned their numbers, 0 to `tasks`, and `sum` in all.
fn figures(tasks: u64, sum: u64, took: Duration) -> Result<Vec<f64>, Failure> {
    check("the sum", sum, tasks * (tasks - 1) / 2)?;
    Ok(vec![took.as_nanos() as f64 / tasks as f64])
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let mut sum = 0;
            for number in 0..tasks {
                sum += R::join(R::spawn(move || number))?;
            }
            figures(tasks, sum, begun.elapsed())
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    let runtime = runtimes::tokio(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        runtimes::run_on_tokio(&runtime, async move {
            let begun = Instant::now();
            let mut sum = 0;
            for number in 0..tasks {
                sum += tokio::spawn(async move { number }).await?;
            }
            figures(tasks, sum, begun.elapsed())
        })
    }))
}
