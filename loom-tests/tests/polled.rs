//! `tasklets_park::PolledWaiter`: the waits of futures.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tasklets_loom_tests::{Plain, Task};
use tasklets_park::context::Context;
use tasklets_park::{PolledWaiter, Ticket};

const EMPTY: u32 = 0;
const GIVEN: u32 = 1;
const REUSED: u32 = 2;

/// How somebody gives the owner something: tells it before it signals, or writes to its frame while it holds it.
type Give = fn(Ticket, &Plain<u32>) -> bool;

fn by_hold(ticket: Ticket, frame: &Plain<u32>) -> bool {
    let held = ticket.hold();
    held.map(|held| {
        assert_eq!(frame.replace(GIVEN), EMPTY);
        held.release();
    })
    .is_some()
}

fn by_signal(ticket: Ticket, frame: &Plain<u32>) -> bool {
    frame.set(GIVEN);
    ticket.signal()
}

fn giver(give: Give, waiter: &PolledWaiter, frame: &Arc<Plain<u32>>) -> JoinHandle<bool> {
    let (ticket, frame) = (waiter.ticket(), frame.clone());
    thread::spawn(move || give(ticket, &frame))
}

/// A future is polled while its wait ends: it is woken, finds what was given, and no waker is left behind.
#[test]
fn a_future_is_woken_whenever_it_waits() {
    for give in [by_hold as Give, by_signal] {
        loom::model(move || {
            let frame = Arc::new(Plain::new(EMPTY));
            let mut waiter = PolledWaiter::begin();
            let giver = giver(give, &waiter, &frame);
            let task = Task::new();
            task.run(|cx| waiter.poll(cx));
            assert_eq!(frame.replace(REUSED), GIVEN);
            drop(waiter);
            assert!(giver.join().unwrap());
            assert!(!task.has_wakers());
        });
    }
}

/// A future goes from one task to another: the one that polled last is woken.
#[test]
fn the_task_that_polled_last_is_woken() {
    for give in [by_hold as Give, by_signal] {
        loom::model(move || {
            let frame = Arc::new(Plain::new(EMPTY));
            let mut waiter = PolledWaiter::begin();
            let giver = giver(give, &waiter, &frame);
            let tasks = [Task::new(), Task::new()];
            let first = tasks[0].once(|cx| waiter.poll(cx));
            if first == Poll::Pending {
                // Twice, as tasks are that were woken for something else.
                let _ = tasks[0].once(|cx| waiter.poll(cx));
                tasks[1].run(|cx| waiter.poll(cx));
            }
            assert_eq!(frame.replace(REUSED), GIVEN);
            drop(waiter);
            assert!(giver.join().unwrap());
            assert!(!tasks[0].has_wakers() && !tasks[1].has_wakers());
        });
    }
}

/// A future is given up while something is handed over: it waits for that, knows which, and its slot is free.
#[test]
fn a_withdrawal_waits_for_the_release() {
    for polled in [false, true] {
        loom::model(move || {
            let frame = Arc::new(Plain::new(EMPTY));
            let mut waiter = PolledWaiter::begin();
            let giver = giver(by_hold, &waiter, &frame);
            let task = Task::new();
            if polled {
                let _ = task.once(|cx| waiter.poll(cx));
            }
            let withdrawn = waiter.withdraw();
            assert_eq!(frame.replace(REUSED) == GIVEN, !withdrawn);
            let next = PolledWaiter::begin();
            assert!(next.ticket().signal(), "nobody else has this ticket");
            assert!(!next.withdraw());
            assert_eq!(giver.join().unwrap(), !withdrawn);
            assert!(!task.has_wakers());
        });
    }
}

/// The same for one that is dropped between a change of tasks.
#[test]
fn a_drop_waits_for_the_release() {
    loom::model(|| {
        let frame = Arc::new(Plain::new(EMPTY));
        let mut waiter = PolledWaiter::begin();
        let giver = giver(by_hold, &waiter, &frame);
        let tasks = [Task::new(), Task::new()];
        for task in &tasks {
            let _ = task.once(|cx| waiter.poll(cx));
        }
        drop(waiter);
        let given = frame.replace(REUSED) == GIVEN;
        assert_eq!(giver.join().unwrap(), given);
        assert!(!tasks[0].has_wakers() && !tasks[1].has_wakers());
    });
}

/// A future ends while it is signalled, and its slot gets a tasklet as its next owner: the signaller does nothing to that.
#[test]
fn a_signaller_does_nothing_to_the_next_owner_of_a_slot() {
    unsafe fn not_parked(_: *const ()) {
        panic!("woken, but it does not wait");
    }
    unsafe fn not_suspended(_: &Context, _: u64, _: Option<Instant>) {
        panic!("suspended, but it does not wait");
    }
    loom::model(|| {
        let frame = Arc::new(Plain::new(EMPTY));
        let mut waiter = PolledWaiter::begin();
        let signaller = giver(by_signal, &waiter, &frame);
        let task = Task::new();
        let _ = task.once(|cx| waiter.poll(cx));
        let withdrawn = waiter.withdraw();
        // SAFETY: it never waits, so neither function is called.
        let next = unsafe { Context::new(not_suspended, Some(not_parked), std::ptr::null()) };
        assert_eq!(signaller.join().unwrap(), !withdrawn);
        drop(next);
        assert!(!task.has_wakers());
    });
}
