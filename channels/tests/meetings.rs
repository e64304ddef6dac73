//! Two that meet on threads, in each way in which one can find the other: little enough for Miri to try many interleavings.
//!
//! Whoever waits is gone, and its stack used for other things, as soon as it is let go; the other one must be done with it by then.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tasklets_channels::{Receiver, RecvError, Select, Sender, TrySendError, bounded, select, unbounded};
use tasklets_park::block_on;

/// Often enough for all outcomes to come up; Miri is started again and again instead.
const ROUNDS: u32 = if cfg!(miri) { 1 } else { 300 };

/// So short that it is over before, during or after what the other does.
fn short(round: u32) -> Duration {
    Duration::from_micros(u64::from(round) % 50)
}

/// A message that is on the heap, for second drops and missing ones to be noticed.
type Message = Box<u32>;

/// Runs both at the same time.
fn meet<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join().unwrap())
    })
}

fn poll_and_drop<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn each() -> [(Sender<Message>, Receiver<Message>); 3] {
    [bounded(0), bounded(1), unbounded()]
}

/// The same, with no room in it. What is in it beforehand is 0.
fn full() -> [(Sender<Message>, Receiver<Message>); 2] {
    let full = [bounded(0), bounded(1)];
    full[1].0.send(Box::new(0)).unwrap();
    full
}

#[test]
fn a_message_and_who_waits_for_it() {
    type Receive = fn(Receiver<Message>) -> Result<Message, RecvError>;
    let ways: [Receive; 5] = [
        |r| r.recv(),
        |r| block_on(r.recv_async()),
        |r| {
            let mut batch = Vec::new();
            r.recv_many(&mut batch, 2)?;
            batch.pop().ok_or(RecvError)
        },
        |r| {
            let (_keep, idle) = unbounded::<[u64; 20]>();
            select! {
                recv(idle) -> _ => unreachable!(),
                recv(r) -> message => message,
            }
        },
        |r| {
            let mut select = Select::new();
            select.recv(&r);
            loop {
                select.ready();
                if let Ok(message) = r.try_recv() {
                    return Ok(message);
                }
            }
        },
    ];
    for round in 0..ROUNDS {
        for receive in ways {
            for (s, r) in each() {
                let (sent, received) = meet(|| s.send(Box::new(round)), || receive(r));
                assert_eq!((sent, received), (Ok(()), Ok(Box::new(round))));
            }
        }
    }
}

#[test]
fn who_waits_for_room_and_who_makes_it() {
    type Send = fn(Sender<Message>, Message) -> Result<(), Message>;
    let ways: [Send; 4] = [
        |s, message| s.send(message).map_err(|error| error.0),
        |s, message| block_on(s.send_async(message)).map_err(|error| error.0),
        |s, message| {
            select! {
                send(s, message) -> sent => sent.map_err(|error| error.0),
            }
        },
        |s, mut message| {
            let mut select = Select::new();
            select.send(&s);
            loop {
                select.ready();
                match s.try_send(message) {
                    Ok(()) => return Ok(()),
                    Err(TrySendError::Full(back)) => message = back,
                    Err(TrySendError::Disconnected(back)) => return Err(back),
                }
            }
        },
    ];
    for round in 1..=ROUNDS {
        for send in ways {
            for (s, r) in full() {
                let (sent, received) = meet(|| send(s, Box::new(round)), || r.iter().map(|i| *i).collect::<Vec<_>>());
                assert_eq!((sent, received.last()), (Ok(()), Some(&round)));
            }
        }
        for send in ways {
            for (s, r) in full() {
                let (sent, ()) = meet(|| send(s, Box::new(round)), || drop(r));
                assert_eq!(sent, Err(Box::new(round)));
            }
        }
    }
}

#[test]
fn two_selects() {
    for round in 0..ROUNDS {
        for (s, r) in each() {
            let (sent, received) = meet(
                || select! { send(s, Box::new(round)) -> sent => sent },
                || select! { recv(r) -> message => message },
            );
            assert_eq!((sent, received), (Ok(()), Ok(Box::new(round))));
        }
    }
}

#[test]
fn both_give_up() {
    for round in 0..ROUNDS {
        for (s, r) in full() {
            let (sent, received) = meet(
                || s.send_timeout(Box::new(1), short(round)).is_ok(),
                || {
                    let first = r.recv_timeout(short(round / 50)).ok();
                    first.into_iter().chain(r.try_iter()).any(|message| *message == 1)
                },
            );
            let received = received || r.try_iter().any(|message| *message == 1);
            assert_eq!(sent, received);
        }
    }
}

#[test]
fn futures_are_dropped_while_they_meet() {
    for round in 0..ROUNDS {
        for (s, r) in each() {
            let (_, sent) = meet(|| poll_and_drop(r.recv_async()), || s.try_send(Box::new(round)));
            let left = r.try_iter().count();
            assert!(left <= usize::from(sent.is_ok()));
        }
        for (s, r) in full() {
            let (sent, received) = meet(
                || poll_and_drop(s.send_async(Box::new(1))).is_ready(),
                || r.try_iter().filter(|message| **message == 1).count(),
            );
            let received = received + r.try_iter().filter(|message| **message == 1).count();
            assert!(received >= usize::from(sent) && received <= 1);
        }
    }
}

/// What is sent is received, or comes back, whole.
#[test]
fn a_channel_is_closed_while_two_meet() {
    for _ in 0..ROUNDS {
        for (s, r) in each() {
            let closer = s.clone();
            let (sent, (received, _)) =
                meet(|| s.send(Box::new(7)).map_err(|error| *error.0), || meet(|| r.recv(), move || closer.close()));
            let received = received.or_else(|_| r.recv()).map(|message| *message);
            assert_eq!((sent.err(), received.ok()), if sent.is_ok() { (None, Some(7)) } else { (Some(7), None) });
        }
    }
}

/// The message is made after the two have met, and it is not made after all.
#[test]
fn a_message_that_does_not_come() {
    fn make() -> Message {
        // Without the panic hook, which would print.
        std::panic::resume_unwind(Box::new("not made"))
    }
    for _ in 0..ROUNDS {
        for (s, r) in each() {
            let (made, received) = meet(
                || {
                    let s = s;
                    thread::spawn(move || {
                        select! {
                            send(s, make()) -> _ => unreachable!(),
                        }
                    })
                    .join()
                },
                || r.recv(),
            );
            assert_eq!((made.is_err(), received), (true, Err(RecvError)));
        }
    }
}
