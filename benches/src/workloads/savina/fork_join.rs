//! Savina's ForkJoin in both its forms.
//!
//! *Create* makes 40,000 actors, sends each the one message it lives for, and waits for all. *Throughput* makes 60 and
//! sends each 10,000 messages (2,000 here), one to each in turn. What an actor does on a message is Savina's: it
//! multiplies a number by its own sine.

use std::hint::black_box;
use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const CREATE: Workload = Workload {
    name: "savina-fork-create",
    about: "40,000 actors that live for one message each",
    quantities: &[cost("ns an actor")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| blocking::<Tasklets>(scale, create(scale)) },
        Side { name: MIGRATING, start: |scale| blocking::<MigratingTasklets>(scale, create(scale)) },
        Side { name: "tokio", start: |scale| asynchronous::<Tokio>(scale, create(scale)) },
        Side { name: "smol", start: |scale| asynchronous::<Smol>(scale, create(scale)) },
        Side { name: "may", start: |scale| blocking::<May>(scale, create(scale)) },
        Side { name: "go", start: |scale| foreign::go("savina-fork-create", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("savina-fork-create", scale) },
    ],
};

pub(crate) const THROUGHPUT: Workload = Workload {
    name: "savina-fork-throughput",
    about: "60 actors and 2,000 messages to each, one to each in turn",
    quantities: &[cost("ns a message")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| blocking::<Tasklets>(scale, throughput(scale)) },
        Side { name: MIGRATING, start: |scale| blocking::<MigratingTasklets>(scale, throughput(scale)) },
        Side { name: "tokio", start: |scale| asynchronous::<Tokio>(scale, throughput(scale)) },
        Side { name: "smol", start: |scale| asynchronous::<Smol>(scale, throughput(scale)) },
        Side { name: "may", start: |scale| blocking::<May>(scale, throughput(scale)) },
        Side { name: "threads", start: |scale| blocking::<Threads>(scale, throughput(scale)) },
        Side { name: "go", start: |scale| foreign::go("savina-fork-throughput", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("savina-fork-throughput", scale) },
    ],
};

/// How many actors, and how many messages for each.
#[derive(Clone, Copy)]
struct Shape {
    actors: u64,
    messages_each: u64,
}

/// The shape of *create*.
fn create(scale: Scale) -> Shape {
    Shape { actors: scale.pick(40_000, 2_000), messages_each: 1 }
}

/// The shape of *throughput*.
fn throughput(scale: Scale) -> Shape {
    Shape { actors: 60, messages_each: scale.pick(2_000, 100) }
}

/// What a message costs its receiver.
fn work() {
    let theta: f64 = black_box(37.2);
    black_box(theta * theta.sin());
}

fn blocking<R: Blocking>(scale: Scale, shape: Shape) -> Started {
    let runtime = R::start(scale.workers)?;
    let Shape { actors, messages_each } = shape;
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let mut addresses = Vec::with_capacity(actors as usize);
            let mut tasks = Vec::with_capacity(actors as usize);
            for _ in 0..actors {
                let (address, mut mailbox) = R::mailbox::<()>();
                addresses.push(address);
                tasks.push(R::spawn(move || {
                    for _ in 0..messages_each {
                        R::receive(&mut mailbox)?;
                        work();
                    }
                    Ok::<u64, Failure>(messages_each)
                }));
            }
            for _ in 0..messages_each {
                for address in &addresses {
                    R::send(address, ())?;
                }
            }
            let mut received = 0;
            for task in tasks {
                received += R::join(task)??;
            }
            check("the number of messages", received, actors * messages_each)?;
            Ok(nanoseconds_each(begun.elapsed(), received))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale, shape: Shape) -> Started {
    let runtime = R::start(scale.workers)?;
    let Shape { actors, messages_each } = shape;
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let mut addresses = Vec::with_capacity(actors as usize);
            let mut tasks = Vec::with_capacity(actors as usize);
            for _ in 0..actors {
                let (address, mut mailbox) = R::mailbox::<()>();
                addresses.push(address);
                tasks.push(R::spawn(async move {
                    for _ in 0..messages_each {
                        R::receive(&mut mailbox).await?;
                        work();
                    }
                    Ok::<u64, Failure>(messages_each)
                }));
            }
            for _ in 0..messages_each {
                for address in &addresses {
                    R::send(address, ())?;
                }
            }
            let mut received = 0;
            for task in tasks {
                received += R::join(task).await??;
            }
            check("the number of messages", received, actors * messages_each)?;
            Ok(nanoseconds_each(begun.elapsed(), received))
        })
    }))
}
