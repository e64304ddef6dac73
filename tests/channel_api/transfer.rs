//! Messages get across: once, in order, and with the waiting that the capacity asks for.

use crate::eventually::eventually;
use crate::place::{SOME, everywhere};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tasklets::channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, TrySendError, bounded, unbounded,
};

const MS: Duration = Duration::from_millis(1);

/// A channel of each kind.
fn each<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [bounded(0), bounded(1), bounded(3), unbounded()]
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

everywhere! {
    fn what_needs_no_waiting_does_not_fail(_) {
        for (s, r) in [bounded(2), unbounded()] {
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
            s.try_send(7).unwrap();
            s.send_deadline(8, Instant::now()).unwrap();
            assert_eq!(r.try_recv(), Ok(7));
            assert_eq!(r.recv_deadline(Instant::now()), Ok(8));
            s.send_timeout(9, MS).unwrap();
            assert_eq!(r.recv_timeout(MS), Ok(9));
            s.send(10).unwrap();
            assert_eq!(r.recv(), Ok(10));
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        }
    }

    fn what_would_wait_gives_the_message_back(_) {
        let (s, r) = bounded(1);
        s.send("first").unwrap();
        assert_eq!(s.try_send("a"), Err(TrySendError::Full("a")));
        assert_eq!(s.send_timeout("b", MS), Err(SendTimeoutError::Timeout("b")));
        assert_eq!(s.send_deadline("c", Instant::now()), Err(SendTimeoutError::Timeout("c")));
        assert_eq!(r.recv(), Ok("first"));
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty), "what timed out was not sent");

        let (s, r) = bounded(0);
        assert_eq!(s.try_send("a"), Err(TrySendError::Full("a")));
        assert_eq!(s.send_timeout("b", MS), Err(SendTimeoutError::Timeout("b")));
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty), "what timed out is not offered any more");
        assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
        assert_eq!(s.try_send("c"), Err(TrySendError::Full("c")), "who timed out does not receive any more");
    }

    fn a_timeout_too_long_to_express_is_none(place) {
        for (s, r) in each() {
            let sender = place.spawn(move || (0..10).try_for_each(|i| s.send_timeout(i, Duration::MAX)));
            for i in 0..10 {
                assert_eq!(r.recv_timeout(Duration::MAX), Ok(i));
            }
            sender.join().unwrap();
            assert_eq!(r.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
        }
    }

    fn a_receiver_waits_for_a_message(place) {
        for (s, r) in each() {
            let receiver = place.spawn(move || r.recv());
            eventually("the receiver waits", || s.balance() == -1);
            s.send(5).unwrap();
            assert_eq!(receiver.join(), Ok(5));
            assert_eq!(s.balance(), 0);
        }
    }

    fn a_sender_waits_for_room(place) {
        let (s, r) = bounded(1);
        s.send(0).unwrap();
        let sender = place.spawn({ let s = s.clone(); move || s.send(1) });
        eventually("the sender waits", || s.balance() == 1);
        assert_eq!(r.len(), 1);
        assert_eq!(r.recv(), Ok(0));
        sender.join().unwrap();
        assert_eq!(r.recv(), Ok(1));
    }

    fn a_rendezvous_sender_waits_until_its_message_is_taken(place) {
        let (s, r) = bounded(0);
        let done = Arc::new(AtomicBool::new(false));
        let sender = place.spawn({
            let (s, done) = (s.clone(), done.clone());
            move || {
                s.send("met").unwrap();
                done.store(true, SeqCst);
            }
        });
        eventually("the sender waits", || s.balance() == 1);
        tasklets::sleep(MS);
        assert!(!done.load(SeqCst));
        assert!(r.is_empty() && r.is_full() && r.capacity() == Some(0), "what is offered is not in the channel");
        assert_eq!(r.try_recv(), Ok("met"));
        sender.join();
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    }

    fn a_rendezvous_is_tried_when_a_receiver_waits(place) {
        let (s, r) = bounded(0);
        let receiver = place.spawn(move || r.recv());
        eventually("it can be sent", || s.try_send("met").is_ok());
        assert_eq!(receiver.join(), Ok("met"));
    }

    fn one_sender_is_received_in_order(place) {
        for (s, r) in each() {
            let sender = place.spawn(move || (0..4 * SOME).for_each(|i| s.send(i).unwrap()));
            for i in 0..4 * SOME {
                assert_eq!(r.recv(), Ok(i));
            }
            sender.join();
            assert!(r.recv().is_err());
        }
    }

    fn many_to_many_gets_each_message_across_once(place) {
        const SENDERS: usize = 4;
        for (s, r) in each() {
            let receivers: Vec<_> = (0..3)
                .map(|_| {
                    let r = r.clone();
                    place.spawn(move || {
                        let mut newest = [None; SENDERS];
                        r.iter()
                            .inspect(|&(sender, i)| {
                                assert!(newest[sender] < Some(i), "each sender's messages come in order");
                                newest[sender] = Some(i);
                            })
                            .collect::<Vec<(usize, u32)>>()
                    })
                })
                .collect();
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| {
                    let s = s.clone();
                    place.spawn(move || (0..SOME).for_each(|i| s.send((sender, i)).unwrap()))
                })
                .collect();
            drop((s, r));
            senders.into_iter().for_each(|sender| sender.join());
            let mut all: Vec<_> = receivers.into_iter().flat_map(|receiver| receiver.join()).collect();
            all.sort_unstable();
            let sent = (0..SENDERS).flat_map(|sender| (0..SOME).map(move |i| (sender, i)));
            assert!(all.into_iter().eq(sent));
        }
    }

    fn there_and_back(place) {
        for ((s, r), (s_back, r_back)) in each().into_iter().zip(each()) {
            let echo = place.spawn(move || r.iter().for_each(|i: u32| s_back.send(i + 1).unwrap()));
            for i in 0..SOME {
                s.send(i).unwrap();
                assert_eq!(r_back.recv(), Ok(i + 1));
            }
            drop(s);
            echo.join();
        }
    }

    fn messages_are_dropped_once(place) {
        for (s, r) in each() {
            let dropped = Arc::new(AtomicUsize::new(0));
            let sender = place.spawn({
                let dropped = dropped.clone();
                // The receiver goes before the end: where sending waits, the others are given back.
                move || (0..SOME).for_each(|_| drop(s.send(Counted(dropped.clone()))))
            });
            for _ in 0..SOME / 2 {
                drop(r.recv().unwrap());
            }
            drop(r);
            sender.join();
            assert_eq!(dropped.load(SeqCst), SOME as usize);
        }
    }

    fn a_thread_and_a_tasklet(place) {
        for (s, r) in each() {
            let thread = std::thread::spawn(move || (0..SOME).for_each(|i| s.send(i).unwrap()));
            let receiver = place.spawn(move || r.into_iter().sum::<u32>());
            assert_eq!(receiver.join(), (0..SOME).sum());
            thread.join().unwrap();
        }
    }
}
