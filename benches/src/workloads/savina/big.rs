//! Savina's Big: 120 actors, each of which pings a random one, waits for its pong, and pings the next.
//!
//! Many to many: every actor answers others while it waits. 20,000 pings each in the suite, 2,000 here. An actor that
//! is done tells so, and goes on answering until all are.

use std::sync::Arc;
use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-big",
    about: "120 actors ping each other at random",
    quantities: &[cost("ns a ping and pong")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-big", scale) },
    ],
};

/// Actors, which also are the arrivals that end it.
const ACTORS: usize = 120;

/// Pings of each actor.
fn pings(scale: Scale) -> u64 {
    scale.pick(2_000, 50)
}

/// What an actor is told.
enum Told {
    /// By this one, which wants a pong.
    Ping(usize),
    /// The answer to its own ping.
    Pong,
    /// Everybody is done.
    End,
}

/// An actor's choices: a linear congruential generator, the same for all sides.
struct Choices(u64);

impl Choices {
    fn of(actor: usize) -> Self {
        Self(actor as u64 + 1)
    }

    /// The next actor to ping.
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % ACTORS
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let pings = pings(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (done, mut finished) = R::mailbox::<()>();
            let (addresses, mailboxes): (Vec<_>, Vec<_>) = (0..ACTORS).map(|_| R::mailbox::<Told>()).unzip();
            let addresses = Arc::new(addresses);
            let actor = |(number, mut mailbox): (usize, R::Mailbox<Told>)| {
                let (others, done) = (Arc::clone(&addresses), done.clone());
                R::spawn(move || {
                    let (mut choices, mut pongs) = (Choices::of(number), 0);
                    R::send(&others[choices.next()], Told::Ping(number))?;
                    loop {
                        match R::receive(&mut mailbox)? {
                            Told::Ping(from) => R::send(&others[from], Told::Pong)?,
                            Told::End => return Ok::<u64, Failure>(pongs),
                            Told::Pong => {
                                pongs += 1;
                                match pongs < pings {
                                    true => R::send(&others[choices.next()], Told::Ping(number))?,
                                    false => R::send(&done, ())?,
                                }
                            }
                        }
                    }
                })
            };
            let actors: Vec<_> = mailboxes.into_iter().enumerate().map(actor).collect();
            for _ in 0..ACTORS {
                R::receive(&mut finished)?;
            }
            for address in addresses.iter() {
                R::send(address, Told::End)?;
            }
            let mut pongs = 0;
            for actor in actors {
                pongs += R::join(actor)??;
            }
            check("the number of pongs", pongs, pings * ACTORS as u64)?;
            Ok(nanoseconds_each(begun.elapsed(), pongs))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let pings = pings(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (done, mut finished) = R::mailbox::<()>();
            let (addresses, mailboxes): (Vec<_>, Vec<_>) = (0..ACTORS).map(|_| R::mailbox::<Told>()).unzip();
            let addresses = Arc::new(addresses);
            let actor = |(number, mut mailbox): (usize, R::Mailbox<Told>)| {
                let (others, done) = (Arc::clone(&addresses), done.clone());
                R::spawn(async move {
                    let (mut choices, mut pongs) = (Choices::of(number), 0);
                    R::send(&others[choices.next()], Told::Ping(number))?;
                    loop {
                        match R::receive(&mut mailbox).await? {
                            Told::Ping(from) => R::send(&others[from], Told::Pong)?,
                            Told::End => return Ok::<u64, Failure>(pongs),
                            Told::Pong => {
                                pongs += 1;
                                match pongs < pings {
                                    true => R::send(&others[choices.next()], Told::Ping(number))?,
                                    false => R::send(&done, ())?,
                                }
                            }
                        }
                    }
                })
            };
            let actors: Vec<_> = mailboxes.into_iter().enumerate().map(actor).collect();
            for _ in 0..ACTORS {
                R::receive(&mut finished).await?;
            }
            for address in addresses.iter() {
                R::send(address, Told::End)?;
            }
            let mut pongs = 0;
            for actor in actors {
                pongs += R::join(actor).await??;
            }
            check("the number of pongs", pongs, pings * ACTORS as u64)?;
            Ok(nanoseconds_each(begun.elapsed(), pongs))
        })
    }))
}
