//! Savina's Dining Philosophers: 20 of them eat 10,000 times each (1,000 here), by leave of an arbitrator.
//!
//! A hungry philosopher asks the arbitrator, which lets it eat if both its forks lie there and else denies it; a denied
//! one asks again at once. So there are more messages than meals, as many as the sides make.

use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-philosophers",
    about: "20 philosophers and an arbitrator",
    quantities: &[cost("ns a meal")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-philosophers", scale) },
    ],
};

/// At the table.
const PHILOSOPHERS: usize = 20;

/// Meals of each.
fn meals(scale: Scale) -> u64 {
    scale.pick(1_000, 50)
}

/// What a philosopher tells the arbitrator, with its number.
#[derive(Clone, Copy)]
enum Wish {
    Hungry(usize),
    Done(usize),
}

/// Who has which fork. Fork `n` lies to the left of philosopher `n`.
struct Table {
    taken: [bool; PHILOSOPHERS],
    meals: u64,
}

impl Table {
    fn laid() -> Self {
        Self { taken: [false; PHILOSOPHERS], meals: 0 }
    }

    /// Notes that these forks are taken or lie there.
    fn put(&mut self, forks: [usize; 2], taken: bool) {
        for fork in forks {
            self.taken[fork] = taken;
        }
    }

    /// The answer to a wish, if it wants one: who may eat or not.
    fn decide(&mut self, wish: Wish) -> Option<(usize, bool)> {
        let (Wish::Hungry(one) | Wish::Done(one)) = wish;
        let forks = [one, (one + 1) % PHILOSOPHERS];
        match wish {
            Wish::Hungry(_) => {
                let free = forks.iter().all(|&fork| !self.taken[fork]);
                if free {
                    self.put(forks, true);
                }
                Some((one, free))
            }
            Wish::Done(_) => {
                self.put(forks, false);
                self.meals += 1;
                None
            }
        }
    }
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let meals = meals(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (arbitrator, mut wishes) = R::mailbox::<Wish>();
            let (answers, mailboxes): (Vec<_>, Vec<_>) = (0..PHILOSOPHERS).map(|_| R::mailbox::<bool>()).unzip();
            let philosopher = |(number, mut mailbox): (usize, R::Mailbox<bool>)| {
                let arbitrator = arbitrator.clone();
                R::spawn(move || {
                    for _ in 0..meals {
                        R::send(&arbitrator, Wish::Hungry(number))?;
                        while !R::receive(&mut mailbox)? {
                            R::send(&arbitrator, Wish::Hungry(number))?;
                        }
                        R::send(&arbitrator, Wish::Done(number))?;
                    }
                    Ok::<(), Failure>(())
                })
            };
            let philosophers: Vec<_> = mailboxes.into_iter().enumerate().map(philosopher).collect();
            drop(arbitrator);
            let mut table = Table::laid();
            // Ends when all philosophers have.
            while let Ok(wish) = R::receive(&mut wishes) {
                if let Some((one, eats)) = table.decide(wish) {
                    R::send(&answers[one], eats)?;
                }
            }
            for philosopher in philosophers {
                R::join(philosopher)??;
            }
            check("the number of meals", table.meals, meals * PHILOSOPHERS as u64)?;
            Ok(nanoseconds_each(begun.elapsed(), table.meals))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let meals = meals(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (arbitrator, mut wishes) = R::mailbox::<Wish>();
            let (answers, mailboxes): (Vec<_>, Vec<_>) = (0..PHILOSOPHERS).map(|_| R::mailbox::<bool>()).unzip();
            let philosopher = |(number, mut mailbox): (usize, R::Mailbox<bool>)| {
                let arbitrator = arbitrator.clone();
                R::spawn(async move {
                    for _ in 0..meals {
                        R::send(&arbitrator, Wish::Hungry(number))?;
                        while !R::receive(&mut mailbox).await? {
                            R::send(&arbitrator, Wish::Hungry(number))?;
                        }
                        R::send(&arbitrator, Wish::Done(number))?;
                    }
                    Ok::<(), Failure>(())
                })
            };
            let philosophers: Vec<_> = mailboxes.into_iter().enumerate().map(philosopher).collect();
            drop(arbitrator);
            let mut table = Table::laid();
            // Ends when all philosophers have.
            while let Ok(wish) = R::receive(&mut wishes).await {
                if let Some((one, eats)) = table.decide(wish) {
                    R::send(&answers[one], eats)?;
                }
            }
            for philosopher in philosophers {
                R::join(philosopher).await??;
            }
            check("the number of meals", table.meals, meals * PHILOSOPHERS as u64)?;
            Ok(nanoseconds_each(begun.elapsed(), table.meals))
        })
    }))
}
