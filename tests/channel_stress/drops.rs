//! Every message is dropped once: by who received it, by the channel, or by who could not send it.

use crate::channel;
use crate::counted::{Count, Counted};
use crate::crew::{Crew, Part, watch};
use crate::dice::Dice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};

/// More than a segment holds.
const MANY: u64 = if cfg!(miri) { 40 } else { 200 };
const BUFFERED: [Option<usize>; 4] = [Some(1), Some(2), Some(300), None];

/// As many as go in, at most this many.
fn fill(sender: &Sender<Counted>, messages: impl IntoIterator<Item = Counted>) {
    for message in messages.into_iter().take(sender.capacity().unwrap_or(usize::MAX)) {
        assert!(sender.try_send(message).is_ok(), "there is room");
    }
}

/// Drops both ends in each order. Panics that come out of it are taken for expected.
fn in_both_orders(capacity: Option<usize>, fill: impl Fn(&Arc<Count>, &Sender<Counted>, &Receiver<Counted>)) {
    for receiver_first in [false, true] {
        let count = Arc::new(Count::default());
        let (sender, receiver) = channel(capacity);
        fill(&count, &sender, &receiver);
        let mut ends = [Box::new(|| drop(sender)) as Box<dyn FnOnce()>, Box::new(|| drop(receiver))];
        if receiver_first {
            ends.reverse();
        }
        for end in ends {
            let _panicked = catch_unwind(AssertUnwindSafe(end)).is_err();
        }
        count.check(&format!("capacity {capacity:?}, receiver first: {receiver_first}"));
    }
}

#[test]
fn left_in_the_channel() {
    for capacity in BUFFERED {
        for left in [0, 1, 5, MANY] {
            in_both_orders(capacity, |count, sender, receiver| {
                // Not at the beginning of the buffer.
                for number in 0..37 {
                    fill(sender, [count.message(number)]);
                    assert_eq!(receiver.recv().map(|message| message.number), Ok(number));
                }
                fill(sender, (0..left).map(|number| count.message(number)));
            });
        }
    }
}

#[test]
fn a_drop_that_panics() {
    for capacity in BUFFERED {
        for culprit in [0, 1, MANY / 4, MANY - 1] {
            in_both_orders(capacity, |count, sender, _| {
                let make = |number| if number == culprit { count.panicking(number) } else { count.message(number) };
                fill(sender, (0..MANY).map(make));
            });
        }
    }
}

#[test]
fn a_drop_that_uses_its_channel() {
    for capacity in BUFFERED {
        // Dropped by the channel. The senders inside keep it open until the last receiver goes, so that one goes first.
        let count = Arc::new(Count::default());
        let (sender, receiver) = channel(capacity);
        fill(&sender, (0..MANY).map(|number| count.touching(number, sender.clone())));
        drop(receiver);
        drop(sender);
        count.check(&format!("in the channel, capacity {capacity:?}"));

        // Dropped by who received it: the channel takes the message that the drop sends.
        let count = Arc::new(Count::default());
        let (sender, receiver) = channel(capacity);
        fill(&sender, [count.touching(0, sender.clone())]);
        drop(receiver.recv().map_err(drop));
        assert_eq!(receiver.recv().map(|message| message.number), Ok(1_000_000));
        assert!(receiver.recv().is_err(), "the drop closed the channel");
        count.check(&format!("received, capacity {capacity:?}"));
    }
}

#[test]
fn not_sent() {
    for capacity in [Some(0), Some(1), Some(2)] {
        let count = Arc::new(Count::default());
        let (sender, receiver) = channel(capacity);
        fill(&sender, (0..9).map(|number| count.message(number)));
        assert!(sender.try_send(count.message(10)).is_err_and(|error| error.is_full()));
        let late = sender.send_timeout(count.message(11), Duration::from_micros(10));
        assert!(late.is_err_and(|error| error.is_timeout() && error.into_inner().number == 11));
        drop(receiver);
        assert!(sender.send(count.message(12)).is_err_and(|error| error.into_inner().number == 12));
        drop(sender);
        count.check(&format!("capacity {capacity:?}"));
    }
}

#[test]
fn while_receivers_leave() {
    let _watchdog = watch("receivers leave");
    let crew = Crew::new(2);
    for capacity in [Some(0), Some(1), Some(5), None] {
        for round in 0..if cfg!(miri) { 1 } else { 50 } {
            let count = &Arc::new(Count::default());
            let (sender, receiver) = channel(capacity);
            let mut parts: Vec<Part<'_>> = Vec::new();
            for number in 0..4 {
                let sender: Sender<Counted> = sender.clone();
                let mut dice = Dice::new(round * 10 + number);
                parts.push(Box::new(move || {
                    for number in 0.. {
                        // Whoever never waits keeps the receivers of its worker from leaving.
                        if number % 8 == 0 {
                            tasklets::yield_now();
                        }
                        let result = match dice.throw(2) {
                            0 => sender.send(count.message(number)).is_ok(),
                            _ => !sender
                                .send_timeout(count.message(number), dice.short())
                                .is_err_and(|error| error.is_disconnected()),
                        };
                        if !result {
                            break;
                        }
                    }
                }));
            }
            for number in 0..3 {
                let receiver = receiver.clone();
                let mut dice = Dice::new(round * 10 + 5 + number);
                parts.push(Box::new(move || {
                    for _ in 0..dice.throw(if cfg!(miri) { 10 } else { 100 }) {
                        assert!(receiver.recv().is_ok(), "there are senders");
                    }
                }));
            }
            drop((sender, receiver));
            crew.run_all(parts);
            count.check(&format!("capacity {capacity:?}, round {round}"));
        }
    }
}
