//! How soon a woken task runs when the workers compute.
//!
//! Two tasks for each worker compute for 50 us and yield, again and again. A thread outside sends a message to one more
//! task every 300 us or so, which notes how long it was on the way. A runtime that puts the woken behind everything
//! that is ready lets it wait for two computations; one that runs it next, for what is left of one. OS threads are
//! interrupted, so their figures are the system's. Go has no thread outside its runtime that could send, so it is not
//! here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::percentiles;
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::Failure;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "hogs",
    about: "a message from outside to a task, while two tasks for each worker compute 50 us at a time",
    quantities: &[
        Quantity { name: "us to run, median", decimals: 1, better: Better::Less },
        Quantity { name: "us to run, 99 percent", decimals: 1, better: Better::Less },
        Quantity { name: "us to run, 99.9 percent", decimals: 1, better: Better::Less },
    ],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
    ],
};

/// How long a hog computes before it yields.
const COMPUTING: Duration = Duration::from_micros(50);

/// Messages of one round.
fn messages(scale: Scale) -> u64 {
    scale.pick(3_000, 300)
}

/// Computes for a while.
fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < COMPUTING {
        std::hint::spin_loop();
    }
}

/// Sends the time now and again, from a thread that sleeps in between for a time without a pattern.
fn send_from_outside(
    messages: u64,
    send: impl Fn(Instant) -> Result<(), Failure> + Send + 'static,
) -> JoinHandle<Result<(), Failure>> {
    std::thread::spawn(move || {
        for number in 0..messages {
            std::thread::sleep(Duration::from_micros(250 + number * 7919 % 101));
            send(Instant::now())?;
        }
        Ok(())
    })
}

/// The figures of a round with these times, in nanoseconds.
fn figures(times: Vec<u64>) -> Result<Vec<f64>, Failure> {
    Ok(percentiles::of(times, &[0.5, 0.99, 0.999])?.iter().map(|time| time / 1e3).collect())
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || {
        let (address, mut mailbox) = R::mailbox::<Instant>();
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..2 * scale.workers)
            .map(|_| {
                let stop = Arc::clone(&stop);
                runtime.spawn_from_outside(move || {
                    while !stop.load(Ordering::Relaxed) {
                        compute();
                        R::yield_now();
                    }
                })
            })
            .collect();
        let woken = runtime.spawn_from_outside(move || {
            let mut times = Vec::with_capacity(messages as usize);
            while let Ok(sent) = R::receive(&mut mailbox) {
                times.push(sent.elapsed().as_nanos() as u64);
            }
            times
        });
        let sender = send_from_outside(messages, move |now| R::send(&address, now));
        sender.join().map_err(|payload| Failure::of_panic(&*payload))??;
        let times = R::join(woken)?;
        stop.store(true, Ordering::Relaxed);
        for hog in hogs {
            R::join(hog)?;
        }
        figures(times)
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || {
        let (address, mut mailbox) = R::mailbox::<Instant>();
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..2 * scale.workers)
            .map(|_| {
                let stop = Arc::clone(&stop);
                runtime.spawn_from_outside(async move {
                    while !stop.load(Ordering::Relaxed) {
                        compute();
                        R::yield_now().await;
                    }
                })
            })
            .collect();
        let woken = runtime.spawn_from_outside(async move {
            let mut times = Vec::with_capacity(messages as usize);
            while let Ok(sent) = R::receive(&mut mailbox).await {
                times.push(sent.elapsed().as_nanos() as u64);
            }
            times
        });
        let sender = send_from_outside(messages, move |now| R::send(&address, now));
        sender.join().map_err(|payload| Failure::of_panic(&*payload))??;
        let times = runtime.join_from_outside(woken)?;
        stop.store(true, Ordering::Relaxed);
        for hog in hogs {
            runtime.join_from_outside(hog)?;
        }
        figures(times)
    }))
}
