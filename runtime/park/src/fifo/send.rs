//! The senders' side: a place is reserved by moving the tail over it.

use super::contention::stand_back;
use super::link::Link;
use super::place::Place;
use super::segment::{CELLS, Segment};
use super::{CLOSED, Extra, Fifo, POSITION_SHIFT, Refused};
use crate::sync::atomic::{Ordering, fence};

impl<T, X: Extra> Fifo<T, X> {
    /// Appends `value`, unless there are `limit` values or more.
    ///
    /// # Errors
    /// Says why not, and gives the value back.
    #[inline]
    pub fn push(&self, mut value: T, limit: u64) -> Result<(), (Refused, T)> {
        loop {
            let place = match self.reserve(limit) {
                Ok(place) => place,
                Err(refused) => return Err((refused, value)),
            };
            match place.fill(value) {
                Ok(()) => return Ok(()),
                Err(back) => value = back,
            }
        }
    }

    /// Reserves the place for one value, unless there are `limit` or more.
    ///
    /// # Errors
    /// Says why not.
    #[inline]
    pub fn reserve(&self, limit: u64) -> Result<Place<'_, T, X>, Refused> {
        loop {
            // Acquire: before the tail is moved, so that a skip of this place is not among them.
            let skips = self.tail.skips.load(Ordering::Acquire);
            let word = self.tail.word.load(Ordering::SeqCst);
            if word & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            let position = word >> POSITION_SHIFT;
            if limit != u64::MAX && position >= self.tail.room.load(Ordering::Relaxed) {
                // Read after the tail, which only grows: that many there were at this very moment, if it is full.
                let head = self.head_position();
                if position.saturating_sub(head) >= limit {
                    if self.pass_given_up(head) {
                        continue;
                    }
                    return Err(Refused::Full);
                }
                self.tail.room.store(head.saturating_add(limit), Ordering::Relaxed);
            }
            let last = Link::<Segment<T, X>>::from_bits(self.tail.segment.load(Ordering::Acquire));
            if !last.has_number(position / CELLS) {
                self.append_segment(last, position / CELLS);
                continue;
            }
            let moved = word + (1 << POSITION_SHIFT);
            // Sequentially consistent: partner of `close`, and of those who look at the tail after they have registered as waiting.
            if self.tail.word.compare_exchange(word, moved, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                // SAFETY: the link was read while the tail was `position`, so this is the segment with that cell, and segments live as
                // long as the queue.
                let segment = unsafe { &*last.segment() };
                return Ok(Place { queue: self, segment, position, skips });
            }
            stand_back();
        }
    }

    /// How often receivers have tried to skip a place.
    #[inline]
    pub(super) fn skips(&self) -> u64 {
        self.tail.skips.load(Ordering::Relaxed)
    }

    /// The sender of `position`, which has filled the cell while some place was skipped: whether a receiver has taken the value, or will. If
    /// not, nobody will.
    #[cold]
    pub(super) fn settle(&self, segment: &Segment<T, X>, position: u64) -> bool {
        // Partner: the heavy fence in `skip`. Either the look there finds the value, or the head that was read before it is seen here.
        fence(Ordering::SeqCst);
        loop {
            let head = self.head_word();
            if head.position() < position {
                return true;
            }
            if head.position() > position {
                return !segment.is_skipped(position);
            }
            if head.is_skipping() {
                self.pass_skipped(segment, head);
            } else if !head.is_unmarked() || self.change_head(head, head.certain()) {
                return true;
            }
        }
    }

    /// Sender: makes segment `number` the last one, after `last`, unless somebody else has.
    #[cold]
    pub(super) fn append_segment(&self, last: Link<Segment<T, X>>, number: u64) {
        if !last.has_number(number.wrapping_sub(1)) {
            // The tail has moved on since it was read.
            return;
        }
        let next = self.next_of(last);
        let mut link = Link::<Segment<T, X>>::from_bits(next.load(Ordering::Acquire));
        if link.segment().is_null() {
            if !link.has_number(number.wrapping_sub(1)) {
                return;
            }
            let segment = self.stock.take();
            // SAFETY: segments live as long as the queue, and this one is ours.
            unsafe { (*segment).prepare(number) };
            let made = Link::new(segment, number);
            // Release: partner of the acquires with which the link is read, for what `prepare` wrote.
            match next.compare_exchange(link.into_bits(), made.into_bits(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => link = made,
                Err(now) => {
                    self.stock.give(segment);
                    link = Link::from_bits(now);
                }
            }
        }
        if link.has_number(number) && !link.segment().is_null() {
            // Failing, somebody else has done it.
            let _ = self.tail.segment.compare_exchange(
                last.into_bits(),
                link.into_bits(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }
}
