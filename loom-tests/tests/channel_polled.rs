//! `tasklets_channels`: futures, which may be dropped at any time.
#![cfg(tasklets_loom)]

use loom::thread;
use std::future::Future as _;
use std::task::Poll;
use tasklets_channels::{Receiver, Select, bounded, unbounded};
use tasklets_loom_tests::{Letter, Mail, Task, as_task, as_tasklet, explore, left_in, receive, spawn, spawn_sender};

/// A future receives while a message is sent, and a future sends while one is received, through each kind of channel.
#[test]
fn futures_meet() {
    for capacity in [None, Some(1), Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = {
                let mail = mail.clone();
                thread::spawn(move || as_task(s.send_async(mail.letter(0))).unwrap())
            };
            // In a tasklet, since a rendezvous may make it wait.
            as_tasklet(|| assert_eq!(as_task(r.recv_async()).unwrap().number(), 0));
            sender.join().unwrap();
        });
    }
}

/// A future receives what a tasklet sends.
#[test]
fn a_future_and_a_sender() {
    for capacity in [None, Some(0)] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = spawn_sender(&s, &mail, [0]);
            as_tasklet(|| assert_eq!(as_task(r.recv_async()).unwrap().number(), 0));
            sender.join().unwrap();
        });
    }
}

/// A tasklet receives what a future sends, into a full channel or from hand to hand.
#[test]
fn a_future_and_a_receiver() {
    for capacity in [1, 0] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(capacity);
            if capacity == 1 {
                s.try_send(mail.letter(1)).unwrap();
            }
            let receiver = spawn(move || receive(&r, capacity + 1));
            as_task(s.send_async(mail.letter(0))).unwrap();
            assert_eq!(receiver.join().unwrap().last(), Some(&0));
        });
    }
}

/// A future that waits for a message is dropped while it is sent: it goes to another receiver, which waits or comes.
#[test]
fn a_message_for_a_dropped_future_goes_to_the_next() {
    for capacity in [None, Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let mut receiving = Box::pin(r.recv_async());
            assert!(Task::new().once(|cx| receiving.as_mut().poll(cx)).is_pending());
            let other = {
                let r = r.clone();
                spawn(move || receive(&r, 1))
            };
            let sender = spawn_sender(&s, &mail, [0]);
            drop(receiving);
            assert_eq!(other.join().unwrap(), [0]);
            sender.join().unwrap();
        });
    }
}

/// A future is told of a message that had been on its way, and dropped; another future waits behind it, and is told in its place.
#[test]
fn a_dropped_future_tells_the_next() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = unbounded::<Letter>();
        let leaked: &'static Receiver<Letter> = Box::leak(Box::new(r));
        let mut select = Select::new_biased();
        select.send(&s);
        let chosen = select.try_select().unwrap();
        let tasks = [Task::new(), Task::new()];
        let [dropped, other] = tasks.each_ref().map(|task| {
            let mut receiving = Box::pin(leaked.recv_async());
            assert!(task.once(|cx| receiving.as_mut().poll(cx)).is_pending());
            receiving
        });
        let dropper = thread::spawn(move || drop(dropped));
        chosen.send(&s, mail.letter(0)).unwrap();
        dropper.join().unwrap();
        let mut receiving = other;
        assert_eq!(tasks[1].run(|cx| receiving.as_mut().poll(cx)).unwrap().number(), 0);
        drop(receiving);
        // SAFETY: it was leaked above, and its futures have gone.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(leaked).cast_mut()) });
    });
}

/// A future is polled by another task while a message is sent: that task is told.
#[test]
fn a_future_that_moves_to_another_task() {
    for capacity in [None, Some(0)] {
        explore(2, move || {
            let mail = Mail::new();
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let mut receiving = Box::pin(r.recv_async());
            // It stays: loom does not know that memory which is used again has been given up before.
            let first = Task::new();
            assert!(first.once(|cx| receiving.as_mut().poll(cx)).is_pending());
            let sender = spawn_sender(&s, &mail, [0]);
            let received = as_tasklet(|| Task::new().run(|cx| receiving.as_mut().poll(cx)));
            assert_eq!(received.unwrap().number(), 0);
            sender.join().unwrap();
        });
    }
}

/// A future that waits to send is dropped while its message is taken: it was sent, or is gone with the future.
#[test]
fn a_dropped_future_that_sends() {
    for capacity in [1, 0] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(capacity);
            if capacity == 1 {
                s.try_send(mail.letter(1)).unwrap();
            }
            let mut sending = Box::pin(s.send_async(mail.letter(0)));
            assert!(Task::new().once(|cx| sending.as_mut().poll(cx)).is_pending());
            let receiver = {
                let r = r.clone();
                thread::spawn(move || r.try_recv().ok().map(|letter| letter.number()))
            };
            drop(sending);
            let received = receiver.join().unwrap();
            let left = left_in(&r);
            if capacity == 1 {
                assert_eq!(received, Some(1));
                assert!(left.is_empty() || left == [0]);
            } else {
                assert!(received.is_none_or(|number| number == 0) && left.is_empty());
            }
        });
    }
}

/// A future that waits to send is polled while its message is taken, and then dropped: it says that it was sent, or it was not.
#[test]
fn a_future_that_sends_knows_what_became_of_it() {
    explore(3, || {
        let mail = Mail::new();
        let (s, r) = bounded(0);
        let mut sending = Box::pin(s.send_async(mail.letter(0)));
        let task = Task::new();
        assert!(task.once(|cx| sending.as_mut().poll(cx)).is_pending());
        let receiver = thread::spawn(move || r.try_recv().is_ok());
        let sent = task.once(|cx| sending.as_mut().poll(cx));
        let received = receiver.join().unwrap();
        match sent {
            Poll::Ready(Ok(())) => assert!(received),
            // The receiver has gone.
            Poll::Ready(Err(_)) => assert!(!received),
            Poll::Pending => {
                let result = task.run(|cx| sending.as_mut().poll(cx));
                assert_eq!(result.is_ok(), received);
            }
        }
    });
}

/// The channel is closed while a future begins to wait: it learns of it.
#[test]
fn a_future_learns_of_the_close() {
    for capacity in [0, 1] {
        explore(3, move || {
            let mail = Mail::new();
            let (s, r) = bounded(capacity);
            let closer = {
                let s = s.clone();
                thread::spawn(move || assert!(s.close()))
            };
            assert!(as_task(r.recv_async()).is_err());
            assert!(as_task(s.send_async(mail.letter(0))).is_err());
            closer.join().unwrap();
        });
    }
}
