//! `tasklets_park::slot`: who wins a wait, and who schedules its owner.
#![cfg(tasklets_loom)]

use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tasklets_loom_tests::{Plain, Tasklet, as_os_thread};
use tasklets_park::context::Context;
use tasklets_park::slot::{Claim, Committed, Outcome, Slot};
use tasklets_park::{Waited, Waiter};

/// A context by hand: its slot, what it saves when it leaves its stack, and what a winner leaves for it.
struct Owner {
    slot: Slot,
    registers: Plain<u32>,
    message: Plain<u32>,
    /// How often it was scheduled; not part of the model.
    scheduled: AtomicUsize,
}

const SAVED: u32 = 7;

impl Owner {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slot: Slot::default(),
            registers: Plain::new(0),
            message: Plain::new(0),
            scheduled: AtomicUsize::new(0),
        })
    }

    fn set_wake(&self) {
        // SAFETY: called before the first wait; a model keeps its owner to the end.
        unsafe { self.slot.set_wake(Some(wake), std::ptr::from_ref(self).cast()) };
    }

    /// Leaves its stack, and is the scheduler that finds out whether it may stay away.
    fn leave_stack(&self, generation: u64) {
        self.registers.set(SAVED);
        if self.slot.commit_park(generation) == Committed::Ready {
            self.schedule();
        }
    }

    /// Whoever schedules it might run it at once, on any thread.
    fn schedule(&self) {
        self.scheduled.fetch_add(1, Ordering::Relaxed);
        assert_eq!(self.registers.replace(0), SAVED);
    }

    /// Ends the wait as a signaller, timer or canceller does. Returns whether it won.
    fn end(&self, generation: u64, outcome: Outcome) -> bool {
        match self.slot.claim(generation, outcome) {
            Claim::Lost => false,
            Claim::Running => true,
            Claim::Parked => {
                // SAFETY: we have just won the parked owner.
                unsafe { self.slot.wake() };
                true
            }
        }
    }
}

unsafe fn wake(owner: *const ()) {
    // SAFETY: registered by `Owner::set_wake`.
    unsafe { &*owner.cast::<Owner>() }.schedule();
}

/// The signal comes before or after the owner has left its stack: it is scheduled once, with its registers saved, by whoever
/// came second, and has the message.
#[test]
fn scheduled_once_whether_the_signal_or_the_switch_comes_first() {
    loom::model(|| {
        let owner = Owner::new();
        owner.set_wake();
        let generation = owner.slot.begin();
        let signaller = {
            let owner = owner.clone();
            thread::spawn(move || {
                owner.message.set(1);
                assert!(owner.end(generation, Outcome::Signaled));
            })
        };
        owner.leave_stack(generation);
        signaller.join().unwrap();
        assert_eq!(owner.scheduled.load(Ordering::Relaxed), 1);
        assert_eq!(owner.slot.finish(), Ok(Some(Outcome::Signaled)));
        assert_eq!(owner.message.get(), 1);
    });
}

/// The signal comes while the owner leaves its stack, and the scheduler runs it again: the message is there, by nothing but
/// the failed commit.
#[test]
fn the_message_is_there_when_the_commit_fails() {
    loom::model(|| {
        let owner = Owner::new();
        let generation = owner.slot.begin();
        let signaller = {
            let owner = owner.clone();
            thread::spawn(move || {
                owner.message.set(1);
                let _ = owner.slot.claim(generation, Outcome::Signaled);
            })
        };
        if owner.slot.commit_park(generation) == Committed::Ready {
            assert_eq!(owner.message.get(), 1);
        }
        signaller.join().unwrap();
    });
}

/// The owner looks how its wait ended while it is being won: it sees the outcome with the message, or neither.
#[test]
fn the_message_is_there_when_the_outcome_is() {
    loom::model(|| {
        let owner = Owner::new();
        let generation = owner.slot.begin();
        let signaller = {
            let owner = owner.clone();
            thread::spawn(move || {
                owner.message.set(1);
                assert_eq!(owner.slot.claim(generation, Outcome::Signaled), Claim::Running);
            })
        };
        if owner.slot.outcome().is_some() {
            assert_eq!(owner.message.get(), 1);
        }
        signaller.join().unwrap();
    });
}

/// A signaller that has the generation from nowhere but the slot itself finds it parked: wake function, data and saved
/// registers are there, by nothing but the claim.
#[test]
fn the_wake_function_is_there_when_the_claim_finds_the_owner_parked() {
    loom::model(|| {
        let owner = Owner::new();
        let guesser = {
            let owner = owner.clone();
            thread::spawn(move || owner.end(1, Outcome::Signaled))
        };
        owner.set_wake();
        let generation = owner.slot.begin();
        assert_eq!(generation, 1);
        owner.leave_stack(generation);
        if !guesser.join().unwrap() {
            assert!(owner.end(generation, Outcome::Signaled), "the guess came before the wait");
        }
        assert_eq!(owner.scheduled.load(Ordering::Relaxed), 1);
    });
}

