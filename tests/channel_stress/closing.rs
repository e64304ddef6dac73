//! Closed is for good, and what was accepted before it comes out.

use crate::channel;
use crate::crew::{Crew, Part, watch};
use crate::dice::Dice;
use crate::ledger::Ledger;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tasklets::channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, TrySendError};
use tasklets::select;

const SENDERS: u64 = 3;
const RECEIVERS: usize = 3;
const ROUNDS: usize = if cfg!(miri) { 1 } else { 60 };
/// More than any sender gets rid of before the close.
const MOST: u64 = 10_000;

/// What the parts of one round have seen. All accesses are sequentially consistent: who reads a flag before his operation knows that
/// the operation behind the flag was over.
struct Seen {
    accepted: Ledger,
    received: Ledger,
    /// A send failed for ever.
    refused: AtomicBool,
    /// A receive failed for ever.
    ended: AtomicBool,
    /// Calls of `close` that said they did it.
    closed: AtomicU64,
}

fn send(sender: &Sender<u64>, message: u64, dice: &mut Dice) -> Result<(), SendTimeoutError<u64>> {
    match dice.throw(4) {
        0 => sender.send(message).map_err(|error| SendTimeoutError::Disconnected(error.0)),
        1 => sender.send_timeout(message, dice.short()),
        2 => sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(message) => SendTimeoutError::Timeout(message),
            TrySendError::Disconnected(message) => SendTimeoutError::Disconnected(message),
        }),
        _ => select! {
            send(sender, message) -> sent => sent.map_err(|error| SendTimeoutError::Disconnected(error.0)),
            default(dice.short()) => Err(SendTimeoutError::Timeout(message)),
        },
    }
}

fn receive(receiver: &Receiver<u64>, dice: &mut Dice) -> Result<u64, RecvTimeoutError> {
    match dice.throw(4) {
        0 => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        1 => receiver.recv_timeout(dice.short()),
        2 => receiver.try_recv().map_err(|error| match error {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        }),
        _ => select! {
            recv(receiver) -> message => message.map_err(|_| RecvTimeoutError::Disconnected),
            default(dice.short()) => Err(RecvTimeoutError::Timeout),
        },
    }
}

impl Seen {
    fn new() -> Self {
        Self {
            accepted: Ledger::new(SENDERS, MOST),
            received: Ledger::new(SENDERS, MOST),
            refused: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            closed: AtomicU64::new(0),
        }
    }

    /// Sends until that fails for ever, and once more.
    fn sends(&self, number: u64, sender: &Sender<u64>, dice: &mut Dice) {
        let mut messages = self.accepted.messages_of(number);
        let mut refusals = 0;
        while refusals < 2
            && let Some(message) = messages.next()
        {
            let too_late = self.refused.load(SeqCst);
            match send(sender, message, dice) {
                Ok(()) => {
                    assert!(!too_late, "accepted after a send was refused");
                    self.accepted.note(message);
                }
                Err(SendTimeoutError::Timeout(back)) => assert_eq!(back, message),
                Err(SendTimeoutError::Disconnected(back)) => {
                    assert_eq!(back, message);
                    self.refused.store(true, SeqCst);
                    refusals += 1;
                }
            }
        }
    }

    /// Receives until that fails for ever, and once more.
    fn receives(&self, receiver: &Receiver<u64>, dice: &mut Dice) {
        let mut reader = self.received.reader();
        let mut ends = 0;
        while ends < 2 {
            let too_late = self.ended.load(SeqCst);
            match receive(receiver, dice) {
                Ok(message) => {
                    assert!(!too_late, "received after the end");
                    reader.note(0, message);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.ended.store(true, SeqCst);
                    ends += 1;
                }
            }
        }
    }
}

fn close_under_way(capacity: Option<usize>) {
    let _watchdog = watch("closing");
    let crew = Crew::new(2);
    for round in 0..ROUNDS {
        let seen = &Seen::new();
        let (sender, receiver) = channel(capacity);
        let mut parts: Vec<Part<'_>> = Vec::new();
        for number in 0..SENDERS {
            let sender = sender.clone();
            parts.push(Box::new(move || seen.sends(number, &sender, &mut Dice::new(round * 100 + number as usize))));
        }
        for number in 0..RECEIVERS {
            let receiver = receiver.clone();
            parts.push(Box::new(move || seen.receives(&receiver, &mut Dice::new(round * 100 + 50 + number))));
        }
        // A close from either side, in a tasklet and on a thread.
        let pause = Duration::from_micros(Dice::new(round).throw(400));
        let from_sender = move || sender.close();
        let from_receiver = move || receiver.close();
        for close in [Box::new(from_sender) as Box<dyn Fn() -> bool + Send>, Box::new(from_receiver)] {
            parts.push(Box::new(move || {
                tasklets::sleep(pause);
                seen.closed.fetch_add(u64::from(close()), SeqCst);
            }));
        }
        crew.run_all(parts);
        assert_eq!(seen.accepted.noted(), seen.received.noted(), "capacity {capacity:?}, round {round}");
        assert!(seen.accepted.agrees_with(&seen.received), "capacity {capacity:?}, round {round}");
        // The senders may all have run out of messages before.
        assert!(seen.closed.load(SeqCst) <= 1, "several calls closed one channel");
        if seen.refused.load(SeqCst) {
            assert_eq!(seen.closed.load(SeqCst), 1, "refused while nobody had closed");
        }
    }
}

#[test]
fn rendezvous() {
    close_under_way(Some(0));
}

#[test]
fn bounded() {
    close_under_way(Some(1));
    close_under_way(Some(3));
}

#[test]
fn unbounded() {
    close_under_way(None);
}
