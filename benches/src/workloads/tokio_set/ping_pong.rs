//! `ping_pong`: 1,000 tasks each spawn a partner, send it a ping and wait for its pong, over channels for one value.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{MICROSECONDS, microseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets};
use crate::failure::Failure;
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "ping-pong-many",
    about: "1,000 pairs of tasks exchange a ping and a pong over one-shot channels",
    quantities: MICROSECONDS,
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "go", start: |scale| foreign::go("ping-pong-many", scale) },
    ],
};

/// Pairs of one run.
const PAIRS: u64 = 1_000;

/// Runs in a round.
fn runs(scale: Scale) -> u64 {
    scale.pick(50, 2)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox();
            let left = Arc::new(AtomicU64::new(0));
            for _ in 0..runs {
                left.store(PAIRS, Ordering::Relaxed);
                for _ in 0..PAIRS {
                    let (left, done) = (Arc::clone(&left), done.clone());
                    drop(R::spawn(move || {
                        let ((ping, pinged), (pong, ponged)) = (R::once::<()>(), R::once::<()>());
                        drop(R::spawn(move || {
                            R::take(pinged)?;
                            R::give(pong, ())
                        }));
                        R::give(ping, ())?;
                        R::take(ponged)?;
                        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                            R::send(&done, ())?;
                        }
                        Ok::<(), Failure>(())
                    }));
                }
                R::receive(&mut last)?;
            }
            Ok(microseconds_each(begun.elapsed(), runs))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let runs = runs(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (done, mut last) = R::mailbox();
            let left = Arc::new(AtomicU64::new(0));
            for _ in 0..runs {
                left.store(PAIRS, Ordering::Relaxed);
                for _ in 0..PAIRS {
                    let (left, done) = (Arc::clone(&left), done.clone());
                    R::detach(R::spawn(async move {
                        let ((ping, pinged), (pong, ponged)) = (R::once::<()>(), R::once::<()>());
                        R::detach(R::spawn(async move {
                            R::take(pinged).await?;
                            R::give(pong, ())
                        }));
                        R::give(ping, ())?;
                        R::take(ponged).await?;
                        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                            R::send(&done, ())?;
                        }
                        Ok::<(), Failure>(())
                    }));
                }
                R::receive(&mut last).await?;
            }
            Ok(microseconds_each(begun.elapsed(), runs))
        })
    }))
}
