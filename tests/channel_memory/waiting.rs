//! Operations that wait, in tasklets and on threads.

use crate::allocations::allocations_of;
use crate::awake::Awake;
use crate::{alone, channel, runtime};
use std::thread;
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};
use tasklets::{select, spawn};

const ROUNDS: usize = 3000;
/// A queue may still grow to its final size while we count; what grows with the rounds is far above.
const FINAL_GROWTH: usize = 24;
const LONG: Duration = Duration::from_secs(1000);

/// Where the two sides are.
#[derive(Clone, Copy, Debug)]
enum Place {
    Threads,
    Tasklets(usize),
}

const PLACES: [Place; 3] = [Place::Tasklets(1), Place::Tasklets(2), Place::Threads];

/// Runs `other` beside `counted`, where `place` says.
fn side_by_side(place: Place, counted: impl FnOnce() + Send, other: impl FnOnce() + Send + 'static) {
    match place {
        Place::Threads => {
            let other = thread::spawn(other);
            counted();
            other.join().expect("it does not panic");
        }
        Place::Tasklets(workers) => runtime(workers).run(|| {
            let _awake = Awake::new();
            let other = spawn(other);
            counted();
            other.join().expect("it does not panic");
        }),
    }
}

#[track_caller]
fn check(what: &str, rounds: usize, mut operations: impl FnMut()) {
    (0..rounds / 5).for_each(|_| operations());
    let allocations = allocations_of(|| (0..rounds).for_each(|_| operations()));
    assert!(allocations <= FINAL_GROWTH, "{allocations} allocations: {what}, {rounds} times");
}

type SendOne = fn(&Sender<usize>, usize) -> bool;
type ReceiveOne = fn(&Receiver<usize>) -> Option<usize>;

const SENDS: [SendOne; 3] = [
    |sender, message| sender.send(message).is_ok(),
    |sender, message| sender.send_timeout(message, LONG).is_ok(),
    |sender, message| {
        select! {
            send(sender, message) -> sent => sent.is_ok(),
            default(LONG) => false,
        }
    },
];
const RECEIVES: [ReceiveOne; 3] = [
    |receiver| receiver.recv().ok(),
    |receiver| receiver.recv_timeout(LONG).ok(),
    |receiver| {
        select! {
            recv(receiver) -> message => message.ok(),
            default(LONG) => None,
        }
    },
];

/// Each receive waits for the answer.
#[test]
fn receives() {
    alone("waiting::receives", || {
        for place in PLACES {
            for capacity in [Some(0), Some(1), Some(100), None] {
                for (send, receive) in SENDS.into_iter().zip(RECEIVES) {
                    let (there, arrives) = channel(capacity);
                    let (back, returns) = channel(capacity);
                    let counted = move || {
                        check(&format!("{place:?}, capacity {capacity:?}"), ROUNDS, || {
                            assert!(send(&there, 1));
                            assert_eq!(receive(&returns), Some(2));
                        });
                    };
                    side_by_side(place, counted, move || {
                        while let Some(message) = receive(&arrives) {
                            assert!(send(&back, message + 1));
                        }
                    });
                }
            }
        }
    });
}

/// Somebody sends all the time, and waits when there is no room.
#[test]
fn sends() {
    alone("waiting::sends", || {
        for place in PLACES {
            for capacity in [0, 1, 5] {
                for (send, receive) in SENDS.into_iter().zip(RECEIVES) {
                    let (sender, receiver) = channel(Some(capacity));
                    let counted = move || {
                        check(&format!("{place:?}, capacity {capacity}"), ROUNDS, || {
                            assert_eq!(receive(&receiver), Some(1))
                        });
                    };
                    side_by_side(place, counted, move || while send(&sender, 1) {});
                }
            }
        }
    });
}

#[test]
fn timeouts() {
    const SHORT: Duration = Duration::from_micros(1);
    alone("waiting::timeouts", || {
        for place in PLACES {
            for capacity in [Some(0), Some(1), None] {
                let (sender, receiver) = channel(capacity);
                let full = capacity.is_some();
                let counted = move || {
                    check(&format!("{place:?}, capacity {capacity:?}"), ROUNDS / 10, || {
                        assert!(receiver.recv_timeout(SHORT).is_err());
                        select! {
                            recv(receiver) -> message => panic!("nobody sent {message:?}"),
                            default(SHORT) => {}
                        }
                        if full {
                            while sender.send_timeout(1, SHORT).is_ok() {}
                            receiver.try_iter().for_each(drop);
                        }
                    });
                };
                side_by_side(place, counted, || {});
            }
        }
    });
}

/// Wave after wave wakes all of a crowd.
#[test]
fn crowds() {
    const CROWD: usize = 32;
    alone("waiting::crowds", || {
        for workers in [1, 2] {
            for capacity in [Some(0), Some(1), Some(CROWD), None] {
                runtime(workers).run(|| {
                    let _awake = Awake::new();
                    let (sender, receiver) = channel(capacity);
                    let (done, all_done) = channel(None);
                    for _ in 0..CROWD {
                        let (receiver, done) = (receiver.clone(), done.clone());
                        spawn(move || receiver.iter().for_each(|message: usize| assert!(done.send(message).is_ok())));
                    }
                    let wave = || {
                        (0..CROWD).for_each(|number| sender.send(number).expect("there is a crowd"));
                        assert_eq!(all_done.iter().take(CROWD).sum::<usize>(), (0..CROWD).sum());
                    };
                    (0..50).for_each(|_| wave());
                    let allocations = allocations_of(|| (0..200).for_each(|_| wave()));
                    let what = format!("{workers} workers, capacity {capacity:?}");
                    assert!(allocations <= FINAL_GROWTH, "{allocations} allocations in 200 waves of {CROWD}: {what}");
                });
            }
        }
    });
}
