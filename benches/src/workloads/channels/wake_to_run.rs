//! How long a parked receiver takes from the send that wakes it until it runs.
//!
//! The main task sleeps for a millisecond, so that the receiver is parked and idle workers are asleep, and then sends the time over a
//! channel of capacity 1; the receiver subtracts it from the time when it has the message. The sender goes to sleep again right after the
//! send. Both looks at the clock are in the figures.
//!
//! With 1 worker the receiver can only run when the sender sleeps. With 2 the runtime places them as it does for anybody. Ours are
//! tasklets; crossbeam-channel's, kanal's and flume's threads; tokio's and async-channel's tasks of tokio's runtime; Go's
//! goroutines.

use std::time::{Duration, Instant};

use super::async_library::{AsyncChannel, AsyncLibrary, TokioMpsc};
use super::library::{Crossbeam, Flume, Kanal, Library, Ours};
use super::{ASYNC_CHANNEL, CROSSBEAM, FLUME, GO, KANAL, TOKIO};
use crate::asynchronous::{Asynchronous, Tokio};
use crate::blocking::{Blocking, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};
use crate::workloads::percentiles;

pub(in super::super) const WORKLOAD: Workload = Workload {
    name: "wake-to-run",
    about: "from a send to a parked receiver until that runs",
    quantities: &[
        Quantity { name: "ns, p50", decimals: 0, better: Better::Less },
        Quantity { name: "ns, p99", decimals: 0, better: Better::Less },
        Quantity { name: "ns, p99.9", decimals: 0, better: Better::Less },
    ],
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
        Side { name: GO, start: |scale| foreign::go("wake-to-run", scale) },
    ],
};

/// How long the sender sleeps between two messages.
const PAUSE: Duration = Duration::from_millis(1);

/// Messages a round.
fn messages(scale: Scale) -> u64 {
    scale.pick(1000, 50)
}

/// The figures of a round.
fn figures(messages: u64, latencies: Vec<u64>) -> Result<Vec<f64>, Failure> {
    check("the number of messages", latencies.len() as u64, messages)?;
    percentiles::of(latencies, &[0.5, 0.99, 0.999])
}

/// The time as a message.
fn now(begun: Instant) -> u64 {
    begun.elapsed().as_nanos() as u64
}

/// A side that blocks.
fn start<L: Library, P: Blocking>(scale: Scale) -> Started {
    let runtime = P::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || figures(messages, runtime.run(move || wake::<L, P>(messages))?)))
}

/// The latencies of so many messages.
fn wake<L: Library, P: Blocking>(messages: u64) -> Result<Vec<u64>, Failure> {
    let begun = Instant::now();
    let (sender, receiver) = L::channel(Some(1));
    let latencies = P::spawn(move || {
        let mut latencies = Vec::with_capacity(messages as usize);
        while let Some(sent) = L::recv(&receiver) {
            latencies.push(now(begun) - sent);
        }
        latencies
    });
    for _ in 0..messages {
        P::sleep(PAUSE);
        L::send(&sender, now(begun));
    }
    drop(sender);
    P::join(latencies)
}

/// A side that is `async`.
fn start_async<L: AsyncLibrary>(scale: Scale) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || figures(messages, runtime.run(wake_async::<L>(messages))?)))
}

/// The latencies of so many messages.
async fn wake_async<L: AsyncLibrary>(messages: u64) -> Result<Vec<u64>, Failure> {
    let begun = Instant::now();
    let (sender, mut receiver) = L::channel(1);
    let latencies = tokio::spawn(async move {
        let mut latencies = Vec::with_capacity(messages as usize);
        while let Some(sent) = L::recv(&mut receiver).await {
            latencies.push(now(begun) - sent);
        }
        latencies
    });
    for _ in 0..messages {
        tokio::time::sleep(PAUSE).await;
        L::send(&sender, now(begun)).await;
    }
    drop(sender);
    Ok(latencies.await?)
}
