//! Savina's Chameneos: 100 creatures meet in pairs in a mall, 200,000 times (50,000 here), and change their colors.
//!
//! A creature asks the mall for company. The mall keeps the first that asks and tells it of the second; the first
//! takes the third color and tells the second to take it too; both ask again. When the meetings are used up, the mall
//! answers that it is closed. One mailbox gets everybody's messages: contention at a single actor.

use std::sync::Arc;
use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-chameneos",
    about: "100 actors meet in pairs through one",
    quantities: &[cost("ns a meeting")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-chameneos", scale) },
    ],
};

/// Creatures.
const CREATURES: usize = 100;

/// Meetings a round.
fn meetings(scale: Scale) -> u64 {
    scale.pick(50_000, 2_000)
}

/// A creature that asks for company: its number and its color, 0 to 2.
#[derive(Clone, Copy)]
struct Asking {
    creature: usize,
    color: u8,
}

/// What a creature is told.
enum Told {
    /// By the mall: this one came after you.
    Meet(Asking),
    /// By the one it met.
    Become(u8),
    /// By the mall.
    Closed,
}

/// The color after a meeting.
fn complement(one: u8, other: u8) -> u8 {
    if one == other { one } else { 3 - one - other }
}

/// The mall's decisions.
struct Mall {
    waiting: Option<usize>,
    left: u64,
}

impl Mall {
    /// Who is to be told what, now that this one asks. Nobody, if it must wait.
    fn decide(&mut self, asking: Asking) -> Option<(usize, Told)> {
        if self.left == 0 {
            return Some((asking.creature, Told::Closed));
        }
        match self.waiting.take() {
            None => {
                self.waiting = Some(asking.creature);
                None
            }
            Some(first) => {
                self.left -= 1;
                Some((first, Told::Meet(asking)))
            }
        }
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let meetings = meetings(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (mall, mut asked) = R::mailbox::<Asking>();
            let (addresses, mailboxes): (Vec<_>, Vec<_>) = (0..CREATURES).map(|_| R::mailbox::<Told>()).unzip();
            let addresses = Arc::new(addresses);
            let creature = |(number, mut mailbox): (usize, R::Mailbox<Told>)| {
                let (mall, others) = (mall.clone(), Arc::clone(&addresses));
                R::spawn(move || {
                    let (mut color, mut met) = ((number % 3) as u8, 0_u64);
                    loop {
                        R::send(&mall, Asking { creature: number, color })?;
                        match R::receive(&mut mailbox)? {
                            Told::Meet(other) => {
                                color = complement(color, other.color);
                                R::send(&others[other.creature], Told::Become(color))?;
                            }
                            Told::Become(new) => color = new,
                            Told::Closed => return Ok::<u64, Failure>(met),
                        }
                        met += 1;
                    }
                })
            };
            let creatures: Vec<_> = mailboxes.into_iter().enumerate().map(creature).collect();
            drop(mall);
            let mut decisions = Mall { waiting: None, left: meetings };
            // Ends when all creatures have, each having dropped its address of the mall.
            while let Ok(asking) = R::receive(&mut asked) {
                if let Some((creature, told)) = decisions.decide(asking) {
                    R::send(&addresses[creature], told)?;
                }
            }
            let mut met = 0;
            for creature in creatures {
                met += R::join(creature)??;
            }
            check("the number of creatures that met", met, 2 * meetings)?;
            Ok(nanoseconds_each(begun.elapsed(), meetings))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let meetings = meetings(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (mall, mut asked) = R::mailbox::<Asking>();
            let (addresses, mailboxes): (Vec<_>, Vec<_>) = (0..CREATURES).map(|_| R::mailbox::<Told>()).unzip();
            let addresses = Arc::new(addresses);
            let creature = |(number, mut mailbox): (usize, R::Mailbox<Told>)| {
                let (mall, others) = (mall.clone(), Arc::clone(&addresses));
                R::spawn(async move {
                    let (mut color, mut met) = ((number % 3) as u8, 0_u64);
                    loop {
                        R::send(&mall, Asking { creature: number, color })?;
                        match R::receive(&mut mailbox).await? {
                            Told::Meet(other) => {
                                color = complement(color, other.color);
                                R::send(&others[other.creature], Told::Become(color))?;
                            }
                            Told::Become(new) => color = new,
                            Told::Closed => return Ok::<u64, Failure>(met),
                        }
                        met += 1;
                    }
                })
            };
            let creatures: Vec<_> = mailboxes.into_iter().enumerate().map(creature).collect();
            drop(mall);
            let mut decisions = Mall { waiting: None, left: meetings };
            // Ends when all creatures have, each having dropped its address of the mall.
            while let Ok(asking) = R::receive(&mut asked).await {
                if let Some((creature, told)) = decisions.decide(asking) {
                    R::send(&addresses[creature], told)?;
                }
            }
            let mut met = 0;
            for creature in creatures {
                met += R::join(creature).await??;
            }
            check("the number of creatures that met", met, 2 * meetings)?;
            Ok(nanoseconds_each(begun.elapsed(), meetings))
        })
    }))
}
