//! `tasklets_channels`: closing, and the last handles.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::sync::Arc;
use tasklets_channels::{RecvError, TryRecvError, bounded, unbounded};
use tasklets_loom_tests::{Mail, as_os_thread, as_tasklet, explore, spawn};

/// The channel is closed while a receiver registers or waits: it learns of it.
#[test]
fn a_receiver_learns_of_it() {
    let runs: [fn(&dyn Fn()); 2] = [|body| as_tasklet(body), |body| as_os_thread(body)];
    for capacity in [0, 1] {
        for run in runs {
            explore(3, move || {
                let (s, r) = bounded::<()>(capacity);
                let closer = thread::spawn(move || assert!(s.close()));
                run(&|| assert_eq!(r.recv(), Err(RecvError)));
                closer.join().unwrap();
            });
        }
    }
}

/// The channel is closed while a sender registers or waits: it has its message back.
#[test]
fn a_sender_learns_of_it() {
    for capacity in [0, 1] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(capacity);
            if capacity == 1 {
                s.try_send(mail.letter(1)).unwrap();
            }
            let closer = {
                let r = r.clone();
                thread::spawn(move || assert!(r.close()))
            };
            as_tasklet(|| assert_eq!(s.send(mail.letter(0)).unwrap_err().into_inner().number(), 0));
            closer.join().unwrap();
            assert_eq!(r.try_recv().ok().map(|letter| letter.number()), (capacity == 1).then_some(1));
            assert_eq!(r.try_recv().err(), Some(TryRecvError::Disconnected));
        });
    }
}

/// The channel is closed while a message is sent and received: the sender has it back, or the receiver gets it before the end.
#[test]
fn a_message_is_sent_before_or_not_at_all() {
    for capacity in [None, Some(1), Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = {
                let (s, mail) = (s.clone(), mail.clone());
                spawn(move || s.send(mail.letter(0)).is_ok())
            };
            let closer = thread::spawn(move || assert!(s.close()));
            let received = as_tasklet(|| r.recv().map(|letter| letter.number()));
            assert_eq!(received == Ok(0), sender.join().unwrap());
            closer.join().unwrap();
            assert_eq!(r.try_recv().err(), Some(TryRecvError::Disconnected));
        });
    }
}

/// One finds the channel closed and empty, while others send and receive: what they begin later fails.
#[test]
fn nothing_comes_after_the_end() {
    for capacity in [None, Some(1), Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let ended = Arc::new(AtomicBool::new(false));
            let sender = {
                let (s, mail, ended) = (s.clone(), mail.clone(), ended.clone());
                spawn(move || {
                    let late = ended.load(Ordering::Acquire);
                    let sent = s.send(mail.letter(0)).is_ok();
                    assert!(!(late && sent), "a message was sent after the end");
                    sent
                })
            };
            let other = {
                let (r, ended) = (r.clone(), ended.clone());
                spawn(move || {
                    let late = ended.load(Ordering::Acquire);
                    let received = r.recv().is_ok();
                    assert!(!(late && received), "a message came after the end");
                    received
                })
            };
            s.close();
            let received = match r.try_recv() {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(error, TryRecvError::Disconnected);
                    ended.store(true, Ordering::Release);
                    false
                }
            };
            let sent = sender.join().unwrap();
            let other_received = other.join().unwrap();
            assert!(!(received && other_received));
            assert_eq!(sent, received || other_received);
        });
    }
}

/// Both sides close: one was first.
#[test]
fn one_of_two_closes() {
    explore(3, || {
        let (s, r) = unbounded::<()>();
        let closer = thread::spawn(move || s.close());
        let first = r.close();
        assert!(first != closer.join().unwrap());
        assert!(r.is_closed());
    });
}

/// The last handles of both sides go at once, with a message on its way: it is dropped once, and nothing is used after that.
#[test]
fn both_sides_go_at_once() {
    for capacity in [None, Some(1), Some(0)] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = {
                let mail = mail.clone();
                spawn(move || drop(s.send(mail.letter(0))))
            };
            drop(r);
            sender.join().unwrap();
        });
    }
}

/// The last of two receivers goes while a message is given to the other: it is received or dropped, or the sender has it back.
#[test]
fn the_last_receiver_goes() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let other = {
            let r = r.clone();
            spawn(move || r.try_recv().is_ok())
        };
        let sender = {
            let (s, mail) = (s.clone(), mail.clone());
            spawn(move || s.send(mail.letter(0)).is_ok())
        };
        drop(r);
        let received = other.join().unwrap();
        assert!(sender.join().unwrap() || !received);
        assert!(mail.is_all_gone(), "nobody can receive it any more");
        drop(s);
    });
}

/// Both handles of the side that is left go at once: the memory is freed after the last use of either.
#[test]
fn two_handles_of_a_side_go_at_once() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        s.try_send(mail.letter(0)).unwrap();
        drop(s);
        let other = {
            let r = r.clone();
            thread::spawn(move || drop(r))
        };
        drop(r);
        other.join().unwrap();
    });
}

/// The last of two senders goes while a receiver waits: it has what they sent, and then the end.
#[test]
fn the_last_sender_goes() {
    for capacity in [None, Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = {
                let (s, mail) = (s.clone(), mail.clone());
                spawn(move || s.send(mail.letter(0)).unwrap())
            };
            let dropper = thread::spawn(move || drop(s));
            as_tasklet(|| {
                assert_eq!(r.recv().unwrap().number(), 0);
                assert!(r.recv().is_err());
            });
            sender.join().unwrap();
            dropper.join().unwrap();
        });
    }
}
