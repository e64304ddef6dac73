//! What it costs two tasks to wake each other in turn.
//!
//! A task spawns two others, which wait for each other a number of times. Ours and may park and unpark, with
//! a shared counter that says whose turn it is, since a park may return early; tokio has a `Notify` each way, which
//! keeps a wake that comes before the wait; Go has a channel without a buffer each way, Erlang messages. With two workers this shows placement: a pair that ends up on two
//! workers pays for a sleep and a wake of a thread in each direction.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::blocking::{Blocking, Flavour, May, MigratingTasklets, Tasklets};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::runtimes;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "ping-pong",
    about: "two tasks spawned by a third wake each other in turn",
    quantities: &[Quantity { name: "ns a round trip", decimals: 0, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: tokio },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("ping-pong", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("ping-pong", scale) },
    ],
};

/// Round trips a round.
fn trips(scale: Scale) -> u64 {
    scale.pick(200_000, 20_000)
}

/// The figures of a round in which the two tasks together made `hits`.
fn figures(trips: u64, hits: u64, took: Duration) -> Result<Vec<f64>, Failure> {
    check("the number of hits", hits, 2 * trips)?;
    Ok(vec![took.as_nanos() as f64 / trips as f64])
}

/// What the two players of a parking side share.
struct Court<Handle> {
    players: [OnceLock<Handle>; 2],
    /// Hits so far; whose turn it is by its parity. Release and acquire, as for any flag behind a park.
    hits: AtomicU64,
}

impl<Handle> Court<Handle> {
    fn new() -> Arc<Self> {
        Arc::new(Self { players: [OnceLock::new(), OnceLock::new()], hits: AtomicU64::new(0) })
    }

    /// Makes this player known and waits for the other.
    fn enter(&self, player: usize, own: Handle, yield_now: fn()) -> &Handle {
        let _ = self.players[player].set(own);
        loop {
            if let Some(other) = self.players[1 - player].get() {
                return other;
            }
            yield_now();
        }
    }

    /// Makes `trips` hits, each when it is this player's turn.
    fn play(&self, player: usize, trips: u64, park: fn(), wake_other: impl Fn()) {
        for trip in 0..trips {
            let hits = 2 * trip + player as u64;
            while self.hits.load(Ordering::Acquire) != hits {
                park();
            }
            self.hits.store(hits + 1, Ordering::Release);
            wake_other();
        }
    }
}

/// A runtime whose tasks park, and unpark each other.
trait Parking: Blocking {
    type Handle: Send + Sync + 'static;
    fn current() -> Self::Handle;
    fn park();
    fn unpark(other: &Self::Handle);
}

impl<F: Flavour> Parking for Tasklets<F> {
    type Handle = tasklets::Tasklet;

    #[inline(always)]
    fn current() -> Self::Handle {
        tasklets::current()
    }

    #[inline(always)]
    fn park() {
        tasklets::park();
    }

    #[inline(always)]
    fn unpark(other: &Self::Handle) {
        other.unpark();
    }
}

impl Parking for May {
    type Handle = may::coroutine::Coroutine;

    #[inline(always)]
    fn current() -> Self::Handle {
        may::coroutine::current()
    }

    #[inline(always)]
    fn park() {
        may::coroutine::park();
    }

    #[inline(always)]
    fn unpark(other: &Self::Handle) {
        other.unpark();
    }
}

fn blocking<R: Parking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let trips = trips(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let court = Court::<R::Handle>::new();
            let begun = Instant::now();
            let players = [0, 1].map(|player| {
                let court = Arc::clone(&court);
                R::spawn(move || {
                    let other = court.enter(player, R::current(), R::yield_now);
                    court.play(player, trips, R::park, || R::unpark(other));
                })
            });
            for player in players {
                R::join(player)?;
            }
            figures(trips, court.hits.load(Ordering::Relaxed), begun.elapsed())
        })
    }))
}

fn tokio(scale: Scale) -> Started {
    let runtime = runtimes::tokio(scale.workers)?;
    let trips = trips(scale);
    Ok(Box::new(move || {
        runtimes::run_on_tokio(&runtime, async move {
            let turns = Arc::new([Notify::new(), Notify::new()]);
            let begun = Instant::now();
            let players = [0, 1].map(|player| {
                let turns = Arc::clone(&turns);
                tokio::spawn(async move {
                    let mut hits = 0;
                    while hits < trips {
                        turns[player].notified().await;
                        hits += 1;
                        turns[1 - player].notify_one();
                    }
                    hits
                })
            });
            turns[0].notify_one();
            let mut hits = 0;
            for player in players {
                hits += player.await?;
            }
            figures(trips, hits, begun.elapsed())
        })
    }))
}
