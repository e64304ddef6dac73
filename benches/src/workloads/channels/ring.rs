//! What it costs to hand a token on, round a ring of 503 tasks (a size that the benchmarks game made customary).
//!
//! Each task waits for the token on its own rendezvous channel, takes one off it and sends it to the next; whoever gets zero reports the
//! end. Starting the tasks and ending them does not count.
//!
//! Ours are tasklets, crossbeam-channel's, kanal's and flume's threads, Go's goroutines; tokio's and async-channel's tasks of tokio's
//! runtime have channels of capacity 1, and may's coroutines its unbounded channels, for want of a rendezvous.

use std::time::{Duration, Instant};

use super::async_library::{AsyncChannel, AsyncLibrary, TokioMpsc};
use super::library::{Crossbeam, Flume, Kanal, Library, Ours};
use super::pace::Pace;
use super::{ASYNC_CHANNEL, CROSSBEAM, FLUME, GO, KANAL, TOKIO};
use crate::asynchronous::{Asynchronous, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(in super::super) const WORKLOAD: Workload = Workload {
    name: "ring",
    about: "a token goes round 503 tasks over rendezvous channels",
    quantities: &[Quantity { name: "ns a hop", decimals: 0, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: start::<Ours, Tasklets> },
        Side { name: MIGRATING, start: start::<Ours, MigratingTasklets> },
        Side { name: CROSSBEAM, start: start::<Crossbeam, Threads> },
        Side { name: KANAL, start: start::<Kanal, Threads> },
        Side { name: FLUME, start: start::<Flume, Threads> },
        Side { name: TOKIO, start: start_async::<TokioMpsc> },
        Side { name: ASYNC_CHANNEL, start: start_async::<AsyncChannel> },
        Side { name: "may", start: start_may },
        Side { name: GO, start: |scale| foreign::go("ring", scale) },
    ],
};

/// Tasks in the ring.
const TASKS: usize = 503;

/// The figures of a round.
fn figures((hops, took): (u64, Duration)) -> Vec<f64> {
    vec![took.as_nanos() as f64 / hops as f64]
}

/// A side that blocks.
fn start<L: Library, P: Blocking>(scale: Scale) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || Ok(figures(pace.round(|hops| runtime.run(move || turn::<L, P>(hops)))?))))
}

/// The token makes so many hops.
fn turn<L: Library, P: Blocking>(hops: u64) -> Result<Duration, Failure> {
    let (ended, end) = L::channel(Some(1));
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| L::channel(Some(0))).unzip();
    let tasks: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(number, receiver)| {
            let (next, ended) = (senders[(number + 1) % TASKS].clone(), ended.clone());
            P::spawn(move || {
                let mut seen = 0;
                while let Some(token) = L::recv(&receiver) {
                    match token {
                        STOP => break,
                        0 => L::send(&ended, 0),
                        _ => {
                            seen += 1;
                            L::send(&next, token - 1);
                        }
                    }
                }
                seen
            })
        })
        .collect();
    let begun = Instant::now();
    L::send(&senders[0], hops);
    check("the last token", L::recv(&end), Some(0))?;
    let took = begun.elapsed();
    senders.iter().for_each(|sender| L::send(sender, STOP));
    let mut seen = 0;
    for task in tasks {
        seen += P::join(task)?;
    }
    check("the number of hops", seen, hops)?;
    Ok(took)
}

/// A token that ends its task: a ring cannot end by disconnecting, since each task keeps the next one's channel open.
const STOP: u64 = u64::MAX;

/// A side that is `async`, with channels of capacity 1.
fn start_async<L: AsyncLibrary>(scale: Scale) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let run = |hops| runtime.run(turn_async::<L>(hops));
        Ok(figures(pace.round(run)?))
    }))
}

/// The token makes so many hops.
async fn turn_async<L: AsyncLibrary>(hops: u64) -> Result<Duration, Failure> {
    let (ended, mut end) = L::channel(1);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| L::channel(1)).unzip();
    let tasks: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(number, mut receiver)| {
            let (next, ended) = (senders[(number + 1) % TASKS].clone(), ended.clone());
            tokio::spawn(async move {
                let mut seen = 0;
                while let Some(token) = L::recv(&mut receiver).await {
                    match token {
                        STOP => break,
                        0 => L::send(&ended, 0).await,
                        _ => {
                            seen += 1;
                            L::send(&next, token - 1).await;
                        }
                    }
                }
                seen
            })
        })
        .collect();
    let begun = Instant::now();
    L::send(&senders[0], hops).await;
    check("the last token", L::recv(&mut end).await, Some(0))?;
    let took = begun.elapsed();
    for sender in &senders {
        L::send(sender, STOP).await;
    }
    let mut seen = 0;
    for task in tasks {
        seen += task.await?;
    }
    check("the number of hops", seen, hops)?;
    Ok(took)
}

/// may, whose channels are not of a [`Library`]: their receivers cannot be cloned.
fn start_may(scale: Scale) -> Started {
    let runtime = May::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || Ok(figures(pace.round(|hops| runtime.run(move || turn_may(hops)))?))))
}

/// The token makes so many hops.
fn turn_may(hops: u64) -> Result<Duration, Failure> {
    let (ended, end) = may::sync::mpsc::channel();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| may::sync::mpsc::channel::<u64>()).unzip();
    let tasks: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(number, receiver)| {
            let (next, ended) = (senders[(number + 1) % TASKS].clone(), ended.clone());
            may::go!(move || -> Result<u64, Failure> {
                let mut seen = 0;
                loop {
                    match receiver.recv()? {
                        STOP => return Ok(seen),
                        0 => ended.send(())?,
                        token => {
                            seen += 1;
                            next.send(token - 1)?;
                        }
                    }
                }
            })
        })
        .collect();
    let begun = Instant::now();
    senders[0].send(hops)?;
    end.recv()?;
    let took = begun.elapsed();
    for sender in &senders {
        sender.send(STOP)?;
    }
    let mut seen = 0;
    for task in tasks {
        seen += May::join(task)??;
    }
    check("the number of hops", seen, hops)?;
    Ok(took)
}
