//! What a million waiting tasks keep resident, and how long they take to get there.
//!
//! A task spawns a million others (50,000 when quick). Each says that it has arrived and waits until all
//! are let go; the round ends when every one of them has left again, so that none can have been dropped on the way.
//! The bytes are the growth of `VmRSS` and of the page tables, `VmPTE`, over the number of tasks, when all have
//! arrived; so each round needs a fresh process.
//!
//! Ours and may park, and each leaves its handle in a slot, by which it is unparked; the slots are touched beforehand
//! and do not count. tokio's tasks wait on one `Notify`, whose waiters live in the tasks. No side keeps its
//! join handles.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::failure::{Failure, check};
use crate::foreign;
use crate::resident::resident;
use crate::runtimes;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "parked",
    about: "a million tasks wait at once (50,000 with --quick)",
    quantities: &[
        Quantity { name: "resident bytes a task", decimals: 0, better: Better::Less },
        Quantity { name: "ms until all wait", decimals: 0, better: Better::Less },
    ],
    needs: &[],
    fresh_process: true,
    sides: &[
        Side { name: OURS, start: tasklets },
        Side { name: "tasklets-futures", start: tasklets_futures },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: may },
        Side { name: "go", start: |scale| foreign::go("parked", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("parked", scale) },
    ],
};

/// Tasks a round.
fn tasks(scale: Scale) -> u64 {
    scale.pick(1_000_000, 50_000)
}

/// Who is there. Counters are relaxed: nothing is read on the strength of them.
#[derive(Default)]
struct Attendance {
    arrived: AtomicU64,
    left: AtomicU64,
}

/// A crowd of tasks that are unparked one by one.
struct Crowd<Handle> {
    attendance: Attendance,
    /// Release pairs with the acquire in [`Crowd::stay`], as for any flag behind a park.
    released: AtomicBool,
    handles: Box<[OnceLock<Handle>]>,
}

impl<Handle> Crowd<Handle> {
    fn new(tasks: u64) -> Arc<Self> {
        let handles = (0..tasks).map(|_| OnceLock::new()).collect();
        Arc::new(Self { attendance: Attendance::default(), released: AtomicBool::new(false), handles })
    }

    /// The life of one of its tasks.
    fn stay(&self, number: u64, own: Handle, park: fn()) {
        let _ = self.handles[number as usize].set(own);
        self.attendance.arrived.fetch_add(1, Ordering::Relaxed);
        while !self.released.load(Ordering::Acquire) {
            park();
        }
        self.attendance.left.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets everybody go. All must have arrived.
    fn release(&self, unpark: fn(&Handle)) {
        self.released.store(true, Ordering::Release);
        self.handles.iter().filter_map(OnceLock::get).for_each(unpark);
    }
}

/// The figures of a round of which all tasks have left.
fn figures(tasks: u64, left: u64, grown: u64, took: Duration) -> Result<Vec<f64>, Failure> {
    check("the number of tasks that woke", left, tasks)?;
    Ok(vec![grown as f64 / tasks as f64, took.as_secs_f64() * 1e3])
}

fn tasklets(scale: Scale) -> Started {
    let runtime = runtimes::tasklets(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        let crowd = Crowd::new(tasks);
        runtime.run(move || {
            let (before, begun) = (resident()?, Instant::now());
            for number in 0..tasks {
                let crowd = Arc::clone(&crowd);
                drop(tasklets::spawn(move || crowd.stay(number, tasklets::current(), tasklets::park)));
            }
            while crowd.attendance.arrived.load(Ordering::Relaxed) < tasks {
                tasklets::yield_now();
            }
            let (took, grown) = (begun.elapsed(), resident()?.saturating_sub(before));
            crowd.release(tasklets::Tasklet::unpark);
            while crowd.attendance.left.load(Ordering::Relaxed) < tasks {
                tasklets::yield_now();
            }
            figures(tasks, crowd.attendance.left.load(Ordering::Relaxed), grown, took)
        })
    }))
}

/// A crowd of futures.
#[derive(Default)]
struct Notified {
    attendance: Attendance,
    released: tokio::sync::Notify,
}

impl Notified {
    /// The life of one of its tasks.
    async fn stay(self: Arc<Self>) {
        // Made before the arrival, so that `notify_waiters` cannot miss it.
        let released = self.released.notified();
        self.attendance.arrived.fetch_add(1, Ordering::Relaxed);
        released.await;
        self.attendance.left.fetch_add(1, Ordering::Relaxed);
    }
}

fn tasklets_futures(scale: Scale) -> Started {
    let runtime = runtimes::tasklets(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        let crowd = Arc::new(Notified::default());
        runtime.run(move || {
            let (before, begun) = (resident()?, Instant::now());
            for _ in 0..tasks {
                drop(tasklets::spawn_future(Arc::clone(&crowd).stay()));
            }
            while crowd.attendance.arrived.load(Ordering::Relaxed) < tasks {
                tasklets::yield_now();
            }
            let (took, grown) = (begun.elapsed(), resident()?.saturating_sub(before));
            crowd.released.notify_waiters();
            while crowd.attendance.left.load(Ordering::Relaxed) < tasks {
                tasklets::yield_now();
            }
            figures(tasks, crowd.attendance.left.load(Ordering::Relaxed), grown, took)
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    let runtime = runtimes::tokio(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        let crowd = Arc::new(Notified::default());
        runtimes::run_on_tokio(&runtime, async move {
            let (before, begun) = (resident()?, Instant::now());
            for _ in 0..tasks {
                tokio::spawn(Arc::clone(&crowd).stay());
            }
            while crowd.attendance.arrived.load(Ordering::Relaxed) < tasks {
                tokio::task::yield_now().await;
            }
            let (took, grown) = (begun.elapsed(), resident()?.saturating_sub(before));
            crowd.released.notify_waiters();
            while crowd.attendance.left.load(Ordering::Relaxed) < tasks {
                tokio::task::yield_now().await;
            }
            figures(tasks, crowd.attendance.left.load(Ordering::Relaxed), grown, took)
        })
    }))
}

fn may(scale: Scale) -> Started {
    runtimes::may(scale.workers);
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        let crowd = Crowd::new(tasks);
        runtimes::run_on_may(move || {
            let (before, begun) = (resident()?, Instant::now());
            for number in 0..tasks {
                let crowd = Arc::clone(&crowd);
                drop(may::go!(move || crowd.stay(number, may::coroutine::current(), may::coroutine::park)));
            }
            while crowd.attendance.arrived.load(Ordering::Relaxed) < tasks {
                may::coroutine::yield_now();
            }
            let (took, grown) = (begun.elapsed(), resident()?.saturating_sub(before));
            crowd.release(may::coroutine::Coroutine::unpark);
            while crowd.attendance.left.load(Ordering::Relaxed) < tasks {
                may::coroutine::yield_now();
            }
            figures(tasks, crowd.attendance.left.load(Ordering::Relaxed), grown, took)
        })
    }))
}
