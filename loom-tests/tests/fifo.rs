//! `tasklets_park::fifo`: nothing is lost or doubled, and order is kept. Segments have two cells here, and nobody has patience.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tasklets_loom_tests::{Plain, explore, explore_deeply};
use tasklets_park::fifo::{Fifo, Refused};

const NO_LIMIT: u64 = u64::MAX;
/// Messages of one model at most.
const MESSAGES: usize = 7;

/// A queue of the numbers of messages, and for each what its sender wrote before it sent it: loom fails the model if the queue does not
/// order that before the receipt.
struct Channel {
    queue: Fifo<usize>,
    written: [Plain<bool>; MESSAGES],
    /// Touched before everything else. A load of the tail hides behind the compare-and-swap that follows it, and loom would not try others
    /// before it; this, which orders no memory, makes it.
    turns: loom::sync::atomic::AtomicUsize,
}

impl Channel {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Fifo::new(),
            written: std::array::from_fn(|_| Plain::new(false)),
            turns: loom::sync::atomic::AtomicUsize::new(0),
        })
    }

    fn take_turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// One that has gone through that many messages, so that memory is used again soon.
    fn used(messages: usize) -> Arc<Self> {
        let channel = Self::new();
        for _ in 0..messages {
            channel.queue.push(0, NO_LIMIT).unwrap();
            channel.queue.pop().expect("it was just sent");
        }
        channel
    }

    fn send(&self, message: usize) {
        self.take_turn();
        self.written[message].set(true);
        self.queue.push(message, NO_LIMIT).expect("it has no bounds and is open");
    }

    fn sender(self: &Arc<Self>, messages: std::ops::Range<usize>) -> JoinHandle<()> {
        let channel = self.clone();
        thread::spawn(move || messages.for_each(|message| channel.send(message)))
    }

    fn receive(&self) -> Option<usize> {
        self.take_turn();
        let message = self.queue.pop()?;
        assert!(self.written[message].replace(false), "received twice");
        Some(message)
    }

    /// Tries so many times.
    fn try_receive(&self, times: usize) -> Vec<usize> {
        (0..times).filter_map(|_| self.receive()).collect()
    }

    fn receiver(self: &Arc<Self>, times: usize) -> JoinHandle<Vec<usize>> {
        let channel = self.clone();
        thread::spawn(move || channel.try_receive(times))
    }

    /// Everybody else has finished: takes what is left.
    fn rest(&self) -> Vec<usize> {
        let rest = std::iter::from_fn(|| self.receive()).collect();
        assert_eq!(self.queue.len(), 0);
        rest
    }
}

fn sorted(mut messages: Vec<usize>) -> Vec<usize> {
    messages.sort_unstable();
    messages
}

/// One sends and one receives, over the end of a segment: all comes once, in order, with what was written before.
#[test]
fn one_sender_and_one_receiver() {
    loom::model(|| {
        let channel = Channel::new();
        let sender = channel.sender(0..3);
        let mut received = channel.try_receive(3);
        sender.join().unwrap();
        received.extend(channel.rest());
        assert_eq!(received, [0, 1, 2]);
    });
}

/// The same, where the segment that is needed next was used before, and while its last receiver may still be at it.
#[test]
fn one_sender_and_one_receiver_use_memory_again() {
    for before in [2, 3] {
        explore(3, move || {
            let channel = Channel::used(before);
            // As many as it takes to come to a cell again that was emptied meanwhile.
            let sender = channel.sender(0..5);
            let mut received = channel.try_receive(4);
            sender.join().unwrap();
            received.extend(channel.rest());
            assert_eq!(received, [0, 1, 2, 3, 4]);
        });
    }
}

/// Two send: each one's messages come in its order.
#[test]
fn two_senders_and_one_receiver() {
    explore(2, || {
        let channel = Channel::new();
        let senders = [channel.sender(0..2), channel.sender(2..4)];
        let mut received = channel.try_receive(2);
        for sender in senders {
            sender.join().unwrap();
        }
        received.extend(channel.rest());
        let place = |message| received.iter().position(|&received| received == message).expect("all come");
        assert!(place(0) < place(1) && place(2) < place(3));
        assert_eq!(sorted(received), [0, 1, 2, 3]);
    });
}

