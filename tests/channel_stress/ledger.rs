//! Which messages have come, in which order.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Two channels between the same ends.
pub(crate) const LANES: usize = 2;

/// A bit for every message. A message is its number; each sender has a range of them, in the order in which it sends.
pub(crate) struct Ledger {
    senders: u64,
    per_sender: u64,
    bits: Vec<AtomicU64>,
}

/// What one receiver has seen, per lane and sender: the next message that may come.
pub(crate) struct Reader<'a> {
    ledger: &'a Ledger,
    next: [Vec<u64>; LANES],
}

impl Ledger {
    pub(crate) fn new(senders: u64, per_sender: u64) -> Self {
        let words = (senders * per_sender).div_ceil(64);
        Self { senders, per_sender, bits: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The messages of one sender.
    pub(crate) fn messages_of(&self, sender: u64) -> std::ops::Range<u64> {
        sender * self.per_sender..(sender + 1) * self.per_sender
    }

    /// Notes a message down.
    ///
    /// # Panics
    /// If it is noted already.
    pub(crate) fn note(&self, message: u64) {
        let bit = 1 << (message % 64);
        let before = self.bits[(message / 64) as usize].fetch_or(bit, Relaxed);
        assert!(before & bit == 0, "message {message} came twice");
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        let next = || (0..self.senders).map(|sender| self.messages_of(sender).start).collect();
        Reader { ledger: self, next: [next(), next()] }
    }

    /// How many are noted.
    pub(crate) fn noted(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.load(Relaxed).count_ones())).sum()
    }

    /// Whether both have the same messages.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.bits.iter().zip(&other.bits).all(|(one, other)| one.load(Relaxed) == other.load(Relaxed))
    }
}

impl Reader<'_> {
    /// Notes a message that came.
    ///
    /// # Panics
    /// If it came before, or after a later one of its sender on that lane.
    pub(crate) fn note(&mut self, lane: usize, message: u64) {
        let sender = (message / self.ledger.per_sender) as usize;
        let next = &mut self.next[lane][sender];
        assert!(message >= *next, "sender {sender} was overtaken by itself: {message} came after {}", *next - 1);
        *next = message + 1;
        self.ledger.note(message);
    }
}
