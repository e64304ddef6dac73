//! `tasklets_channels`: channels that store messages.
#![cfg(tasklets_loom)]

use loom::thread;
use std::future::Future as _;
use std::sync::Arc;
use tasklets_channels::{Receiver, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, bounded, unbounded};
use tasklets_loom_tests::{
    Letter, Mail, Task, Tasklet, as_os_thread, as_tasklet, deadline, explore, left_in, receive, spawn, spawn_sender,
    until_cancelled,
};

/// A message is sent while a receiver begins to wait for it: the one sees the message, or the other sees the receiver.
#[test]
fn a_message_and_a_receiver_find_each_other() {
    let runs: [fn(&dyn Fn()); 2] = [|body| as_tasklet(body), |body| as_os_thread(body)];
    for run in runs {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = unbounded();
            let sender = spawn_sender(&s, &mail, [0]);
            run(&|| assert_eq!(receive(&r, 1), [0]));
            sender.join().unwrap();
        });
    }
}

/// A sender gives one message to the receiver that waits, or appends it, and appends another: they come in the order of sending.
#[test]
fn messages_of_one_sender_stay_in_order() {
    for capacity in [None, Some(1)] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = spawn_sender(&s, &mail, [0, 1]);
            as_tasklet(|| assert_eq!(receive(&r, 2), [0, 1]));
            sender.join().unwrap();
        });
    }
}

/// Two send while one receives: nothing is lost and each sender's messages are in order, though one of them stops in the middle.
#[test]
fn two_senders_and_a_receiver() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let senders = [spawn_sender(&s, &mail, [0, 1]), spawn_sender(&s, &mail, [2])];
        as_tasklet(|| {
            let received = receive(&r, 3);
            assert!([[0, 1, 2], [0, 2, 1], [2, 0, 1]].iter().any(|order| received == order));
        });
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// Two receive while one sends: each message goes to one of them, and nobody waits beside a message. With room for one, the sender waits
/// for the first to be received while the other receiver begins to wait: whoever moves the second message hands it on.
#[test]
fn a_sender_and_two_receivers() {
    for capacity in [None, Some(1)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = spawn_sender(&s, &mail, [0, 1]);
            let other = {
                let r = r.clone();
                spawn(move || receive(&r, 1))
            };
            let mut received = as_tasklet(|| receive(&r, 1));
            received.extend(other.join().unwrap());
            received.sort_unstable();
            assert_eq!(received, [0, 1]);
            sender.join().unwrap();
        });
    }
}

/// A receiver's time runs out while a message is sent: it has the message, or the message is there for the next.
#[test]
fn a_message_that_meets_a_timeout_is_kept() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let sender = spawn_sender(&s, &mail, [0]);
        let received = as_tasklet(|| r.recv_deadline(deadline()));
        sender.join().unwrap();
        match received {
            Ok(letter) => assert_eq!(letter.number(), 0),
            Err(error) => {
                assert_eq!(error, RecvTimeoutError::Timeout);
                assert_eq!(left_in(&r), [0]);
            }
        }
        assert!(left_in(&r).is_empty());
    });
}

/// The same beside a receiver with more patience: it does not wait while the message lies there.
#[test]
fn a_message_that_meets_a_timeout_goes_to_the_next() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = unbounded();
        let impatient = {
            let (s, r) = (s.clone(), r.clone());
            spawn(move || {
                if let Ok(letter) = r.recv_deadline(deadline()) {
                    s.send(letter).expect("not closed");
                }
            })
        };
        let sender = spawn_sender(&s, &mail, [0]);
        as_tasklet(|| assert_eq!(receive(&r, 1), [0]));
        impatient.join().unwrap();
        sender.join().unwrap();
    });
}

/// A receiver is told to end while a message is sent: it has the message, or the message is there for the next.
#[test]
fn a_message_that_meets_a_cancellation_is_kept() {
    explore(2, || {
        let mail = Mail::new();
        let tasklet = Arc::new(Tasklet::new());
        let (s, r) = unbounded();
        let sender = spawn_sender(&s, &mail, [0]);
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        let received = until_cancelled(&tasklet, || receive(&r, 1));
        sender.join().unwrap();
        scheduler.join().unwrap();
        assert_eq!(received.unwrap_or_else(|| left_in(&r)), [0]);
        assert!(left_in(&r).is_empty());
    });
}

/// A receiver makes room while a sender begins to wait for it: the one sees the room, or the other sees the sender.
#[test]
fn room_and_a_sender_find_each_other() {
    let runs: [fn(&dyn Fn()); 2] = [|body| as_tasklet(body), |body| as_os_thread(body)];
    for run in runs {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(1);
            s.try_send(mail.letter(0)).unwrap();
            let receiver = {
                let r = r.clone();
                spawn(move || assert_eq!(receive(&r, 1), [0]))
            };
            run(&|| s.send(mail.letter(1)).unwrap());
            receiver.join().unwrap();
            assert_eq!(left_in(&r), [1]);
        });
    }
}

