//! Savina's ThreadRing: a token goes round a ring of 100 actors for 100,000 hops.
//!
//! The token says how many hops are left; 0 goes round once more and ends the actors.

use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-thread-ring",
    about: "a token goes round a ring of 100 actors",
    quantities: &[cost("ns a hop")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-thread-ring", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("savina-thread-ring", scale) },
    ],
};

/// Actors in the ring.
const ACTORS: usize = 100;

/// How far the token goes.
fn hops(scale: Scale) -> u64 {
    scale.pick(100_000, 10_000)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let hops = hops(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (mut addresses, mailboxes): (Vec<_>, Vec<_>) = (0..ACTORS).map(|_| R::mailbox::<u64>()).unzip();
            let first = addresses[0].clone();
            addresses.rotate_left(1);
            let actor = |(mut mailbox, next): (R::Mailbox<u64>, R::Address<u64>)| {
                R::spawn(move || {
                    let mut seen = 0_u64;
                    loop {
                        match R::receive(&mut mailbox)? {
                            0 => break,
                            left => R::send(&next, left - 1)?,
                        }
                        seen += 1;
                    }
                    // The last of them finds the one before gone already.
                    let _ = R::send(&next, 0);
                    Ok::<u64, Failure>(seen)
                })
            };
            let actors: Vec<_> = mailboxes.into_iter().zip(addresses).map(actor).collect();
            R::send(&first, hops)?;
            let mut seen = 0;
            for actor in actors {
                seen += R::join(actor)??;
            }
            check("the number of hops", seen, hops)?;
            Ok(nanoseconds_each(begun.elapsed(), hops))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let hops = hops(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (mut addresses, mailboxes): (Vec<_>, Vec<_>) = (0..ACTORS).map(|_| R::mailbox::<u64>()).unzip();
            let first = addresses[0].clone();
            addresses.rotate_left(1);
            let actor = |(mut mailbox, next): (R::Mailbox<u64>, R::Address<u64>)| {
                R::spawn(async move {
                    let mut seen = 0_u64;
                    loop {
                        match R::receive(&mut mailbox).await? {
                            0 => break,
                            left => R::send(&next, left - 1)?,
                        }
                        seen += 1;
                    }
                    // The last of them finds the one before gone already.
                    let _ = R::send(&next, 0);
                    Ok::<u64, Failure>(seen)
                })
            };
            let actors: Vec<_> = mailboxes.into_iter().zip(addresses).map(actor).collect();
            R::send(&first, hops)?;
            let mut seen = 0;
            for actor in actors {
                seen += R::join(actor).await??;
            }
            check("the number of hops", seen, hops)?;
            Ok(nanoseconds_each(begun.elapsed(), hops))
        })
    }))
}
