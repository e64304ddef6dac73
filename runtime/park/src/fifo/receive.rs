//! The receivers' side: the head is moved over the first place, by whoever takes its value, or because it has none.

use super::contention::stand_back;
use super::head::HeadWord;
use super::link::Link;
use super::segment::{CELLS, Cell, Segment, State};
use super::{CLOSED, Extra, Fifo, POSITION_SHIFT};
use crate::asymmetric::heavy_fence;
use crate::sync::atomic::Ordering;
use crate::sync::{SPINS, spin};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

impl<T, X: Extra> Fifo<T, X> {
    /// Takes the first value.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.pop_with(|value, _| value)
    }

    /// Takes the first value and looks at what goes with it.
    #[inline]
    pub fn pop_with<R>(&self, take: impl FnOnce(T, &X) -> R) -> Option<R> {
        self.pop_with_if(|_| true, take)
    }

    /// As [`pop_with`](Self::pop_with), but only if `wanted` holds for what goes with the first value. It is asked while that value is the
    /// first, or may be shown another's, and then the value is not taken because it said yes; it may be asked again.
    #[inline]
    pub fn pop_with_if<R>(&self, wanted: impl FnMut(&X) -> bool, take: impl FnOnce(T, &X) -> R) -> Option<R> {
        let (cell, position) = self.claim_front(wanted)?;
        // SAFETY: `claim_front` found it FULL, and we have moved the head over it.
        let value = unsafe { cell.take() };
        let result = take(value, &cell.extra);
        cell.finish(position);
        Some(result)
    }

    /// Moves the head over the first value, if it is wanted.
    #[inline]
    fn claim_front(&self, mut wanted: impl FnMut(&X) -> bool) -> Option<(&Cell<T, X>, u64)> {
        let mut patience = SPINS;
        loop {
            let (cell, head) = self.first_cell()?;
            let position = head.position();
            match cell.state(position) {
                State::Full => {
                    if !wanted(&cell.extra) {
                        return None;
                    }
                    if self.change_head(head, head.next()) {
                        return Some((cell, position));
                    }
                    stand_back();
                }
                // Its sender has changed its mind.
                State::Done => {
                    self.change_head(head, head.next());
                }
                State::Gone => {}
                State::Empty => {
                    let word = self.tail.word.load(Ordering::SeqCst);
                    let tail = word >> POSITION_SHIFT;
                    if tail <= position {
                        return None;
                    }
                    if patience > 0 {
                        patience -= 1;
                        spin();
                        continue;
                    }
                    // Nobody behind it has finished, so there is nothing to receive yet. A closed queue must get rid of it though.
                    if tail == position + 1 && word & CLOSED == 0 {
                        return None;
                    }
                    self.skip(cell, head);
                }
            }
        }
    }

    /// Receiver: gives up the sender of the first place, unless its value is there by now. See *a stalled sender* in the [module](self).
    #[cold]
    fn skip(&self, cell: &Cell<T, X>, head: HeadWord) {
        self.tail.skips.fetch_add(1, Ordering::SeqCst);
        // Partners: the light fence, or the read-modify-write, with which a place is filled, and the fence in `settle`.
        heavy_fence();
        if head.is_unmarked() && cell.state(head.position()) == State::Empty {
            self.change_head(head, head.skipping());
        }
    }

    /// Moves the head over the place that it is marked as skipping.
    #[cold]
    pub(super) fn pass_skipped(&self, segment: &Segment<T, X>, head: HeadWord) {
        segment.mark_skipped(head.position());
        self.change_head(head, head.next());
    }

    /// The segment of `position` if it is the first, otherwise the link to that.
    #[inline]
    pub(super) fn first_segment(&self, position: u64) -> Result<&Segment<T, X>, Link<Segment<T, X>>> {
        let first = Link::<Segment<T, X>>::from_bits(self.head.segment.load(Ordering::Acquire));
        if !first.has_number(position / CELLS) {
            return Err(first);
        }
        // SAFETY: segments live as long as the queue; a wrong one has no cell at this position.
        Ok(unsafe { &*first.segment() })
    }

    /// The cell at the head, and the head, which is not skipping. `None` if there is no such cell yet.
    #[inline]
    pub(super) fn first_cell(&self) -> Option<(&Cell<T, X>, HeadWord)> {
        loop {
            let head = self.head_word();
            match self.first_segment(head.position()) {
                Ok(segment) if head.is_skipping() => self.pass_skipped(segment, head),
                Ok(segment) => return Some((segment.cell(head.position()), head)),
                Err(_) if self.tail_position() <= head.position() => return None,
                Err(first) => self.leave_segment(first, head.position() / CELLS),
            }
        }
    }

    /// Moves the head over places at the front that were given up: they are no values. Returns whether it is beyond `head` now.
    #[cold]
    pub(super) fn pass_given_up(&self, head: u64) -> bool {
        self.front();
        self.head_position() != head
    }

    /// Sequentially consistent: partner of those who look at the head after they have registered as waiting for room.
    #[inline]
    pub(super) fn change_head(&self, from: HeadWord, to: HeadWord) -> bool {
        let changed =
            self.head.word.compare_exchange(from.into_bits(), to.into_bits(), Ordering::SeqCst, Ordering::Relaxed);
        changed.is_ok()
    }

    /// Receiver: makes segment `number` the first one, after `first`, unless somebody else has. The tail is beyond its first position.
    #[cold]
    pub(super) fn leave_segment(&self, first: Link<Segment<T, X>>, number: u64) {
        if !first.has_number(number.wrapping_sub(1)) {
            return;
        }
        let link = Link::<Segment<T, X>>::from_bits(self.next_of(first).load(Ordering::Acquire));
        if link.segment().is_null() || !link.has_number(number) {
            return;
        }
        let moved = self.head.segment.compare_exchange(
            first.into_bits(),
            link.into_bits(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if moved.is_ok() && !first.segment().is_null() {
            self.stock.retire(first.segment());
        }
    }

    /// The first value's position and what goes with it. Others may take the value at any time: what was read is of that position only if
    /// [`is_front`](Self::is_front) says so afterwards. Goes past segments and given-up places as a receiver does, so that whoever only
    /// looks and uses [`pop_if`](Self::pop_if) gets on.
    pub fn front(&self) -> Option<(u64, &X)> {
        loop {
            let (cell, head) = self.first_cell()?;
            match cell.state(head.position()) {
                State::Full => return Some((head.position(), &cell.extra)),
                State::Empty => return None,
                State::Done => {
                    self.change_head(head, head.next());
                }
                State::Gone => {}
            }
        }
    }

    /// Whether the value at `position` is still the first.
    pub fn is_front(&self, position: u64) -> bool {
        // After acquire loads of what is to be checked, so not reordered with them; and if they saw what was stored, with release, for a
        // later position, the head's move over this one came before that.
        self.head_position() == position
    }

    /// Takes the value at `position` if it is still the first.
    pub fn pop_if(&self, position: u64) -> Option<T> {
        let (cell, head) = self.first_cell()?;
        if head.position() != position || cell.state(position) != State::Full || !self.change_head(head, head.next()) {
            return None;
        }
        // SAFETY: it was FULL, and we have moved the head over it.
        let value = unsafe { cell.take() };
        cell.finish(position);
        Some(value)
    }

    /// Drops the values that are there, all of them even if some panic in that.
    ///
    /// # Panics
    /// With the first of those panics, after the last value; not if the thread is panicking already.
    pub fn clear(&self) {
        let mut first = None;
        while let Some(value) = self.pop() {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                first.get_or_insert(panic);
            }
        }
        if let Some(panic) = first
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}
