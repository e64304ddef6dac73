//! `tasklets_channels::oneshot`: the value has one end, the cell is freed by whoever is last, and nobody sleeps for ever.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tasklets_channels::oneshot::{Receiver, Sender, channel};
use tasklets_channels::{RecvError, RecvTimeoutError};
use tasklets_loom_tests::{Task, Tasklet, as_os_thread, as_task, explore};
use tasklets_park::Cancelled;

/// A value that counts its drops. Loom sees that it is written before it is read, since the cell it travels in is loom's.
struct Value(Arc<AtomicUsize>);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One half on a thread of its own, the other here; afterwards the value has been dropped once.
fn meet(there: fn(Sender<Value>, Value), here: impl Fn(Receiver<Value>) + Send + Sync + 'static) {
    explore(2, move || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel();
        let value = Value(drops.clone());
        let other = thread::spawn(move || there(sender, value));
        here(receiver);
        other.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

/// A value is sent while a tasklet, or a thread, falls asleep for it.
#[test]
fn a_value_reaches_whoever_waits_for_it() {
    meet(
        |sender, value| assert!(sender.send(value).is_ok()),
        |receiver| Tasklet::new().run(|| assert!(receiver.recv().is_ok())),
    );
    meet(
        |sender, value| assert!(sender.send(value).is_ok()),
        |receiver| as_os_thread(|| assert!(receiver.recv().is_ok())),
    );
}

/// The same with a future that goes from one task to another.
#[test]
fn a_value_reaches_the_task_that_polled_last() {
    meet(
        |sender, value| assert!(sender.send(value).is_ok()),
        |mut receiver| {
            let first = Task::new();
            let polled = first.once(|cx| Pin::new(&mut receiver).poll(cx));
            if polled.is_pending() {
                let second = Task::new();
                let received = second.run(|cx| Pin::new(&mut receiver).poll(cx));
                assert!(received.is_ok());
            }
        },
    );
}

/// The sender goes without a value while a tasklet falls asleep.
#[test]
fn a_sender_that_goes_wakes_whoever_waits() {
    meet(
        |sender, _| drop(sender),
        |receiver| Tasklet::new().run(|| assert!(matches!(receiver.recv(), Err(RecvError)))),
    );
}

/// The time is over while the value is sent: it is received now or the next time.
#[test]
fn a_value_that_meets_a_timeout_is_kept() {
    meet(
        |sender, value| assert!(sender.send(value).is_ok()),
        |mut receiver| {
            Tasklet::new().run(|| match receiver.recv_timeout(Duration::ZERO) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => assert!(receiver.recv().is_ok()),
                Err(RecvTimeoutError::Disconnected) => panic!("the value was sent"),
            });
        },
    );
}

/// The receiver goes while the value is sent: it is given back, or dropped with the cell.
#[test]
fn a_receiver_that_goes_meets_a_value() {
    meet(|sender, value| drop(sender.send(value)), drop);
}

/// Both go at once.
#[test]
fn both_halves_go() {
    meet(|sender, _| drop(sender), drop);
}

/// The receiver closes while the value is sent: it is given back, or there to be taken; and a sender that has seen the channel
/// closed does not send.
#[test]
fn a_value_that_meets_close_is_given_back_or_taken() {
    explore(2, || {
        let (sender, mut receiver) = channel();
        let sends = thread::spawn(move || {
            let closed = sender.is_closed();
            let sent = sender.send(1).is_ok();
            assert!(!(closed && sent));
            sent
        });
        receiver.close();
        let received = receiver.try_recv();
        assert!(receiver.try_recv().is_err());
        assert_eq!(sends.join().unwrap(), received.is_ok());
    });
}

/// The receiver goes while the sender falls asleep until it does, in either manner; nothing can be sent then.
#[test]
fn a_sender_learns_that_nobody_wants_the_value() {
    explore(2, || {
        let (mut sender, receiver) = channel();
        let goes = thread::spawn(move || drop(receiver));
        Tasklet::new().run(|| sender.closed());
        assert!(sender.send(1).is_err());
        goes.join().unwrap();
    });
    explore(2, || {
        let (mut sender, receiver) = channel();
        let goes = thread::spawn(move || drop(receiver));
        as_task(sender.closed_async());
        assert!(sender.send(1).is_err());
        goes.join().unwrap();
    });
}

/// A sender gives up waiting for the receiver to go, sends, and the receiver goes meanwhile: its signal meets no other wait.
#[test]
fn a_sender_that_gives_up_may_send() {
    explore(2, || {
        let (mut sender, receiver) = channel::<i32>();
        let goes = thread::spawn(move || drop(receiver));
        Tasklet::new().run(|| {
            let closed = sender.closed_timeout(Duration::ZERO);
            assert!(!(sender.send(1).is_ok() && closed));
        });
        goes.join().unwrap();
    });
}

/// A tasklet is told to end while it receives: it has the value, or unwinds, and then the value is dropped.
#[test]
fn a_value_that_meets_a_cancellation_is_not_lost() {
    explore(2, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let tasklet = Arc::new(Tasklet::new());
        let (sender, receiver) = channel();
        let value = Value(drops.clone());
        let sends = thread::spawn(move || drop(sender.send(value)));
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        tasklet.run(|| match catch_unwind(AssertUnwindSafe(|| receiver.recv())) {
            Ok(received) => assert!(received.is_ok()),
            Err(payload) => assert!(payload.is::<Cancelled>()),
        });
        sends.join().unwrap();
        scheduler.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}
