//! What a receiver that waits keeps resident.
//!
//! Many tasks (a million; fifty thousand when quick) receive from one channel on which nothing comes. The figure is the growth of
//! `VmRSS` and of the page tables, `VmPTE`, over their number, when all of them wait; so each round needs a fresh process. Then the
//! channel is disconnected, and the round ends when every one of them has left.
//!
//! `parked-receivers` is blocking code: ours are tasklets, Go's goroutines; crossbeam-channel's are threads, of which there are only two
//! thousand, and what the kernel keeps for each does not count. `parked-receivers-async` is futures: ours are tasks without a stack
//! that await `recv_async`, async-channel's tasks of tokio's runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::async_library::{AsyncChannel, AsyncLibrary, capacity};
use super::library::{Crossbeam, Library, Ours};
use super::{ASYNC_CHANNEL, CROSSBEAM, GO};
use crate::asynchronous::{Asynchronous, Tokio};
use crate::blocking::{Blocking, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::resident::resident;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

/// What each round yields.
const QUANTITIES: &[Quantity] =
    &[Quantity { name: "resident bytes a waiting receiver", decimals: 0, better: Better::Less }];

/// Receivers with stacks.
pub(in super::super) const BLOCKING: Workload = Workload {
    name: "parked-receivers",
    about: "a million tasks wait for a message on one channel (50,000 with --quick)",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: true,
    sides: &[
        Side { name: OURS, start: |scale| start::<Ours, Tasklets>(scale, tasks(scale)) },
        Side { name: CROSSBEAM, start: |scale| start::<Crossbeam, Threads>(scale, 2000) },
        Side { name: GO, start: |scale| foreign::go("parked-receivers", scale) },
    ],
};

/// Receivers that are futures.
pub(in super::super) const ASYNC: Workload = Workload {
    name: "parked-receivers-async",
    about: "a million futures wait for a message on one channel (50,000 with --quick)",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: true,
    sides: &[Side { name: OURS, start: start_ours_async }, Side { name: ASYNC_CHANNEL, start: start_async_channel }],
};

/// Tasks a round.
fn tasks(scale: Scale) -> u64 {
    scale.pick(1_000_000, 50_000)
}

/// After the last task has arrived, for it to wait as well.
const SETTLE: Duration = Duration::from_millis(50);

/// Who is there. Counters are relaxed: nothing is read on the strength of them.
#[derive(Debug, Default)]
struct Attendance {
    arrived: AtomicU64,
    left: AtomicU64,
}

impl Attendance {
    fn arrive(&self) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
    }

    fn all_arrived(&self, tasks: u64) -> bool {
        self.arrived.load(Ordering::Relaxed) >= tasks
    }

    fn leave(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    fn all_left(&self, tasks: u64) -> bool {
        self.left.load(Ordering::Relaxed) >= tasks
    }

    /// The figures, once all have left.
    fn figures(&self, tasks: u64, grown: u64) -> Result<Vec<f64>, Failure> {
        check("the number of receivers that left", self.left.load(Ordering::Relaxed), tasks)?;
        Ok(vec![grown as f64 / tasks as f64])
    }
}

/// A side that blocks.
fn start<L: Library, P: Blocking>(scale: Scale, tasks: u64) -> Started {
    let runtime = P::start(scale.workers)?;
    Ok(Box::new(move || runtime.run(move || wait::<L, P>(tasks))))
}

/// So many tasks that wait.
fn wait<L: Library, P: Blocking>(tasks: u64) -> Result<Vec<f64>, Failure> {
    let attendance = Arc::new(Attendance::default());
    let (sender, receiver) = L::channel(Some(1));
    let before = resident()?;
    for _ in 0..tasks {
        let (attendance, receiver) = (Arc::clone(&attendance), receiver.clone());
        drop(P::spawn(move || {
            attendance.arrive();
            if L::recv(&receiver).is_none() {
                attendance.leave();
            }
        }));
    }
    while !attendance.all_arrived(tasks) {
        P::sleep(Duration::from_millis(1));
    }
    P::sleep(SETTLE);
    let grown = resident()?.saturating_sub(before);
    drop(sender);
    while !attendance.all_left(tasks) {
        P::sleep(Duration::from_millis(1));
    }
    attendance.figures(tasks, grown)
}

/// Our futures.
fn start_ours_async(scale: Scale) -> Started {
    let runtime: Tasklets = Tasklets::start(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        let attendance = Arc::new(Attendance::default());
        let (sender, receiver) = Ours::channel(Some(1));
        runtime.run(move || {
            let before = resident()?;
            for _ in 0..tasks {
                let (attendance, receiver) = (Arc::clone(&attendance), receiver.clone());
                drop(tasklets::spawn_future(async move {
                    attendance.arrive();
                    if receiver.recv_async().await.is_err() {
                        attendance.leave();
                    }
                }));
            }
            while !attendance.all_arrived(tasks) {
                tasklets::sleep(Duration::from_millis(1));
            }
            tasklets::sleep(SETTLE);
            let grown = resident()?.saturating_sub(before);
            drop(sender);
            while !attendance.all_left(tasks) {
                tasklets::sleep(Duration::from_millis(1));
            }
            attendance.figures(tasks, grown)
        })
    }))
}

/// async-channel's futures.
fn start_async_channel(scale: Scale) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let tasks = tasks(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let attendance = Arc::new(Attendance::default());
            let (sender, receiver) = AsyncChannel::channel(capacity(Some(1)));
            let before = resident()?;
            for _ in 0..tasks {
                let (attendance, mut receiver) = (Arc::clone(&attendance), receiver.clone());
                tokio::spawn(async move {
                    attendance.arrive();
                    if AsyncChannel::recv(&mut receiver).await.is_none() {
                        attendance.leave();
                    }
                });
            }
            while !attendance.all_arrived(tasks) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(SETTLE).await;
            let grown = resident()?.saturating_sub(before);
            drop(sender);
            while !attendance.all_left(tasks) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            attendance.figures(tasks, grown)
        })
    }))
}
