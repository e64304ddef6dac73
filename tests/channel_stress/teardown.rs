//! Tasklets that are cancelled while they wait strand nobody and lose nothing.

use crate::channel;
use crate::counted::{Count, Counted};
use crate::crew::{runtime, watch};
use crate::dice::Dice;
use crate::eventually::eventually;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};
use tasklets::select;

const CANCELLED: isize = 4;
const ROUNDS: usize = 60;

/// A receiver outside waits behind some that are cancelled.
fn behind_cancelled_receivers(
    capacity: Option<usize>,
    receive: impl Fn(&Receiver<u64>) -> bool + Copy + Send + 'static,
) {
    let runtime = runtime(2);
    let (sender, receiver) = channel(capacity);
    for _ in 0..CANCELLED {
        let receiver = receiver.clone();
        runtime.spawn(move || receive(&receiver));
    }
    eventually("they wait", || sender.balance() == -CANCELLED);
    let outside = thread::spawn(move || receiver.recv());
    eventually("the one outside waits", || sender.balance() == -CANCELLED - 1);
    drop(runtime);
    eventually("they wait no more", || sender.balance() == -1);
    sender.send(5).expect("there is a receiver");
    assert_eq!(outside.join().expect("it does not panic"), Ok(5), "capacity {capacity:?}");
}

#[test]
fn of_receivers() {
    let _watchdog = watch("teardown of receivers");
    for capacity in [Some(0), Some(1), Some(9), None] {
        behind_cancelled_receivers(capacity, |receiver| receiver.recv().is_ok());
        behind_cancelled_receivers(capacity, |receiver| receiver.recv_timeout(Duration::from_secs(1000)).is_ok());
        behind_cancelled_receivers(capacity, move |receiver| {
            let (_other, idle) = channel::<u64>(capacity);
            select! {
                recv(receiver) -> message => message.is_ok(),
                recv(idle) -> message => message.is_ok(),
            }
        });
    }
}

/// A sender outside waits behind some that are cancelled.
fn behind_cancelled_senders(capacity: u64, send: impl Fn(&Sender<Counted>, Counted) + Copy + Send + 'static) {
    let runtime = runtime(2);
    let count = Arc::new(Count::default());
    let (sender, receiver) = channel(Some(capacity as usize));
    for number in 0..capacity {
        assert!(sender.send(count.message(number)).is_ok(), "there is room");
    }
    for _ in 0..CANCELLED {
        let (sender, message) = (sender.clone(), count.message(100));
        runtime.spawn(move || send(&sender, message));
    }
    eventually("they wait", || receiver.balance() == CANCELLED);
    let last = count.message(capacity);
    let outside = thread::spawn(move || sender.send(last).is_ok());
    eventually("the one outside waits", || receiver.balance() == CANCELLED + 1);
    drop(runtime);
    eventually("they wait no more", || receiver.balance() == 1);
    let received: Vec<_> = receiver.iter().map(|message| message.number).collect();
    assert_eq!(received, (0..=capacity).collect::<Vec<_>>(), "nothing from those who were cancelled");
    assert!(outside.join().expect("it does not panic"));
    drop(receiver);
    count.check(&format!("capacity {capacity}"));
}

#[test]
fn of_senders() {
    let _watchdog = watch("teardown of senders");
    for capacity in [0, 1, 3] {
        behind_cancelled_senders(capacity, |sender, message| drop(sender.send(message)));
        behind_cancelled_senders(capacity, |sender, message| {
            drop(sender.send_timeout(message, Duration::from_secs(1000)));
        });
        behind_cancelled_senders(capacity, |sender, message| {
            select! {
                send(sender, message) -> _ => {}
                default(Duration::from_secs(1000)) => {}
            }
        });
    }
}

/// Cancelled at any moment: what was sent is received inside or outside.
fn receivers_under_fire(capacity: Option<usize>) {
    for round in 0..ROUNDS {
        let runtime = runtime(2);
        let received = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel(capacity);
        for number in 0..4 {
            let (receiver, received) = (receiver.clone(), received.clone());
            runtime.spawn(move || {
                let mut dice = Dice::new(round * 4 + number);
                while gets_one(&receiver, &mut dice) {
                    received.fetch_add(1, SeqCst);
                }
            });
        }
        let inside = received.clone();
        let mut pause = Dice::new(round);
        let sender = thread::spawn(move || {
            for number in 0..300 {
                sender.send(number).expect("there is a receiver");
            }
        });
        // In the middle of it, with luck.
        while inside.load(SeqCst) < 20 {
            thread::yield_now();
        }
        thread::sleep(pause.short());
        drop(runtime);
        let outside = receiver.iter().count();
        sender.join().expect("it does not panic");
        assert_eq!(received.load(SeqCst) + outside, 300, "capacity {capacity:?}, round {round}");
    }
}

/// Receives until a message comes. False at the end.
fn gets_one(receiver: &Receiver<usize>, dice: &mut Dice) -> bool {
    loop {
        match dice.throw(3) {
            0 => return receiver.recv().is_ok(),
            1 => match receiver.recv_timeout(dice.short()) {
                Err(error) if error.is_timeout() => {}
                result => return result.is_ok(),
            },
            _ => select! {
                recv(receiver) -> message => return message.is_ok(),
                default(dice.short()) => {}
            },
        }
    }
}

/// Cancelled at any moment: a message was sent and is received, or it was not and is dropped.
fn senders_under_fire(capacity: usize) {
    for round in 0..ROUNDS {
        let runtime = runtime(2);
        let count = Arc::new(Count::default());
        let sent = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel(Some(capacity));
        for _ in 0..4 {
            let (sender, sent, count): (Sender<Counted>, _, _) = (sender.clone(), sent.clone(), count.clone());
            runtime.spawn(move || {
                while sender.send(count.message(0)).is_ok() {
                    sent.fetch_add(1, SeqCst);
                }
            });
        }
        drop(sender);
        let outside = thread::spawn(move || receiver.iter().count());
        let progress = sent.clone();
        while progress.load(SeqCst) < 20 {
            thread::yield_now();
        }
        thread::sleep(Dice::new(round).short());
        drop(runtime);
        let received = outside.join().expect("it does not panic");
        assert_eq!(sent.load(SeqCst), received, "capacity {capacity}, round {round}");
        count.check(&format!("capacity {capacity}, round {round}"));
    }
}

#[test]
fn of_receivers_under_fire() {
    let _watchdog = watch("teardown of busy receivers");
    for capacity in [Some(0), Some(1), None] {
        receivers_under_fire(capacity);
    }
}

#[test]
fn of_senders_under_fire() {
    let _watchdog = watch("teardown of busy senders");
    for capacity in [0, 1] {
        senders_under_fire(capacity);
    }
}
