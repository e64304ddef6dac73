//! Savina's PingPong: two actors and 40,000 messages there and back.
//!
//! Unlike `ping-pong`, which parks and unparks, this goes through mailboxes.

use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-ping-pong",
    about: "two actors and 40,000 messages there and back, through mailboxes",
    quantities: &[cost("ns a round trip")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-ping-pong", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("savina-ping-pong", scale) },
    ],
};

/// Messages each way.
fn pings(scale: Scale) -> u64 {
    scale.pick(40_000, 4_000)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let pings = pings(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (ping, mut pinged) = R::mailbox::<u64>();
            let (pong, mut ponged) = R::mailbox::<u64>();
            let answering = R::spawn(move || {
                while let Ok(number) = R::receive(&mut pinged) {
                    R::send(&pong, number)?;
                }
                Ok::<(), Failure>(())
            });
            let asking = R::spawn(move || {
                let mut sum = 0;
                for number in 0..pings {
                    R::send(&ping, number)?;
                    sum += R::receive(&mut ponged)?;
                }
                Ok::<u64, Failure>(sum)
            });
            check("the sum", R::join(asking)??, pings * (pings - 1) / 2)?;
            R::join(answering)??;
            Ok(nanoseconds_each(begun.elapsed(), pings))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let pings = pings(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (ping, mut pinged) = R::mailbox::<u64>();
            let (pong, mut ponged) = R::mailbox::<u64>();
            let answering = R::spawn(async move {
                while let Ok(number) = R::receive(&mut pinged).await {
                    R::send(&pong, number)?;
                }
                Ok::<(), Failure>(())
            });
            let asking = R::spawn(async move {
                let mut sum = 0;
                for number in 0..pings {
                    R::send(&ping, number)?;
                    sum += R::receive(&mut ponged).await?;
                }
                Ok::<u64, Failure>(sum)
            });
            check("the sum", R::join(asking).await??, pings * (pings - 1) / 2)?;
            R::join(answering).await??;
            Ok(nanoseconds_each(begun.elapsed(), pings))
        })
    }))
}
