//! A select that waits on a channel where nothing happens leaves nothing there, however often.

use crate::allocations::live_bytes;
use crate::awake::Awake;
use crate::{alone, channel, runtime};
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};
use tasklets::{scope, select, spawn, yield_now};

/// More than a queue's final size, far less than a byte for each select.
const FINAL_GROWTH: usize = 32 << 10;
const FLAVOURS: [Option<usize>; 3] = [Some(0), Some(1), None];

/// How many selects the environment asks for.
pub(crate) fn selects() -> usize {
    let number = std::env::var("CHANNEL_MEMORY_SELECTS");
    number.map_or(1_000_000, |number| number.parse().expect("CHANNEL_MEMORY_SELECTS is a number"))
}

/// Does it so often, and sees to it that memory does not grow on the way.
fn check(what: &str, times: usize, mut select: impl FnMut()) {
    (0..times / 20 + 100).for_each(|_| select());
    let before = live_bytes();
    for done in 0..times {
        select();
        if done % 256 == 0 || done == times - 1 {
            let now = live_bytes();
            assert!(now <= before + FINAL_GROWTH, "{what}: {before} bytes became {now} in {done} selects");
        }
    }
}

/// Gives up at once or nearly so.
fn times_out(idle: &Receiver<u64>, timeout: Duration) {
    select! {
        recv(idle) -> message => panic!("nobody sent {message:?}"),
        default(timeout) => {}
    }
}

#[test]
fn with_no_time() {
    alone("idle_selects::with_no_time", || {
        for capacity in FLAVOURS {
            let (sender, idle) = channel(capacity);
            check(&format!("capacity {capacity:?}"), selects() / 3, || times_out(&idle, Duration::ZERO));
            drop(sender);
        }
    });
}

#[test]
fn that_time_out() {
    alone("idle_selects::that_time_out", || {
        for patient in [false, true] {
            for capacity in FLAVOURS {
                runtime(1).run(|| {
                    let (sender, idle) = channel(capacity);
                    let waits = idle.clone();
                    let waiter = patient.then(|| spawn(move || waits.recv()));
                    yield_now();
                    let what = format!("capacity {capacity:?}, another waits: {patient}");
                    check(&what, selects() / 300, || times_out(&idle, Duration::from_micros(1)));
                    drop(sender);
                    if let Some(waiter) = waiter {
                        assert!(waiter.join().expect("it does not panic").is_err());
                    }
                });
            }
        }
    });
}

/// Selects between what never and what always comes, and waits each time: the other side answers only when it is asked.
fn wait_for_answers(what: &str, times: usize, select: impl Fn(&Receiver<u64>)) {
    let (ask, asked) = channel(Some(1));
    let (answer, answered) = channel(Some(1));
    let answers = spawn(move || asked.iter().for_each(|question: u64| assert!(answer.send(question).is_ok())));
    check(what, times, || {
        ask.send(7).expect("the other side is there");
        select(&answered);
    });
    drop(ask);
    answers.join().expect("it does not panic");
}

/// On `idle`, in so many tasklets by turns.
fn loops(what: &str, times: usize, number: usize, select: impl Fn(&Receiver<u64>) + Copy + Send) {
    scope(|scope| {
        for _ in 0..number {
            scope.spawn(move || wait_for_answers(what, times / number, select));
        }
    });
}

fn receives(workers: usize) {
    for number in [1, 2] {
        for patient in [false, true] {
            for capacity in FLAVOURS {
                runtime(workers).run(|| {
                    let _awake = Awake::new();
                    let (sender, idle) = channel::<u64>(capacity);
                    let waits = idle.clone();
                    let waiter = patient.then(|| spawn(move || waits.recv()));
                    yield_now();
                    let what = format!("{number} loops, capacity {capacity:?}, another waits: {patient}");
                    loops(&what, selects() / 12, number, |answered| {
                        select! {
                            recv(idle) -> message => panic!("nobody sent {message:?}"),
                            recv(answered) -> answer => assert_eq!(answer, Ok(7)),
                        }
                    });
                    drop(sender);
                    if let Some(waiter) = waiter {
                        assert!(waiter.join().expect("it does not panic").is_err());
                    }
                });
            }
        }
    }
}

#[test]
fn of_receives_with_one_worker() {
    alone("idle_selects::of_receives_with_one_worker", || receives(1));
}

#[test]
fn of_receives_with_two_workers() {
    alone("idle_selects::of_receives_with_two_workers", || receives(2));
}

/// The same on a channel that is full and stays so.
#[test]
fn of_sends() {
    alone("idle_selects::of_sends", || {
        for patient in [false, true] {
            for capacity in [0, 1] {
                runtime(1).run(|| {
                    let (full, receiver): (Sender<u64>, _) = channel(Some(capacity));
                    while full.try_send(0).is_ok() {}
                    let waits = full.clone();
                    let waiter = patient.then(|| spawn(move || waits.send(0)));
                    yield_now();
                    let what = format!("capacity {capacity}, another waits: {patient}");
                    loops(&what, selects() / 8, 2, |answered| {
                        select! {
                            send(full, 1) -> sent => panic!("nobody received: {sent:?}"),
                            recv(answered) -> answer => assert_eq!(answer, Ok(7)),
                        }
                    });
                    drop(receiver);
                    if let Some(waiter) = waiter {
                        let _accepted_before = waiter.join().expect("it does not panic").is_ok();
                    }
                });
            }
        }
    });
}
