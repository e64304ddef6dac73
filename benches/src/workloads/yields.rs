//! What giving way costs.
//!
//! Two tasks for each worker do nothing but yield, so that each worker has somebody to give way to. The figure is the
//! wall time over the yields of all tasks together: with two busy workers it is half of what one yield takes.
//! All sides spawn the same tasks from a task and join them; tokio's yield is `task::yield_now`, may's is
//! `coroutine::yield_now`, Go's `runtime.Gosched`, Erlang's `erlang:yield`.

use std::time::{Duration, Instant};

use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "yield",
    about: "two tasks for each worker yield in turn",
    quantities: &[Quantity { name: "ns a yield, all workers together", decimals: 1, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("yield", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("yield", scale) },
    ],
};

/// How often the tasks yield.
#[derive(Clone, Copy)]
struct Yielding {
    tasks: u64,
    yields_each: u64,
}

impl Yielding {
    fn of(scale: Scale) -> Self {
        let tasks = 2 * scale.workers as u64;
        Self { tasks, yields_each: scale.pick(2_000_000, 200_000) / tasks }
    }

    fn figures(self, yields: u64, took: Duration) -> Result<Vec<f64>, Failure> {
        check("the number of yields", yields, self.tasks * self.yields_each)?;
        Ok(vec![took.as_nanos() as f64 / yields as f64])
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let yielding = Yielding::of(scale);
    let one = move || {
        let mut yields = 0;
        while yields < yielding.yields_each {
            R::yield_now();
            yields += 1;
        }
        yields
    };
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let tasks: Vec<_> = (0..yielding.tasks).map(|_| R::spawn(one)).collect();
            let mut yields = 0;
            for task in tasks {
                yields += R::join(task)?;
            }
            yielding.figures(yields, begun.elapsed())
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    let runtime = runtimes::tokio(scale.workers)?;
    let yielding = Yielding::of(scale);
    let one = move || async move {
        let mut yields = 0;
        while yields < yielding.yields_each {
            tokio::task::yield_now().await;
            yields += 1;
        }
        yields
    };
    Ok(Box::new(move || {
        runtimes::run_on_tokio(&runtime, async move {
            let begun = Instant::now();
            let tasks: Vec<_> = (0..yielding.tasks).map(|_| tokio::spawn(one())).collect();
            let mut yields = 0;
            for task in tasks {
                yields += task.await?;
            }
            yielding.figures(yields, begun.elapsed())
        })
    }))
}