/// Signal, deadline and cancellation at once, while the owner leaves its stack: one wins, the owner is scheduled once, and
/// learns who it was.
#[test]
fn one_of_signal_timeout_and_cancel_wins() {
    loom::model(|| {
        let owner = Owner::new();
        owner.set_wake();
        let generation = owner.slot.begin();
        let others = [Outcome::Signaled, Outcome::TimedOut].map(|outcome| {
            let owner = owner.clone();
            (outcome, thread::spawn(move || owner.end(generation, outcome)))
        });
        owner.leave_stack(generation);
        let mut winners = Vec::new();
        if owner.end(generation, Outcome::Cancelled) {
            winners.push(Outcome::Cancelled);
        }
        winners.extend(others.into_iter().filter_map(|(outcome, thread)| thread.join().unwrap().then_some(outcome)));
        assert_eq!(winners.len(), 1);
        assert_eq!(owner.scheduled.load(Ordering::Relaxed), 1);
        assert_eq!(owner.slot.finish(), Ok(winners.pop()));
    });
}

/// The owner ends its wait itself while two hold tickets of it, and begins the next: at most one of them wins the first wait,
/// the owner has its message if so, and neither touches the second.
#[test]
fn a_stale_ticket_does_nothing_to_the_next_wait() {
    loom::model(|| {
        let owner = Owner::new();
        let message = Arc::new([Plain::new(0), Plain::new(0)]);
        let first = owner.slot.begin();
        let signallers = [0, 1].map(|who| {
            let (owner, message) = (owner.clone(), message.clone());
            thread::spawn(move || {
                message[who].set(1);
                match owner.slot.claim(first, Outcome::Signaled) {
                    Claim::Lost => false,
                    Claim::Running => true,
                    Claim::Parked => panic!("the first wait was never parked"),
                }
            })
        });
        let ended = owner.slot.finish().expect("nobody holds it");
        let second = owner.slot.begin();
        assert_eq!(owner.slot.commit_park(second), Committed::Parked);
        let won = signallers.map(|signaller| signaller.join().unwrap());
        assert_eq!(ended.is_some(), won[0] || won[1]);
        assert!(!(won[0] && won[1]));
        assert_eq!(owner.slot.outcome(), None);
        assert_eq!(owner.slot.claim(second, Outcome::TimedOut), Claim::Parked);
    });
}

/// `finish` finds the wait won: what the winner wrote before is there.
#[test]
fn the_message_is_there_when_finish_finds_a_winner() {
    loom::model(|| {
        let owner = Owner::new();
        let generation = owner.slot.begin();
        let signaller = {
            let owner = owner.clone();
            thread::spawn(move || {
                owner.message.set(1);
                let _ = owner.slot.claim(generation, Outcome::Signaled);
            })
        };
        if owner.slot.finish() != Ok(None) {
            assert_eq!(owner.message.get(), 1);
        }
        signaller.join().unwrap();
    });
}

/// An OS thread falls asleep while it is signalled: it wakes, with the message.
#[test]
fn a_thread_is_woken_whenever_it_falls_asleep() {
    loom::model(|| {
        as_os_thread(|| {
            let message = Arc::new(Plain::new(0));
            let waiter = Waiter::begin();
            let ticket = waiter.ticket();
            let signaller = {
                let message = message.clone();
                thread::spawn(move || {
                    message.set(1);
                    assert!(ticket.signal());
                })
            };
            assert_eq!(waiter.wait(None), Waited::Signaled);
            assert_eq!(message.get(), 1);
            signaller
        })
        .join()
        .unwrap();
    });
}

/// A thread sees that it was signalled without being woken, ends, and its slot gets another owner, while the signaller has
/// got no further than its claim: it does nothing to that owner.
#[test]
fn a_signaller_does_nothing_to_the_next_owner_of_a_slot() {
    loom::model(|| {
        let signaller = as_os_thread(|| {
            let waiter = Waiter::begin();
            let ticket = waiter.ticket();
            let signaller = thread::spawn(move || assert!(ticket.signal()));
            assert_eq!(waiter.wait(None), Waited::Signaled);
            signaller
        });
        unsafe fn not_parked(_: *const ()) {
            panic!("woken, but it does not wait");
        }
        unsafe fn not_suspended(_: &Context, _: u64, _: Option<Instant>) {
            panic!("suspended, but it does not wait");
        }
        // SAFETY: it never waits, so neither function is called.
        let next = unsafe { Context::new(not_suspended, Some(not_parked), std::ptr::null()) };
        signaller.join().unwrap();
        drop(next);
    });
}

/// A waiter is dropped while its ticket is being signalled: its wait ends, and the signal does nothing to the next.
#[test]
fn dropping_a_waiter_ends_its_wait() {
    loom::model(|| {
        as_os_thread(|| {
            let waiter = Waiter::begin();
            let ticket = waiter.ticket();
            let signaller = thread::spawn(move || ticket.signal());
            drop(waiter);
            assert!(!ticket.signal());
            let next = Waiter::begin();
            assert!(next.ticket().signal(), "nobody else has this ticket");
            assert_eq!(next.wait(None), Waited::Signaled);
            signaller
        })
        .join()
        .unwrap();
    });
}

/// A deadline passes while a tasklet falls asleep and is signalled: the one of the two that won wakes it, and it learns which.
#[test]
fn a_tasklets_wait_ends_by_its_deadline_or_by_a_signal() {
    loom::model(|| {
        let tasklet = Tasklet::new();
        let (signaller, waited) = tasklet.run(|| {
            let waiter = Waiter::begin();
            let ticket = waiter.ticket();
            let signaller = thread::spawn(move || ticket.signal());
            (signaller, waiter.wait(Some(Instant::now())))
        });
        assert_eq!(signaller.join().unwrap(), waited == Waited::Signaled);
    });
}
