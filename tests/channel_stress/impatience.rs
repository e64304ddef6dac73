//! Who gives up takes no message and no wake-up along.

use crate::channel;
use crate::crew::{runtime, watch};
use crate::dice::Dice;
use crate::eventually::eventually;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};
use tasklets::{Runtime, select};

const ROUNDS: usize = 150;
const IMPATIENT: usize = 3;

/// Runs `part` on a thread and in a tasklet until the returned handles are joined.
fn patiently(runtime: &Runtime, part: impl Fn() + Clone + Send + 'static) -> impl FnOnce() {
    let thread = thread::spawn(part.clone());
    let tasklet = runtime.spawn(part);
    move || {
        thread.join().expect("it does not panic");
        tasklet.join().expect("it does not panic");
    }
}

/// Runs `part` in so many tasklets, and `meanwhile` here; to the end of all.
fn impatiently(runtime: &Runtime, part: impl Fn(usize) + Clone + Send + 'static, meanwhile: impl FnOnce()) {
    let tasklets: Vec<_> = (0..IMPATIENT)
        .map(|number| {
            let part = part.clone();
            runtime.spawn(move || part(number))
        })
        .collect();
    meanwhile();
    for tasklet in tasklets {
        tasklet.join().expect("it does not panic");
    }
}

/// Gives up after a while; whether a message came first.
fn gives_up(receiver: &Receiver<usize>, timeout: Duration, by_select: bool) -> bool {
    if by_select {
        select! {
            recv(receiver) -> message => message.is_ok(),
            default(timeout) => false,
        }
    } else {
        receiver.recv_timeout(timeout).is_ok()
    }
}

/// A message is sent while some who could take it give up. Somebody stays, so it must be received.
fn receivers_give_up(capacity: Option<usize>) {
    let runtime = runtime(2);
    let (sender, receiver) = channel(capacity);
    let received = Arc::new(AtomicUsize::new(0));
    let join = {
        let (receiver, received) = (receiver.clone(), received.clone());
        patiently(&runtime, move || {
            while receiver.recv().is_ok() {
                received.fetch_add(1, SeqCst);
            }
        })
    };
    for round in 0..ROUNDS {
        let part = {
            let (receiver, received) = (receiver.clone(), received.clone());
            move |number| {
                let mut dice = Dice::new(round * IMPATIENT + number);
                if gives_up(&receiver, dice.short(), dice.throw(2) == 0) {
                    received.fetch_add(1, SeqCst);
                }
            }
        };
        let pause = Dice::new(7 * round).short();
        impatiently(&runtime, part, || {
            thread::sleep(pause);
            sender.send(round).expect("there are receivers");
        });
        eventually("the message is received", || received.load(SeqCst) == round + 1);
    }
    drop(sender);
    join();
}

/// A message is received while some who would send one give up. Somebody stays who has one to send, so the channel fills again.
fn senders_give_up(capacity: usize) {
    let runtime = runtime(2);
    let (sender, receiver) = channel(Some(capacity));
    let join = {
        let sender: Sender<usize> = sender.clone();
        patiently(&runtime, move || while sender.send(0).is_ok() {})
    };
    // Of the patient two, one may be on its way to send while the other waits.
    let waits = |receiver: &Receiver<usize>| receiver.balance() > 0 && receiver.len() == capacity;
    for round in 0..ROUNDS {
        eventually("somebody waits to send", || waits(&receiver));
        let part = {
            let sender = sender.clone();
            move |number| {
                let mut dice = Dice::new(round * IMPATIENT + number);
                let timeout = dice.short();
                if dice.throw(2) == 0 {
                    select! {
                        send(sender, 1) -> sent => sent.expect("there is a receiver"),
                        default(timeout) => {}
                    }
                } else {
                    let gave_up = sender.send_timeout(1, timeout);
                    assert!(!gave_up.is_err_and(|error| error.is_disconnected()), "there is a receiver");
                }
            }
        };
        let pause = Dice::new(7 * round).short();
        impatiently(&runtime, part, || {
            thread::sleep(pause);
            receiver.recv().expect("there are senders");
        });
    }
    eventually("somebody waits to send", || waits(&receiver));
    drop(receiver);
    join();
}

#[test]
fn of_receivers() {
    let _watchdog = watch("impatient receivers");
    for capacity in [Some(0), Some(1), Some(3), None] {
        receivers_give_up(capacity);
    }
}

#[test]
fn of_senders() {
    let _watchdog = watch("impatient senders");
    for capacity in [0, 1, 3] {
        senders_give_up(capacity);
    }
}