/// Two come to the end of a segment at once, with a fresh one each or the same used one: one is linked, and both messages are in.
#[test]
fn two_senders_link_one_segment() {
    for before in [0, 2, 4] {
        explore(3, move || {
            let channel = Channel::used(before);
            channel.send(0);
            channel.send(1);
            let sender = channel.sender(2..3);
            channel.send(3);
            sender.join().unwrap();
            let received = channel.rest();
            assert_eq!(received[..2], [0, 1]);
            assert_eq!(sorted(received), [0, 1, 2, 3]);
        });
    }
}

/// Two come to the end of a segment, where the next is one that a receiver has left, and may still be in its hands.
#[test]
fn two_senders_link_what_a_receiver_has_left() {
    explore(2, || {
        let channel = Channel::new();
        (0..4).for_each(|message| channel.send(message));
        let receiver = channel.receiver(3);
        let sender = channel.sender(4..5);
        channel.send(5);
        sender.join().unwrap();
        let mut received = receiver.join().unwrap();
        received.extend(channel.rest());
        assert_eq!(received[..4], [0, 1, 2, 3]);
        assert_eq!(sorted(received), [0, 1, 2, 3, 4, 5]);
    });
}

/// Two receive what was sent before: each message comes once, and each receiver gets its own in order.
#[test]
fn two_receivers_share() {
    explore(3, || {
        let channel = Channel::new();
        (0..4).for_each(|message| channel.send(message));
        let receiver = channel.receiver(2);
        let mut received = channel.try_receive(2);
        assert!(received.is_sorted());
        let others = receiver.join().unwrap();
        assert!(others.is_sorted());
        received.extend(others);
        assert_eq!(sorted(received), [0, 1, 2, 3], "nobody leaves before all is taken");
    });
}

/// Two send and two receive.
#[test]
fn two_senders_and_two_receivers() {
    explore(2, || {
        let channel = Channel::new();
        let senders = [channel.sender(0..1), channel.sender(1..2)];
        let receiver = channel.receiver(1);
        let mut received = channel.try_receive(1);
        for sender in senders {
            sender.join().unwrap();
        }
        received.extend(receiver.join().unwrap());
        received.extend(channel.rest());
        assert_eq!(sorted(received), [0, 1]);
    });
}

/// A receiver is slow while the others take the queue round its memory: it takes nothing that is not its own.
#[test]
fn a_slow_receiver_meets_memory_that_is_used_again() {
    explore(2, || {
        let channel = Channel::new();
        channel.send(0);
        let slow = channel.receiver(1);
        let mut received = Vec::new();
        for message in 1..6 {
            channel.send(message);
            received.extend(channel.receive());
        }
        assert!(received.is_sorted());
        received.extend(slow.join().unwrap());
        received.extend(channel.rest());
        assert_eq!(sorted(received), [0, 1, 2, 3, 4, 5]);
    });
}

/// A sender is slow while the others take the queue round its memory: it puts nothing where it does not belong.
#[test]
fn a_slow_sender_meets_memory_that_is_used_again() {
    explore_deeply(3, || {
        // At the end of a segment that comes next but one.
        let channel = Channel::used(2);
        let slow = channel.sender(0..1);
        thread::yield_now();
        let mut received = Vec::new();
        for message in 1..7 {
            channel.send(message);
            received.extend(channel.receive());
        }
        slow.join().unwrap();
        received.extend(channel.rest());
        let fast: Vec<_> = received.iter().copied().filter(|&message| message != 0).collect();
        assert!(fast.is_sorted());
        assert!(sorted(received).into_iter().eq(0..7));
    });
}

