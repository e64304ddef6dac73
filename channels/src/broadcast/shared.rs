//! The ring.

use super::error::RecvError;
use crate::counted::{Held, Showcase};
use crossbeam_utils::CachePadded;
use tasklets_park::WaitQueue;
use tasklets_park::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[cfg(tasklets_loom)]
pub(super) use loom::sync::Arc;
#[cfg(not(tasklets_loom))]
pub(super) use std::sync::Arc;

/// Leaves half of the slots that a showcase can have for messages that are not shown any more but still read.
const MOST: usize = 1 << 23;

/// See the [module](super) for the protocol.
pub(super) struct Shared<T> {
    /// The stamps are the messages' numbers.
    ring: Showcase<T, Box<[AtomicU64]>>,
    capacity: u64,
    /// The number of the next message.
    tail: CachePadded<AtomicU64>,
    // Every handle also counts in the `Arc`, which aborts long before these overflow.
    pub(super) senders: AtomicUsize,
    pub(super) receivers: AtomicUsize,
    /// Receivers that wait for a message, or for the last sender to go.
    pub(super) waiting: WaitQueue,
}

impl<T> Shared<T> {
    /// An empty ring without handles.
    ///
    /// # Panics
    /// If `capacity` is 0 or too large.
    pub(super) fn new(capacity: usize) -> Self {
        assert!((1..=MOST).contains(&capacity), "the capacity of a broadcast channel is at least 1 and at most 2^23");
        Self {
            ring: Showcase::new((0..capacity).map(|_| AtomicU64::new(0)).collect()),
            capacity: capacity as u64,
            tail: CachePadded::new(AtomicU64::new(0)),
            senders: AtomicUsize::new(0),
            receivers: AtomicUsize::new(0),
            waiting: WaitQueue::new(),
        }
    }

    /// The number of the next message.
    pub(super) fn tail(&self) -> u64 {
        self.tail.load(Ordering::SeqCst)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    fn place(&self, number: u64) -> usize {
        (number % self.capacity) as usize
    }

    /// Sends. The steps are those of the [module](super).
    pub(super) fn send(&self, message: T) {
        let mut fresh = self.ring.fresh(message);
        // What was shown before is dropped at the very end: that may be foreign code.
        let before = loop {
            let number = self.tail();
            let place = self.place(number);
            let shown = self.ring.hold(place);
            if shown.as_ref().is_some_and(|shown| shown.stamp() >= number) {
                // Sent, but not yet counted; or `tail` has gone on long since, and this does nothing.
                self.count(number);
                continue;
            }
            fresh.set_stamp(number);
            match self.ring.replace(place, shown.as_ref(), fresh) {
                Ok(()) => {
                    self.count(number);
                    break shown;
                }
                Err(back) => fresh = back,
            }
        };
        self.wake_receivers();
        drop(before);
    }

    /// Message `number` is in its place: it is sent, if nobody has said so before.
    fn count(&self, number: u64) {
        let _ = self.tail.compare_exchange(number, number + 1, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(super) fn wake_receivers(&self) {
        if !self.waiting.is_empty() {
            self.waiting.wake_all();
        }
    }

    /// The message with the number `next`, which goes on to the next one. `None`: there is none yet.
    pub(super) fn receive(&self, next: &mut u64) -> Option<Result<Held<'_, T>, RecvError>> {
        // The senders first: what they sent before they went is counted then.
        let disconnected = self.senders.load(Ordering::SeqCst) == 0;
        if self.tail() <= *next {
            return disconnected.then_some(Err(RecvError::Disconnected));
        }
        let shown = self.ring.hold(self.place(*next)).expect("the place of a message that was sent shows something");
        let number = shown.stamp();
        if number == *next {
            *next += 1;
            return Some(Ok(shown));
        }
        // A later message is in the place, so those up to one capacity before it had to go, and perhaps more have by now. It may
        // be one that is not counted yet, hence both.
        let oldest = self.tail().saturating_sub(self.capacity).max(number + 1 - self.capacity);
        let missed = oldest - std::mem::replace(next, oldest);
        Some(Err(RecvError::Lagged(missed)))
    }

    /// Whether `receive` would return something. Sequentially consistent, for use after registering in the wait queue.
    pub(super) fn has_something(&self, next: u64) -> bool {
        self.tail() > next || self.senders.load(Ordering::SeqCst) == 0
    }
}
