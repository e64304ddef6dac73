//! How late a million sleepers wake, and what they cost.
//!
//! A task spawns a million others (50,000 when quick). When all have come, each is given a moment of its own, spread
//! evenly over the next two seconds (100 ms), and sleeps up to it. Until all have come, those that are there sleep for a second
//! (200 ms) at a time. The figures are how late they woke, and the CPU time from when the moments were given until the last was
//! awake, over the number of sleepers. tokio's timers tick in milliseconds; nobody asks for less in this workload.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::percentiles;
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, Tasklets};
use crate::cpu;
use crate::failure::Failure;
use crate::foreign;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "sleepers",
    about: "a million tasks sleep, each until a moment of its own (50,000 with --quick)",
    quantities: &[
        Quantity { name: "us late, median", decimals: 0, better: Better::Less },
        Quantity { name: "us late, 99 percent", decimals: 0, better: Better::Less },
        Quantity { name: "CPU ns a sleeper", decimals: 0, better: Better::Less },
    ],
    needs: &[],
    fresh_process: true,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("sleepers", scale) },
    ],
};

/// All sleepers.
struct Dormitory {
    /// How long one sleeps that waits for the others to come.
    nap: Duration,
    /// What the moments are counted from.
    begun: Instant,
    /// When the first moment is, in nanoseconds since `begun`; 0 while not all have come. It is all that is read, so
    /// relaxed.
    first: AtomicU64,
    /// How far the moments are apart, in nanoseconds.
    apart: u64,
    arrived: AtomicU64,
    /// How late each woke, in nanoseconds plus one; 0 for those that sleep.
    late: Box<[AtomicU64]>,
    woken: AtomicU64,
}

impl Dormitory {
    fn of(scale: Scale) -> Arc<Self> {
        let sleepers: u64 = scale.pick(1_000_000, 50_000);
        let window: Duration = scale.pick(Duration::from_secs(2), Duration::from_millis(100));
        Arc::new(Self {
            nap: scale.pick(Duration::from_secs(1), Duration::from_millis(200)),
            begun: Instant::now(),
            first: AtomicU64::new(0),
            apart: window.as_nanos() as u64 / sleepers,
            arrived: AtomicU64::new(0),
            // Written once here, so that its memory is there when it is needed. A compiler that knew the value would ask for memory of
            // zeroes instead, and the first to wake would wait for pages.
            late: (0..sleepers).map(|_| AtomicU64::new(black_box(0))).collect(),
            woken: AtomicU64::new(0),
        })
    }

    /// How many there are to be.
    fn sleepers(&self) -> u64 {
        self.late.len() as u64
    }

    /// Nanoseconds since the beginning.
    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// How long this sleeper has to sleep next, and whether up to its moment. Neighbours are far apart in time.
    fn next_sleep(&self, sleeper: u64) -> (Duration, Option<u64>) {
        match self.first.load(Ordering::Relaxed) {
            0 => (self.nap, None),
            first => {
                // Coprime to both numbers of sleepers, so that every moment is somebody's.
                let moment = first + sleeper.wrapping_mul(7919) % self.sleepers() * self.apart;
                (Duration::from_nanos(moment.saturating_sub(self.now())), Some(moment))
            }
        }
    }

    /// Notes that this sleeper woke from its sleep up to `moment`.
    fn wake(&self, sleeper: u64, moment: u64) {
        self.late[sleeper as usize].store(self.now().saturating_sub(moment) + 1, Ordering::Relaxed);
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the moments, once all have come: late enough that everyone will have ended its nap.
    fn give_moments(&self) -> Duration {
        self.first.store(self.now() + (self.nap * 3 / 2).as_nanos() as u64, Ordering::Relaxed);
        cpu::spent()
    }

    /// The figures, when all are awake.
    fn figures(&self, cpu_before: Duration) -> Result<Vec<f64>, Failure> {
        let spent = cpu::spent() - cpu_before;
        let late = self.late.iter().map(|late| late.load(Ordering::Relaxed) - 1).collect();
        let mut figures: Vec<f64> = percentiles::of(late, &[0.5, 0.99])?.iter().map(|late| late / 1e3).collect();
        figures.push(spent.as_nanos() as f64 / self.sleepers() as f64);
        Ok(figures)
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    Ok(Box::new(move || {
        let all = Dormitory::of(scale);
        runtime.run(move || {
            for sleeper in 0..all.sleepers() {
                let all = Arc::clone(&all);
                drop(R::spawn(move || {
                    all.arrived.fetch_add(1, Ordering::Relaxed);
                    loop {
                        let (sleep, moment) = all.next_sleep(sleeper);
                        R::sleep(sleep);
                        if let Some(moment) = moment {
                            return all.wake(sleeper, moment);
                        }
                    }
                }));
            }
            while all.arrived.load(Ordering::Relaxed) < all.sleepers() {
                R::sleep(all.nap / 100);
            }
            let cpu_before = all.give_moments();
            while all.woken.load(Ordering::Relaxed) < all.sleepers() {
                R::sleep(all.nap / 100);
            }
            all.figures(cpu_before)
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    Ok(Box::new(move || {
        let all = Dormitory::of(scale);
        runtime.run(async move {
            for sleeper in 0..all.sleepers() {
                let all = Arc::clone(&all);
                R::detach(R::spawn(async move {
                    all.arrived.fetch_add(1, Ordering::Relaxed);
                    loop {
                        let (sleep, moment) = all.next_sleep(sleeper);
                        R::sleep(sleep).await;
                        if let Some(moment) = moment {
                            return all.wake(sleeper, moment);
                        }
                    }
                }));
            }
            while all.arrived.load(Ordering::Relaxed) < all.sleepers() {
                R::sleep(all.nap / 100).await;
            }
            let cpu_before = all.give_moments();
            while all.woken.load(Ordering::Relaxed) < all.sleepers() {
                R::sleep(all.nap / 100).await;
            }
            all.figures(cpu_before)
        })
    }))
}
