//! Savina's Bounded Buffer: 40 producers and 40 consumers share a buffer of 50 places.
//!
//! The suite builds the buffer from an actor that manages it; runtimes with channels have it ready: a bounded channel
//! with many receivers. tokio has none, so its users take async-channel, as smol's do. may has none either: a semaphore
//! counts the free places before its unbounded `mpmc`. Making and using an item costs 25 steps of arithmetic.

use std::sync::Arc;
use std::time::Instant;

use may::sync::{Semphore, mpmc};

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, Flavour, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-bounded-buffer",
    about: "40 producers, 40 consumers and a buffer of 50 places",
    quantities: &[cost("ns an item")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-bounded-buffer", scale) },
    ],
};

/// Producers, and as many consumers.
const PRODUCERS: u64 = 40;
/// Places of the buffer.
const PLACES: usize = 50;

/// Items of each producer.
fn items(scale: Scale) -> u64 {
    scale.pick(1_000, 50)
}

/// What an item costs both who makes and who uses it.
fn work(item: u64) -> u64 {
    (0..25).fold(item, |state: u64, _| (state ^ (state >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// A runtime of blocking tasks whose users have such a buffer.
trait Buffered: Blocking {
    type Buffer: Clone + Send + 'static;
    fn buffer() -> Self::Buffer;
    fn put(buffer: &Self::Buffer, item: u64) -> Result<(), Failure>;
    fn get(buffer: &Self::Buffer) -> Result<u64, Failure>;
}

impl<F: Flavour> Buffered for Tasklets<F> {
    type Buffer = (tasklets::channel::Sender<u64>, tasklets::channel::Receiver<u64>);

    fn buffer() -> Self::Buffer {
        tasklets::channel::bounded(PLACES)
    }

    #[inline(always)]
    fn put(buffer: &Self::Buffer, item: u64) -> Result<(), Failure> {
        Ok(buffer.0.send(item)?)
    }

    #[inline(always)]
    fn get(buffer: &Self::Buffer) -> Result<u64, Failure> {
        Ok(buffer.1.recv()?)
    }
}

impl Buffered for Threads {
    type Buffer = (crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>);

    fn buffer() -> Self::Buffer {
        crossbeam_channel::bounded(PLACES)
    }

    #[inline(always)]
    fn put(buffer: &Self::Buffer, item: u64) -> Result<(), Failure> {
        Ok(buffer.0.send(item)?)
    }

    #[inline(always)]
    fn get(buffer: &Self::Buffer) -> Result<u64, Failure> {
        Ok(buffer.1.recv()?)
    }
}

impl Buffered for May {
    type Buffer = (mpmc::Sender<u64>, mpmc::Receiver<u64>, Arc<Semphore>);

    fn buffer() -> Self::Buffer {
        let (sender, receiver) = mpmc::channel();
        (sender, receiver, Arc::new(Semphore::new(PLACES)))
    }

    #[inline(always)]
    fn put(buffer: &Self::Buffer, item: u64) -> Result<(), Failure> {
        buffer.2.wait();
        Ok(buffer.0.send(item)?)
    }

    #[inline(always)]
    fn get(buffer: &Self::Buffer) -> Result<u64, Failure> {
        let item = buffer.1.recv()?;
        buffer.2.post();
        Ok(item)
    }
}

/// The figures of a round whose consumers added up to `sum`.
fn figures(begun: Instant, items: u64, sum: u64) -> Result<Vec<f64>, Failure> {
    let took = begun.elapsed();
    let expected = (0..items).map(|item| work(work(item))).fold(0, u64::wrapping_add);
    check("the sum", sum, expected.wrapping_mul(PRODUCERS))?;
    Ok(nanoseconds_each(took, items * PRODUCERS))
}

fn blocking<R: Buffered>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let items = items(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let buffer = R::buffer();
            let producer = |_| {
                let buffer = buffer.clone();
                R::spawn(move || (0..items).try_for_each(|item| R::put(&buffer, work(item))))
            };
            let producers: Vec<_> = (0..PRODUCERS).map(producer).collect();
            let consumer = |_| {
                let buffer = buffer.clone();
                R::spawn(move || {
                    let mut sum = 0_u64;
                    for _ in 0..items {
                        sum = sum.wrapping_add(work(R::get(&buffer)?));
                    }
                    Ok::<u64, Failure>(sum)
                })
            };
            let consumers: Vec<_> = (0..PRODUCERS).map(consumer).collect();
            for producer in producers {
                R::join(producer)??;
            }
            let mut sum = 0_u64;
            for consumer in consumers {
                sum = sum.wrapping_add(R::join(consumer)??);
            }
            figures(begun, items, sum)
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let items = items(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (putting, getting) = async_channel::bounded(PLACES);
            let producer = |_| {
                let buffer = putting.clone();
                R::spawn(async move {
                    for item in 0..items {
                        buffer.send(work(item)).await?;
                    }
                    Ok::<(), Failure>(())
                })
            };
            let producers: Vec<_> = (0..PRODUCERS).map(producer).collect();
            let consumer = |_| {
                let buffer = getting.clone();
                R::spawn(async move {
                    let mut sum = 0_u64;
                    for _ in 0..items {
                        sum = sum.wrapping_add(work(buffer.recv().await?));
                    }
                    Ok::<u64, Failure>(sum)
                })
            };
            let consumers: Vec<_> = (0..PRODUCERS).map(consumer).collect();
            for producer in producers {
                R::join(producer).await??;
            }
            let mut sum = 0_u64;
            for consumer in consumers {
                sum = sum.wrapping_add(R::join(consumer).await??);
            }
            figures(begun, items, sum)
        })
    }))
}