/// A sender's time runs out while a receiver makes room, or moves its message into it: the message was sent, or it comes back.
#[test]
fn room_that_meets_a_timeout() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let receiver = {
            let r = r.clone();
            spawn(move || receive(&r, 1))
        };
        let sent = as_tasklet(|| s.send_deadline(mail.letter(1), deadline()));
        assert_eq!(receiver.join().unwrap(), [0]);
        match sent {
            Ok(()) => assert_eq!(left_in(&r), [1]),
            Err(SendTimeoutError::Timeout(letter)) => {
                assert_eq!(letter.number(), 1);
                assert!(left_in(&r).is_empty());
            }
            Err(SendTimeoutError::Disconnected(_)) => panic!("not closed"),
        }
    });
}

/// A sender is told to end while a receiver makes room, or moves its message into it: the message was sent, or is gone with the sender.
#[test]
fn room_that_meets_a_cancellation() {
    explore(2, || {
        let mail = Mail::new();
        let tasklet = Arc::new(Tasklet::new());
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let receiver = {
            let r = r.clone();
            spawn(move || receive(&r, 1))
        };
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        let sent = until_cancelled(&tasklet, || s.send(mail.letter(1)).unwrap());
        assert_eq!(receiver.join().unwrap(), [0]);
        scheduler.join().unwrap();
        assert_eq!(left_in(&r), Vec::from_iter(sent.map(|()| 1)));
    });
}

/// A sender waits for room with others behind it: the receiver moves its message in order, and never too many are there.
#[test]
fn a_receiver_moves_the_messages_of_those_who_wait() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let senders = [spawn_sender(&s, &mail, [1, 2]), spawn_sender(&s, &mail, [3])];
        as_tasklet(|| {
            let received: Vec<_> = (0..4)
                .map(|_| {
                    assert!(r.len() <= 1);
                    receive(&r, 1)[0]
                })
                .collect();
            assert!([[0, 1, 2, 3], [0, 1, 3, 2], [0, 3, 1, 2]].iter().any(|order| received == order));
        });
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// A receiver stops between taking a message and serving the sender that waits: whoever comes next does that for it, so nobody finds the
/// channel empty beside a sender that waits.
#[test]
fn a_receiver_that_stops_holds_nobody_up() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let mut sending = Box::pin(s.send_async(mail.letter(1)));
        let task = Task::new();
        assert!(task.once(|cx| sending.as_mut().poll(cx)).is_pending());
        let other = {
            let r = r.clone();
            spawn(move || left_in_one(&r))
        };
        let mut received = Vec::from_iter(left_in_one(&r));
        if received.is_empty() {
            assert_eq!(s.balance(), 0, "a sender waits, and there is nothing to receive");
        }
        received.extend(other.join().unwrap());
        assert!(task.once(|cx| sending.as_mut().poll(cx)).is_ready(), "there has been room");
        received.extend(left_in(&r));
        received.sort_unstable();
        assert_eq!(received, [0, 1]);
    });
}

/// Takes a letter if there is one.
fn left_in_one(r: &Receiver<Letter>) -> Option<u32> {
    r.try_recv().ok().map(|letter| letter.number())
}

/// Two try to send and two to receive, and none waits: what was accepted is there, once, and the bound holds.
#[test]
fn nobody_waits() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        let trying = {
            let (s, r, mail) = (s.clone(), r.clone(), mail.clone());
            thread::spawn(move || {
                let sent = s.try_send(mail.letter(0)).is_ok();
                assert!(s.len() <= 1);
                (sent, left_in_one(&r))
            })
        };
        let sent = match s.try_send(mail.letter(1)) {
            Ok(()) => true,
            Err(TrySendError::Full(letter)) => {
                assert_eq!(letter.number(), 1);
                false
            }
            Err(TrySendError::Disconnected(_)) => panic!("not closed"),
        };
        let mut received = Vec::from_iter(left_in_one(&r));
        let (other_sent, other_received) = trying.join().unwrap();
        received.extend(other_received);
        received.extend(left_in(&r));
        received.sort_unstable();
        let expected: Vec<_> =
            [other_sent, sent].into_iter().zip(0..).filter_map(|(sent, number)| sent.then_some(number)).collect();
        assert_eq!(received, expected);
        assert_eq!(r.try_recv().err(), Some(TryRecvError::Empty));
    });
}

/// A future that sends, a receiver that takes: both come to their end.
#[test]
fn a_sending_future_and_a_receiver() {
    explore(2, || {
        let mail = Mail::new();
        let (s, r) = bounded(1);
        s.try_send(mail.letter(0)).unwrap();
        let receiver = {
            let r = r.clone();
            spawn(move || assert_eq!(receive(&r, 2), [0, 1]))
        };
        let mut sending = Box::pin(s.send_async(mail.letter(1)));
        let sent = Task::new().run(|cx| sending.as_mut().poll(cx));
        sent.unwrap();
        receiver.join().unwrap();
    });
}
