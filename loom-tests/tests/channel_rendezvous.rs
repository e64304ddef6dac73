//! `tasklets_channels`: channels that store nothing.
#![cfg(tasklets_loom)]

use loom::thread;
use std::sync::Arc;
use tasklets_channels::{RecvTimeoutError, SendTimeoutError, bounded};
use tasklets_loom_tests::{
    Letter, Mail, Plain, Tasklet, as_os_thread, as_tasklet, deadline, explore, left_in, receive, spawn, spawn_sender,
    until_cancelled,
};

/// The two come at the same time, in whatever way they wait, register both, and may hold each other: they meet, and a send returns only
/// after that.
#[test]
fn a_sender_and_a_receiver_meet() {
    let runs: [fn(&dyn Fn()); 2] = [|body| as_tasklet(body), |body| as_os_thread(body)];
    for run in runs {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(0);
            let receiving = Arc::new(Plain::new(false));
            let sender = {
                let (mail, receiving) = (mail.clone(), receiving.clone());
                spawn(move || {
                    s.send(mail.letter(0)).unwrap();
                    assert!(receiving.get(), "it has returned before there was a receiver");
                })
            };
            receiving.set(true);
            run(&|| assert_eq!(receive(&r, 1), [0]));
            sender.join().unwrap();
        });
    }
}

/// Two senders and a receiver of both: each pairs once, however one withdraws from another.
#[test]
fn two_senders_and_a_receiver() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let senders = [0, 1].map(|number| spawn_sender(&s, &mail, [number]));
        let mut received = as_tasklet(|| receive(&r, 2));
        received.sort_unstable();
        assert_eq!(received, [0, 1]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// A sender of two messages and two receivers: each gets one.
#[test]
fn a_sender_and_two_receivers() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let other = {
            let r = r.clone();
            spawn(move || receive(&r, 1))
        };
        let sender = spawn_sender(&s, &mail, [0, 1]);
        let mut received = as_tasklet(|| receive(&r, 1));
        received.extend(other.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [0, 1]);
        sender.join().unwrap();
    });
}

/// Two of each, all at once: four that may hold each other.
#[test]
fn two_senders_and_two_receivers() {
    explore(1, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let other = {
            let r = r.clone();
            spawn(move || receive(&r, 1))
        };
        let senders = [0, 1].map(|number| spawn_sender(&s, &mail, [number]));
        let mut received = as_tasklet(|| receive(&r, 1));
        received.extend(other.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [0, 1]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// A receiver's time runs out while it is handed a message: it has it, or the sender still has.
#[test]
fn a_receivers_timeout() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = spawn_sender(&s, &mail, [0]);
        as_tasklet(|| match r.recv_deadline(deadline()) {
            Ok(letter) => assert_eq!(letter.number(), 0),
            Err(error) => {
                assert_eq!(error, RecvTimeoutError::Timeout);
                assert_eq!(receive(&r, 1), [0]);
            }
        });
        sender.join().unwrap();
    });
}

/// A sender's time runs out while its message is taken: it was, or the sender has it back.
#[test]
fn a_senders_timeout() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let receiver = spawn(move || receive(&r, 1));
        as_tasklet(|| match s.send_deadline(mail.letter(0), deadline()) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(letter)) => s.send(letter).unwrap(),
            Err(SendTimeoutError::Disconnected(_)) => panic!("not closed"),
        });
        assert_eq!(receiver.join().unwrap(), [0]);
    });
}

/// The time of both runs out: both say so, or both that they met.
#[test]
fn both_time_out() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let (s, mail) = (s.clone(), mail.clone());
            spawn(move || s.send_deadline(mail.letter(0), deadline()).is_ok())
        };
        let received = as_tasklet(|| r.recv_deadline(deadline()));
        assert_eq!(sender.join().unwrap(), received.is_ok());
        assert_eq!(s.balance(), 0);
        assert!(left_in(&r).is_empty());
    });
}

/// A sender that does not wait comes while a receiver begins to, whose time runs out: both say the same.
#[test]
fn one_tries_to_send() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let receiver = spawn(move || r.recv_deadline(deadline()).is_ok());
        let sent = s.try_send(mail.letter(0)).is_ok();
        assert_eq!(receiver.join().unwrap(), sent);
    });
}

/// A receiver that does not wait comes while a sender begins to, whose time runs out: both say the same.
#[test]
fn one_tries_to_receive() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let sender = {
            let mail = mail.clone();
            spawn(move || s.send_deadline(mail.letter(0), deadline()).is_ok())
        };
        let received = r.try_recv().is_ok();
        assert_eq!(sender.join().unwrap(), received);
    });
}

/// A receiver is told to end while it is handed a message: it has it, or the sender still has.
#[test]
fn a_receiver_is_cancelled() {
    explore(2, || {
        let mail = Mail::new();
        let tasklet = Arc::new(Tasklet::new());
        let (s, r) = bounded(0);
        let sender = spawn_sender(&s, &mail, [0]);
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        let received = until_cancelled(&tasklet, || receive(&r, 1));
        assert_eq!(received.unwrap_or_else(|| as_tasklet(|| receive(&r, 1))), [0]);
        sender.join().unwrap();
        scheduler.join().unwrap();
    });
}

/// A sender is told to end while its message is taken: it was, or it is gone with the sender.
#[test]
fn a_sender_is_cancelled() {
    explore(2, || {
        let mail = Mail::new();
        let tasklet = Arc::new(Tasklet::new());
        let (s, r) = bounded(0);
        let receiver = spawn(move || r.recv().ok().map(|letter: Letter| letter.number()));
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        let sent = until_cancelled(&tasklet, || s.send(mail.letter(0)).unwrap());
        drop(s);
        assert_eq!(receiver.join().unwrap(), sent.map(|()| 0));
        scheduler.join().unwrap();
    });
}
