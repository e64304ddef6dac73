//! What a round trip costs between two tasks that each wait for the other's message.
//!
//! The main task sends a number over one channel and receives it back over another, many times. The mean is the time of all of them
//! over their number; then they are done again with a look at the clock after each, which adds the some 20 to 40 ns it takes, for
//! the percentiles. With capacity 0 (rendezvous) and with capacity 1.
//!
//! With 1 worker both tasks share it. With 2 the runtime places them as it does for anybody. Ours are tasklets, crossbeam-channel's,
//! kanal's and flume's threads, tokio's and async-channel's tasks of tokio's runtime (which have no rendezvous), Go's
//! goroutines.

use std::time::{Duration, Instant};

use super::async_library::{AsyncChannel, AsyncLibrary, TokioMpsc};
use super::library::{Crossbeam, Flume, Kanal, Library, Ours};
use super::pace::Pace;
use super::{ASYNC_CHANNEL, CROSSBEAM, FLUME, GO, KANAL, TOKIO};
use crate::asynchronous::{Asynchronous, Tokio};
use crate::blocking::{Blocking, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};
use crate::workloads::percentiles;

/// What each round yields.
const QUANTITIES: &[Quantity] = &[
    Quantity { name: "ns a round trip, mean", decimals: 0, better: Better::Less },
    Quantity { name: "ns a round trip, p50 with the clock", decimals: 0, better: Better::Less },
    Quantity { name: "ns a round trip, p99.9 with the clock", decimals: 0, better: Better::Less },
];

/// Over rendezvous channels.
pub(in super::super) const RENDEZVOUS: Workload = Workload {
    name: "channel-latency-0",
    about: "a message there and back over rendezvous channels",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| start::<Ours, Tasklets>(scale, 0) },
        Side { name: MIGRATING, start: |scale| start::<Ours, MigratingTasklets>(scale, 0) },
        Side { name: CROSSBEAM, start: |scale| start::<Crossbeam, Threads>(scale, 0) },
        Side { name: KANAL, start: |scale| start::<Kanal, Threads>(scale, 0) },
        Side { name: FLUME, start: |scale| start::<Flume, Threads>(scale, 0) },
        Side { name: GO, start: |scale| foreign::go("channel-latency-0", scale) },
    ],
};

/// Over channels with room for one message.
pub(in super::super) const BUFFERED: Workload = Workload {
    name: "channel-latency-1",
    about: "a message there and back over channels of capacity 1",
    quantities: QUANTITIES,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| start::<Ours, Tasklets>(scale, 1) },
        Side { name: MIGRATING, start: |scale| start::<Ours, MigratingTasklets>(scale, 1) },
        Side { name: CROSSBEAM, start: |scale| start::<Crossbeam, Threads>(scale, 1) },
        Side { name: KANAL, start: |scale| start::<Kanal, Threads>(scale, 1) },
        Side { name: FLUME, start: |scale| start::<Flume, Threads>(scale, 1) },
        Side { name: TOKIO, start: start_async::<TokioMpsc> },
        Side { name: ASYNC_CHANNEL, start: start_async::<AsyncChannel> },
        Side { name: GO, start: |scale| foreign::go("channel-latency-1", scale) },
    ],
};

/// The clock is asked after at most so many round trips.
const MOST_SAMPLES: u64 = 200_000;

/// The figures of a round.
fn figures((trips, took): (u64, Duration), samples: Vec<u64>) -> Result<Vec<f64>, Failure> {
    check("the number of samples", samples.len() as u64, trips.min(MOST_SAMPLES))?;
    let mean = took.as_nanos() as f64 / trips as f64;
    Ok(std::iter::once(mean).chain(percentiles::of(samples, &[0.5, 0.999])?).collect())
}

/// Whether the clock is asked after each round trip.
#[derive(Debug, Clone, Copy)]
enum Clock {
    AtTheEnd,
    Always,
}

/// Where a player notes its times.
struct Times {
    begun: Instant,
    last: Instant,
    samples: Option<Vec<u64>>,
}

impl Times {
    fn begin(clock: Clock, trips: u64) -> Self {
        let samples = matches!(clock, Clock::Always).then(|| Vec::with_capacity(trips as usize));
        let begun = Instant::now();
        Self { begun, last: begun, samples }
    }

    /// After a round trip.
    #[inline]
    fn note(&mut self) {
        if let Some(samples) = &mut self.samples {
            let now = Instant::now();
            samples.push((now - self.last).as_nanos() as u64);
            self.last = now;
        }
    }

    /// The time of all, and of each.
    fn end(self) -> (Duration, Vec<u64>) {
        (self.begun.elapsed(), self.samples.unwrap_or_default())
    }
}

/// A side that blocks.
fn start<L: Library, P: Blocking>(scale: Scale, capacity: usize) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    let play = move |trips, clock| runtime.run(move || play::<L, P>(capacity, trips, clock));
    Ok(Box::new(move || {
        let mean = pace.round(|trips| Ok(play(trips, Clock::AtTheEnd)?.0))?;
        figures(mean, play(mean.0.min(MOST_SAMPLES), Clock::Always)?.1)
    }))
}

/// So many round trips.
fn play<L: Library, P: Blocking>(capacity: usize, trips: u64, clock: Clock) -> Result<(Duration, Vec<u64>), Failure> {
    let (there, arrivals) = L::channel(Some(capacity));
    let (back, returns) = L::channel(Some(capacity));
    let partner = P::spawn(move || {
        while let Some(message) = L::recv(&arrivals) {
            L::send(&back, message);
        }
    });
    let mut times = Times::begin(clock, trips);
    for trip in 0..trips {
        L::send(&there, trip);
        check("what came back", L::recv(&returns), Some(trip))?;
        times.note();
    }
    let times = times.end();
    drop(there);
    P::join(partner)?;
    Ok(times)
}

/// A side that is `async`, with channels of capacity 1.
fn start_async<L: AsyncLibrary>(scale: Scale) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    let play = move |trips, clock| runtime.run(play_async::<L>(trips, clock));
    Ok(Box::new(move || {
        let mean = pace.round(|trips| Ok(play(trips, Clock::AtTheEnd)?.0))?;
        figures(mean, play(mean.0.min(MOST_SAMPLES), Clock::Always)?.1)
    }))
}

/// So many round trips.
async fn play_async<L: AsyncLibrary>(trips: u64, clock: Clock) -> Result<(Duration, Vec<u64>), Failure> {
    let (there, mut arrivals) = L::channel(1);
    let (back, mut returns) = L::channel(1);
    let partner = tokio::spawn(async move {
        while let Some(message) = L::recv(&mut arrivals).await {
            L::send(&back, message).await;
        }
    });
    let mut times = Times::begin(clock, trips);
    for trip in 0..trips {
        L::send(&there, trip).await;
        check("what came back", L::recv(&mut returns).await, Some(trip))?;
        times.note();
    }
    let times = times.end();
    drop(there);
    partner.await?;
    Ok(times)
}