/// A sender stops between the reservation of its place and its filling, with a message behind it: receivers get that one without
/// waiting, and the late one comes once all the same.
#[test]
fn a_slow_sender_holds_nobody_up() {
    for receivers in [1, 2] {
        explore(3, move || {
            let channel = Channel::new();
            let place = channel.queue.reserve(NO_LIMIT).unwrap().into_raw();
            channel.send(1);
            let slow = {
                let channel = channel.clone();
                thread::spawn(move || {
                    channel.take_turn();
                    channel.written[0].set(true);
                    // SAFETY: it is a place of this queue, and filled here only.
                    match unsafe { channel.queue.place_from_raw(place) }.fill(0) {
                        Ok(()) => false,
                        Err(message) => {
                            channel.queue.push(message, NO_LIMIT).unwrap();
                            true
                        }
                    }
                })
            };
            let others: Vec<_> = (1..receivers).map(|_| channel.receiver(1)).collect();
            let mut received = channel.try_receive(1);
            if others.is_empty() {
                assert_eq!(received.len(), 1, "a message was sent, and nobody else receives");
            }
            received.extend(others.into_iter().flat_map(|other| other.join().unwrap()));
            let broken = slow.join().unwrap();
            received.extend(channel.rest());
            if receivers == 1 {
                assert_eq!(received, if broken { [1, 0] } else { [0, 1] });
            }
            assert_eq!(sorted(received), [0, 1]);
        });
    }
}

/// A place is given up while a receiver loses its patience with it: the receiver gets what comes behind, and the memory is used again.
#[test]
fn a_place_that_is_given_up_is_passed_over() {
    explore(3, || {
        let channel = Channel::new();
        let place = channel.queue.reserve(NO_LIMIT).unwrap();
        channel.send(1);
        let receiver = channel.receiver(1);
        drop(place);
        assert_eq!(receiver.join().unwrap(), [1]);
        (2..6).for_each(|message| channel.send(message));
        assert_eq!(channel.rest(), [2, 3, 4, 5]);
    });
}

/// Room for one: two who find it free do not both get it, and whoever is refused was refused because it was taken.
#[test]
fn two_senders_and_room_for_one() {
    explore(3, || {
        let queue = Arc::new(Fifo::<usize>::new());
        let other = {
            let queue = queue.clone();
            thread::spawn(move || queue.push(1, 1))
        };
        let mine = queue.push(0, 1);
        let results = [mine, other.join().unwrap()];
        let sent: Vec<_> = (0..2).filter(|&who| results[who].is_ok()).collect();
        assert_eq!(sent.len(), 1, "one is sent and one is refused");
        assert_eq!(results[1 - sent[0]], Err((Refused::Full, 1 - sent[0])));
        assert_eq!(queue.pop(), Some(sent[0]));
        assert_eq!(queue.pop(), None);
    });
}

/// Room for one, and a receiver that makes more: there is never more than one message in the queue, and all that went in come out in
/// each sender's order.
#[test]
fn capacity_is_never_exceeded() {
    explore(2, || {
        let queue = Arc::new(Fifo::<usize>::new());
        // Counted after a push and before a pop, so never more than there are; not part of the model.
        let inside = Arc::new(AtomicUsize::new(0));
        let taken = Arc::new(AtomicUsize::new(0));
        let send = |queue: &Fifo<usize>, inside: &AtomicUsize, taken: &AtomicUsize, message| {
            let sent = queue.push(message, 1);
            if sent.is_ok() {
                let inside = inside.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(inside <= taken.load(Ordering::SeqCst) + 1, "two at once");
            }
            assert!(queue.len() <= 1);
            sent.is_ok().then_some(message)
        };
        let sender = {
            let (queue, inside, taken) = (queue.clone(), inside.clone(), taken.clone());
            thread::spawn(move || {
                [0, 1].into_iter().filter_map(|i| send(&queue, &inside, &taken, i)).collect::<Vec<_>>()
            })
        };
        let receiver = {
            let (queue, taken) = (queue.clone(), taken.clone());
            thread::spawn(move || {
                taken.fetch_add(1, Ordering::SeqCst);
                let message = queue.pop();
                if message.is_none() {
                    taken.fetch_sub(1, Ordering::SeqCst);
                }
                message
            })
        };
        let mut sent = Vec::from_iter(send(&queue, &inside, &taken, 2));
        sent.extend(sender.join().unwrap());
        let mut received = Vec::from_iter(receiver.join().unwrap());
        received.extend(queue.pop());
        assert_eq!(queue.pop(), None);
        assert!(!received.contains(&0) || !received.contains(&1) || received == [0, 1]);
        assert_eq!(sorted(received), sorted(sent));
    });
}

