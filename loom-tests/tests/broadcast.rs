//! `tasklets_channels::broadcast`: one order for all, nothing torn, nothing missing but what is said to be, and nobody sleeps for
//! ever.
#![cfg(tasklets_loom)]

use loom::thread;
use std::pin::pin;
use std::time::Duration;
use tasklets_channels::broadcast::{Receiver, RecvError, RecvTimeoutError, channel};
use tasklets_loom_tests::{Plain, Task, Tasklet, as_os_thread, explore};

const GONE: u32 = u32::MAX;

/// A message whose cloning races with its dropping unless something else orders the two.
struct Message(Plain<u32>);

impl Message {
    fn new(number: u32) -> Self {
        Self(Plain::new(number))
    }

    fn number(&self) -> u32 {
        let number = self.0.get();
        assert_ne!(number, GONE);
        number
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        Self::new(self.number())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        assert_ne!(self.0.replace(GONE), GONE);
    }
}

/// Receives to the end. Returns the messages, and how many are said to be missing.
fn take_all(receiver: &mut Receiver<Message>) -> (Vec<u32>, u64) {
    let (mut numbers, mut missed) = (Vec::new(), 0);
    loop {
        match receiver.recv() {
            Ok(message) => numbers.push(message.number()),
            Err(RecvError::Lagged(more)) => missed += more,
            Err(RecvError::Disconnected) => return (numbers, missed),
        }
    }
}

/// A message is sent while a tasklet, or a thread, falls asleep for it.
#[test]
fn a_message_wakes_whoever_waits_for_it() {
    for run in [|wait: &mut dyn FnMut()| Tasklet::new().run(wait), |wait: &mut dyn FnMut()| as_os_thread(wait)] {
        explore(2, move || {
            let (sender, mut receiver) = channel(1);
            let sends = thread::spawn(move || {
                assert!(sender.send(Message::new(1)).is_ok());
                sender
            });
            run(&mut || assert!(receiver.recv().is_ok_and(|message| message.number() == 1)));
            sends.join().unwrap();
        });
    }
}

/// The last sender sends and goes while a tasklet falls asleep: it has the message, and then the end.
#[test]
fn all_messages_come_before_the_end() {
    explore(2, || {
        let (sender, mut receiver) = channel(1);
        let sends = thread::spawn(move || drop(sender.send(Message::new(1))));
        Tasklet::new().run(|| assert_eq!(take_all(&mut receiver), (vec![1], 0)));
        sends.join().unwrap();
    });
}

/// A message makes room for another while it is cloned.
#[test]
fn a_message_that_is_received_stays_until_it_is() {
    explore(2, || {
        let (sender, mut receiver) = channel(1);
        assert!(sender.send(Message::new(1)).is_ok());
        let sends = thread::spawn(move || {
            for number in [2, 3] {
                assert!(sender.send(Message::new(number)).is_ok());
            }
        });
        let (numbers, missed) = Tasklet::new().run(|| take_all(&mut receiver));
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert_eq!((numbers.last(), numbers.len() as u64 + missed), (Some(&3), 3));
        sends.join().unwrap();
    });
}

/// Two senders reach for the same place: both messages are there, in one order for two receivers.
#[test]
fn two_senders_agree_on_an_order() {
    explore(2, || {
        let (sender, mut receiver) = channel(2);
        let mut second = receiver.clone();
        let other = {
            let sender = sender.clone();
            thread::spawn(move || drop(sender.send(Message::new(1))))
        };
        assert!(sender.send(Message::new(2)).is_ok());
        drop(sender);
        let (numbers, missed) = Tasklet::new().run(|| take_all(&mut receiver));
        assert_eq!((numbers.len(), missed), (2, 0));
        other.join().unwrap();
        assert_eq!(Tasklet::new().run(|| take_all(&mut second)), (numbers, 0));
    });
}

/// The same in a ring of one place, where one message makes room for the other.
#[test]
fn two_senders_share_a_place() {
    explore(2, || {
        let (sender, mut receiver) = channel(1);
        let other = {
            let sender = sender.clone();
            thread::spawn(move || drop(sender.send(Message::new(1))))
        };
        assert!(sender.send(Message::new(2)).is_ok());
        drop(sender);
        let (numbers, missed) = Tasklet::new().run(|| take_all(&mut receiver));
        assert!((1..=2).contains(&numbers.len()), "{numbers:?}");
        assert_eq!(numbers.len() as u64 + missed, 2);
        other.join().unwrap();
    });
}

/// The time is over while a message is sent: it is received now or the next time.
#[test]
fn a_message_that_meets_a_timeout_is_kept() {
    explore(2, || {
        let (sender, mut receiver) = channel(1);
        let sends = thread::spawn(move || {
            assert!(sender.send(Message::new(1)).is_ok());
            sender
        });
        Tasklet::new().run(|| match receiver.recv_timeout(Duration::ZERO) {
            Ok(message) => assert_eq!(message.number(), 1),
            Err(error) => {
                assert_eq!(error, RecvTimeoutError::Timeout);
                assert!(receiver.recv().is_ok());
            }
        });
        sends.join().unwrap();
    });
}

/// A future is polled while a message is sent; and one that is dropped instead leaves the message to be received.
#[test]
fn a_message_reaches_a_future_or_the_next() {
    for give_up in [false, true] {
        explore(2, move || {
            let (sender, mut receiver) = channel(1);
            let sends = thread::spawn(move || {
                assert!(sender.send(Message::new(1)).is_ok());
                sender
            });
            let task = Task::new();
            if give_up {
                let received = {
                    let mut wait = pin!(receiver.recv_async());
                    task.once(|cx| wait.as_mut().poll(cx)).is_ready()
                };
                drop(sends.join().unwrap());
                assert_eq!(received, receiver.try_recv().is_err());
            } else {
                let mut wait = pin!(receiver.recv_async());
                assert!(task.run(|cx| wait.as_mut().poll(cx)).is_ok());
                sends.join().unwrap();
            }
        });
    }
}

/// A receiver subscribes while messages are sent: it misses none that is sent after that.
#[test]
fn who_has_subscribed_gets_what_is_sent_then() {
    explore(2, || {
        let (sender, receiver) = channel(2);
        let other = {
            let sender = sender.clone();
            thread::spawn(move || drop(sender.send(Message::new(1))))
        };
        let mut late = sender.subscribe();
        assert!(sender.send(Message::new(2)).is_ok());
        drop((sender, receiver));
        let (numbers, missed) = Tasklet::new().run(|| take_all(&mut late));
        assert!(numbers.contains(&2));
        assert_eq!(missed, 0);
        other.join().unwrap();
    });
}
