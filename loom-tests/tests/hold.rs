//! `tasklets_park::slot`: a winner keeps the owner where it is while it uses its frame.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tasklets_loom_tests::{Plain, Tasklet, as_os_thread};
use tasklets_park::slot::Outcome;
use tasklets_park::{Cancelled, Ticket, Waited, Waiter};

/// What the owner has on its stack, to which a holder writes: loom fails the model if both have it at once.
#[derive(Clone)]
struct Frame(Arc<Plain<u32>>);

const EMPTY: u32 = 0;
const GIVEN: u32 = 1;
const REUSED: u32 = 2;

impl Frame {
    fn new() -> Self {
        Self(Arc::new(Plain::new(EMPTY)))
    }

    /// Somebody has something for the owner. Returns whether it got rid of it.
    fn give(&self, ticket: Ticket) -> bool {
        ticket
            .hold()
            .map(|held| {
                assert_eq!(self.0.replace(GIVEN), EMPTY);
                held.release();
            })
            .is_some()
    }

    fn giver(&self, ticket: Ticket) -> JoinHandle<bool> {
        let frame = self.clone();
        thread::spawn(move || frame.give(ticket))
    }

    /// The owner's wait has ended. Returns whether something was given.
    fn reuse(&self) -> bool {
        self.0.replace(REUSED) == GIVEN
    }
}

/// The owner goes to sleep while somebody hands something over, in pieces: it is woken when it is there, wherever it was.
#[test]
fn the_owner_stays_away_until_the_release() {
    let runs: [fn(&dyn Fn()); 2] = [|body| Tasklet::new().run(body), |body| as_os_thread(body)];
    for run in runs {
        loom::model(move || {
            run(&|| {
                let waiter = Waiter::begin();
                let frame = Frame::new();
                let giver = frame.giver(waiter.ticket());
                assert_eq!(waiter.wait(None), Waited::Signaled);
                assert!(frame.reuse());
                assert!(giver.join().unwrap());
            });
        });
    }
}

/// One of two gives, and the owner gets that.
#[test]
fn one_of_two_holds() {
    loom::model(|| {
        Tasklet::new().run(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let givers = [frame.giver(waiter.ticket()), frame.giver(waiter.ticket())];
            assert_eq!(waiter.wait(None), Waited::Signaled);
            assert!(frame.reuse());
            let gave = givers.map(|giver| giver.join().unwrap());
            assert!(gave[0] != gave[1]);
        });
    });
}

/// The deadline passes while something is handed over: it was, or the deadline is what ended the wait.
#[test]
fn a_deadline_that_passes_while_held_is_too_late() {
    loom::model(|| {
        Tasklet::new().run(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let giver = frame.giver(waiter.ticket());
            let waited = waiter.wait(Some(Instant::now()));
            let given = frame.reuse();
            assert_eq!(given, waited == Waited::Signaled);
            assert_eq!(giver.join().unwrap(), given);
        });
    });
}

/// The same for a thread, whose sleep the deadline ends from outside.
#[test]
fn a_threads_deadline_that_passes_while_held_is_too_late() {
    loom::model(|| {
        as_os_thread(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let ticket = waiter.ticket();
            let giver = frame.giver(ticket);
            let clock = thread::spawn(move || ticket.end(Outcome::TimedOut));
            let waited = waiter.wait(None);
            let given = frame.reuse();
            assert_eq!(given, waited == Waited::Signaled);
            assert_eq!(giver.join().unwrap(), given);
            assert_eq!(clock.join().unwrap(), !given);
        });
    });
}

/// A tasklet is told to end while something is handed over: it returns with that, or unwinds without.
#[test]
fn a_cancellation_while_held_is_too_late() {
    loom::model(|| {
        let tasklet = Arc::new(Tasklet::new());
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        tasklet.run(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let giver = frame.giver(waiter.ticket());
            // Nobody gives twice, so the model ends also when the cancellation comes before this wait.
            let waited = catch_unwind(AssertUnwindSafe(|| waiter.wait(None)));
            let given = frame.reuse();
            match waited {
                Ok(waited) => assert_eq!((waited, given), (Waited::Signaled, true)),
                Err(payload) => assert!(payload.is::<Cancelled>() && !given),
            }
            assert_eq!(giver.join().unwrap(), given);
        });
        scheduler.join().unwrap();
    });
}

/// The owner has found what it wanted elsewhere while something is handed over: it knows which, has its frame back when it does, and its
/// next wait is its own.
#[test]
fn a_withdrawal_waits_for_the_release() {
    let runs: [fn(&dyn Fn()); 2] = [|body| Tasklet::new().run(body), |body| as_os_thread(body)];
    for run in runs {
        loom::model(move || {
            run(&|| {
                let waiter = Waiter::begin();
                let frame = Frame::new();
                let giver = frame.giver(waiter.ticket());
                let withdrawn = waiter.withdraw();
                assert_eq!(frame.reuse(), !withdrawn);
                let next = Waiter::begin();
                assert!(next.ticket().signal(), "nobody else has this ticket");
                assert_eq!(next.wait(None), Waited::Signaled);
                assert_eq!(giver.join().unwrap(), !withdrawn);
            });
        });
    }
}

/// The same for a waiter that is dropped.
#[test]
fn a_drop_waits_for_the_release() {
    loom::model(|| {
        Tasklet::new().run(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let giver = frame.giver(waiter.ticket());
            drop(waiter);
            let given = frame.reuse();
            assert_eq!(giver.join().unwrap(), given);
        });
    });
}

/// The same without waiting: whoever finds itself held has the wait back, and it ends.
#[test]
fn a_withdrawal_that_does_not_wait_gives_the_wait_back() {
    loom::model(|| {
        Tasklet::new().run(|| {
            let waiter = Waiter::begin();
            let frame = Frame::new();
            let giver = frame.giver(waiter.ticket());
            let given = match waiter.try_withdraw() {
                Ok(withdrawn) => !withdrawn,
                Err(held) => {
                    assert_eq!(held.wait(Some(Instant::now())), Waited::Signaled);
                    true
                }
            };
            assert_eq!(frame.reuse(), given);
            assert_eq!(giver.join().unwrap(), given);
        });
    });
}