/// A queue is closed while somebody sends: what was accepted is received by whoever empties it, and once that has found nothing, nothing
/// comes.
#[test]
fn what_was_accepted_before_the_close_is_received() {
    explore(3, || {
        let channel = Channel::new();
        channel.send(0);
        let sender = {
            let channel = channel.clone();
            thread::spawn(move || {
                [1, 2].map(|message| {
                    channel.take_turn();
                    channel.written[message].set(true);
                    match channel.queue.push(message, NO_LIMIT) {
                        Ok(()) => true,
                        Err((refused, back)) => {
                            assert_eq!((refused, back), (Refused::Closed, message));
                            false
                        }
                    }
                })
            })
        };
        channel.take_turn();
        assert!(channel.queue.close());
        assert!(!channel.queue.close() && channel.queue.is_closed());
        let received = std::iter::from_fn(|| channel.receive()).collect::<Vec<_>>();
        let accepted = sender.join().unwrap();
        assert_eq!(channel.receive(), None, "it was found closed and empty");
        assert!(accepted[0] || !accepted[1], "once closed, closed for ever");
        assert_eq!(received.len(), 1 + accepted.into_iter().filter(|&accepted| accepted).count());
        assert!(received.is_sorted());
    });
}

/// A queue is dropped with messages in it, one of them behind a broken place: each is dropped once.
#[test]
fn what_is_left_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    explore(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        let queue = Arc::new(Fifo::<Counted>::new());
        let sender = {
            let (queue, dropped) = (queue.clone(), dropped.clone());
            thread::spawn(move || assert!(queue.push(Counted(dropped), NO_LIMIT).is_ok()))
        };
        assert!(queue.push(Counted(dropped.clone()), NO_LIMIT).is_ok());
        let taken = usize::from(queue.pop().is_some());
        assert_eq!(dropped.load(Ordering::Relaxed), taken);
        sender.join().unwrap();
        drop(queue);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    });
}

/// Places are filled, given up and broken off by turns: the memory of all of them is used again, so that a queue that is never long takes
/// two segments.
#[test]
fn memory_is_used_again() {
    loom::model(|| {
        let queue = Fifo::<usize>::new();
        let mut addresses = std::collections::HashSet::new();
        let mut reserve = || {
            let place = queue.reserve(NO_LIMIT).unwrap();
            addresses.insert(std::ptr::from_ref(place.extra()).addr());
            let place = place.into_raw();
            // SAFETY: it is a place of this queue, and used here only.
            unsafe { queue.place_from_raw(place) }
        };
        for round in 0..4 {
            reserve().fill(round).unwrap();
            assert_eq!(queue.pop(), Some(round));
            let slow = reserve();
            reserve().fill(round).unwrap();
            assert_eq!(queue.pop(), Some(round));
            assert_eq!(slow.fill(round), Err(round), "it was broken off");
            drop(reserve());
        }
        assert_eq!(queue.pop(), None);
        assert!(addresses.len() <= 6, "{} cells, in segments of two", addresses.len());
    });
}

/// Two segments are left one after the other while cells of both are still in a receiver's hands, and a sender who needs memory sorts them
/// out: neither is lost, and neither is used twice.
#[test]
fn segments_that_were_left_too_early_are_used_again() {
    explore(3, || {
        let queue = Arc::new(Fifo::<usize>::new());
        let mut addresses = std::collections::HashSet::new();
        let mut send = |message| {
            let place = queue.reserve(NO_LIMIT).unwrap();
            addresses.insert(std::ptr::from_ref(place.extra()).addr());
            place.fill(message).unwrap();
        };
        (0..5).for_each(&mut send);
        let receiver = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.pop_with(|first, _| {
                    assert_eq!((first, queue.pop()), (0, Some(1)));
                    queue.pop_with(|third, _| assert_eq!((third, queue.pop(), queue.pop()), (2, Some(3), Some(4))));
                });
            })
        };
        (5..7).for_each(&mut send);
        receiver.join().unwrap();
        assert_eq!((queue.pop(), queue.pop()), (Some(5), Some(6)));
        // One cell of the last segment, and four segments more.
        (7..15).for_each(&mut send);
        assert!((7..15).all(|message| queue.pop() == Some(message)));
        assert!(addresses.len() <= 10, "{} cells, in segments of two", addresses.len());
    });
}
