//! A channel ends: by `close` or with the last handle of a side.

use crate::eventually::eventually;
use crate::place::{SOME, everywhere};
use std::time::Duration;
use tasklets::channel::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError, bounded,
    unbounded,
};

const MS: Duration = Duration::from_millis(1);

fn each<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [bounded(0), bounded(1), bounded(3), unbounded()]
}

/// All ways to send say that it is over, and give the message back.
#[track_caller]
fn assert_no_more_sends(s: &Sender<u32>) {
    assert!(s.is_closed());
    assert_eq!(s.send(1), Err(SendError(1)));
    assert_eq!(s.try_send(2), Err(TrySendError::Disconnected(2)));
    assert_eq!(s.send_timeout(3, MS), Err(SendTimeoutError::Disconnected(3)));
}

/// All ways to receive say that it is over.
#[track_caller]
fn assert_no_more_messages(r: &Receiver<u32>) {
    assert!(r.is_closed() && r.is_empty());
    assert_eq!(r.recv(), Err(RecvError));
    assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Disconnected));
    assert_eq!(r.iter().next(), None);
}

everywhere! {
    fn without_receivers_nothing_is_sent(_) {
        for (s, r) in each() {
            drop(r.clone());
            assert!(!s.is_closed(), "one is left");
            drop(r);
            assert_no_more_sends(&s);
        }
    }

    fn without_senders_what_is_there_is_received(_) {
        for (s, r) in each() {
            let there = u32::from(r.capacity() != Some(0));
            (0..there).for_each(|i| s.send(i).unwrap());
            drop(s.clone());
            assert!(!r.is_closed(), "one is left");
            drop(s);
            assert!(r.is_closed());
            assert_eq!(r.iter().count(), there as usize);
            assert_no_more_messages(&r);
        }
    }

    fn either_side_closes(_) {
        for by_sender in [true, false] {
            for (s, r) in each::<u32>() {
                let there = u32::from(r.capacity() != Some(0));
                (0..there).for_each(|i| s.send(i).unwrap());
                assert!(!s.is_closed() && !r.is_closed());
                assert!(if by_sender { s.close() } else { r.close() }, "it was open");
                assert!(!s.close() && !r.close(), "it was closed");
                assert!(s.is_closed() && r.is_closed());
                assert_no_more_sends(&s);
                assert_eq!(r.iter().collect::<Vec<_>>(), (0..there).collect::<Vec<_>>());
                assert_no_more_messages(&r);
                assert_no_more_messages(&r.clone());
            }
        }
    }

    fn waiting_receivers_are_told(place) {
        let end: [fn(Sender<u32>); 2] = [drop, |s| assert!(s.close())];
        for end in end {
            for (s, r) in each::<u32>() {
                let receivers: Vec<_> = (0..3)
                    .map(|_| {
                        let r = r.clone();
                        place.spawn(move || r.recv())
                    })
                    .collect();
                eventually("all wait", || r.balance() == -3);
                end(s);
                for receiver in receivers {
                    assert_eq!(receiver.join(), Err(RecvError));
                }
            }
        }
    }

    fn waiting_senders_get_their_message_back(place) {
        let end: [fn(Receiver<u32>); 2] = [drop, |r| assert!(r.close())];
        for end in end {
            for (s, r) in [bounded(0), bounded(1)] {
                for _ in 0..s.capacity().unwrap() {
                    s.send(0).unwrap();
                }
                let senders: Vec<_> = (0..3)
                    .map(|i| {
                        let s = s.clone();
                        place.spawn(move || s.send(i))
                    })
                    .collect();
                eventually("all wait", || s.balance() == 3);
                end(r);
                for (sender, i) in senders.into_iter().zip(0..) {
                    assert_eq!(sender.join(), Err(SendError(i)));
                }
            }
        }
    }

    fn a_closer_that_drains_gets_all_that_was_sent(place) {
        // Only where a sender that never ends must wait.
        for (s, r) in [bounded(0), bounded(1), bounded(3)] {
            let senders: Vec<_> = (0..3)
                .map(|_| {
                    let s = s.clone();
                    place.spawn(move || (0u32..).find(|&i| s.send(i).is_err()).unwrap())
                })
                .collect();
            let mut received = r.iter().take(SOME as usize / 2).count();
            r.close();
            received += r.iter().count();
            let sent: u32 = senders.into_iter().map(|sender| sender.join()).sum();
            assert_eq!(received, sent as usize);
        }
    }

    fn both_sides_go_at_once(place) {
        for _ in 0..SOME {
            for (s, r) in each() {
                let sender = place.spawn(move || s.try_send(Box::new(1)).is_ok());
                let receiver = place.spawn(move || r.try_recv().is_ok());
                let (sent, received) = (sender.join(), receiver.join());
                assert!(sent || !received);
            }
        }
    }
}

/// Told to end while it waits, a tasklet takes nothing with it that others should have.
#[test]
fn a_cancelled_receiver_takes_no_message() {
    for (s, r) in each() {
        tasklets::run({
            let r = r.clone();
            move || {
                let waiting = r.clone();
                tasklets::spawn(move || waiting.recv());
                eventually("it waits", || r.balance() == -1);
            }
        });
        assert_eq!(r.balance(), 0, "it does not wait any more");
        let sender = std::thread::spawn(move || s.send(5));
        assert_eq!(r.recv(), Ok(5));
        sender.join().unwrap().unwrap();
    }
}

#[test]
fn a_cancelled_sender_sends_nothing() {
    for (s, r) in [bounded(0), bounded(1)] {
        for _ in 0..s.capacity().unwrap() {
            s.send("sent").unwrap();
        }
        tasklets::run({
            let s = s.clone();
            move || {
                let waiting = s.clone();
                tasklets::spawn(move || waiting.send("cancelled"));
                eventually("it waits", || s.balance() == 1);
            }
        });
        assert_eq!(s.balance(), 0, "it does not wait any more");
        drop(s);
        assert!(r.iter().all(|message| message == "sent"));
    }
}
