//! What receives with a timeout cost: such as never fire, and such as always do.
//!
//! *Never*: two tasks send each other a number over channels of capacity 1, and every receive has a timeout of 30 s. The figure is the
//! time of a round trip, so the difference to `channel-latency-1` is what two timeouts cost that were set in vain.
//!
//! *Always*: a hundred tasks each receive again and again, with a timeout of 1 ms, from one channel on which nothing comes. The figures
//! are the CPU time of the process for each timeout, and how much later than 1 ms it came on average.
//!
//! Ours are tasklets, crossbeam-channel's, kanal's and flume's threads. tokio's and async-channel's tasks wrap the receive in
//! `tokio::time::timeout`, whose clock has milliseconds; these each have an idle channel of their own, since tokio allows one
//! receiver. Go's goroutines select from the channel and a timer that each keeps for this.

use std::time::{Duration, Instant};

use super::async_library::{AsyncChannel, AsyncLibrary, TokioMpsc};
use super::library::{Crossbeam, Flume, Kanal, Library, Ours};
use super::pace::Pace;
use super::{ASYNC_CHANNEL, CROSSBEAM, FLUME, GO, KANAL, TOKIO};
use crate::asynchronous::{Asynchronous, Tokio};
use crate::blocking::{Blocking, Tasklets, Threads};
use crate::cpu;
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(in super::super) const WORKLOAD: Workload = Workload {
    name: "timeout-churn",
    about: "receives whose timeout never fires, and receives whose timeout always does",
    quantities: &[
        Quantity { name: "ns a round trip with two timeouts that never fire", decimals: 0, better: Better::Less },
        Quantity { name: "CPU ns for a timeout that fires", decimals: 0, better: Better::Less },
        Quantity { name: "us that it is late, on average", decimals: 0, better: Better::Less },
    ],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: start::<Ours, Tasklets> },
        Side { name: CROSSBEAM, start: start::<Crossbeam, Threads> },
        Side { name: KANAL, start: start::<Kanal, Threads> },
        Side { name: FLUME, start: start::<Flume, Threads> },
        Side { name: TOKIO, start: start_async::<TokioMpsc> },
        Side { name: ASYNC_CHANNEL, start: start_async::<AsyncChannel> },
        Side { name: GO, start: |scale| foreign::go("timeout-churn", scale) },
    ],
};

/// A timeout that never fires.
const NEVER: Duration = Duration::from_secs(30);

/// A timeout that always fires.
const ALWAYS: Duration = Duration::from_millis(1);

/// Tasks whose timeouts fire.
const WAITERS: u32 = 100;

/// Timeouts of each of them in a round.
fn repetitions(scale: Scale) -> u32 {
    scale.pick(200, 10)
}

/// What the timeouts that fire took, all together.
#[derive(Debug)]
struct Fired {
    wall: Duration,
    cpu: Duration,
}

impl Fired {
    /// Of what began then and ends now.
    fn since(begun: Instant, cpu: Duration) -> Self {
        Self { wall: begun.elapsed(), cpu: cpu::spent().saturating_sub(cpu) }
    }
}

/// The figures of a round.
fn figures(scale: Scale, (trips, took): (u64, Duration), fired: &Fired) -> Vec<f64> {
    let repetitions = repetitions(scale);
    let timeouts = f64::from(WAITERS * repetitions);
    let late = fired.wall.as_secs_f64() / f64::from(repetitions) - ALWAYS.as_secs_f64();
    vec![took.as_nanos() as f64 / trips as f64, fired.cpu.as_nanos() as f64 / timeouts, late * 1e6]
}

/// A side that blocks.
fn start<L: Library, P: Blocking>(scale: Scale) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let never = pace.round(|trips| runtime.run(move || never::<L, P>(trips)))?;
        let always = runtime.run(move || always::<L, P>(repetitions(scale)))?;
        Ok(figures(scale, never, &always))
    }))
}

/// So many round trips.
fn never<L: Library, P: Blocking>(trips: u64) -> Result<Duration, Failure> {
    let (there, arrivals) = L::channel(Some(1));
    let (back, returns) = L::channel(Some(1));
    let partner = P::spawn(move || {
        while let Some(message) = L::recv_timeout(&arrivals, NEVER) {
            L::send(&back, message);
        }
    });
    let begun = Instant::now();
    for trip in 0..trips {
        L::send(&there, trip);
        check("what came back", L::recv_timeout(&returns, NEVER), Some(trip))?;
    }
    let took = begun.elapsed();
    drop(there);
    P::join(partner)?;
    Ok(took)
}

/// So many timeouts of each waiter.
fn always<L: Library, P: Blocking>(repetitions: u32) -> Result<Fired, Failure> {
    let (kept_open, idle) = L::channel(None);
    let (cpu, begun) = (cpu::spent(), Instant::now());
    let waiters: Vec<_> = (0..WAITERS)
        .map(|_| {
            let idle = idle.clone();
            P::spawn(move || (0..repetitions).filter_map(|_| L::recv_timeout(&idle, ALWAYS)).count())
        })
        .collect();
    for waiter in waiters {
        check("the number of messages out of nothing", P::join(waiter)?, 0)?;
    }
    let fired = Fired::since(begun, cpu);
    drop(kept_open);
    Ok(fired)
}

/// A side that is `async`.
fn start_async<L: AsyncLibrary>(scale: Scale) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let never = pace.round(|trips| runtime.run(never_async::<L>(trips)))?;
        let always = runtime.run(always_async::<L>(repetitions(scale)))?;
        Ok(figures(scale, never, &always))
    }))
}

/// So many round trips.
async fn never_async<L: AsyncLibrary>(trips: u64) -> Result<Duration, Failure> {
    let (there, mut arrivals) = L::channel(1);
    let (back, mut returns) = L::channel(1);
    let partner = tokio::spawn(async move {
        while let Ok(Some(message)) = tokio::time::timeout(NEVER, L::recv(&mut arrivals)).await {
            L::send(&back, message).await;
        }
    });
    let begun = Instant::now();
    for trip in 0..trips {
        L::send(&there, trip).await;
        let returned = tokio::time::timeout(NEVER, L::recv(&mut returns)).await?;
        check("what came back", returned, Some(trip))?;
    }
    let took = begun.elapsed();
    drop(there);
    partner.await?;
    Ok(took)
}

/// So many timeouts of each waiter.
async fn always_async<L: AsyncLibrary>(repetitions: u32) -> Result<Fired, Failure> {
    let (kept_open, idle): (Vec<_>, Vec<_>) = (0..WAITERS).map(|_| L::channel(1)).unzip();
    let (cpu, begun) = (cpu::spent(), Instant::now());
    let waiters: Vec<_> = idle
        .into_iter()
        .map(|mut idle| {
            tokio::spawn(async move {
                let mut messages = 0;
                for _ in 0..repetitions {
                    messages += usize::from(tokio::time::timeout(ALWAYS, L::recv(&mut idle)).await.is_ok());
                }
                messages
            })
        })
        .collect();
    for waiter in waiters {
        check("the number of messages out of nothing", waiter.await?, 0)?;
    }
    let fired = Fired::since(begun, cpu);
    drop(kept_open);
    Ok(fired)
}
