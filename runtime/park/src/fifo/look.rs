//! Looking at a queue without changing it.

use super::head::HeadWord;
use super::link::Link;
use super::segment::{CELLS, Segment, State};
use super::{Extra, Fifo, POSITION_SHIFT};
use crate::asymmetric::heavy_fence;
use crate::sync::atomic::Ordering;
use crate::sync::spin_until;

impl<T, X: Extra> Fifo<T, X> {
    #[inline]
    pub(super) fn head_word(&self) -> HeadWord {
        HeadWord::from_bits(self.head.word.load(Ordering::SeqCst))
    }

    /// The position of the next value to be pushed.
    #[inline]
    pub fn tail_position(&self) -> u64 {
        self.tail.word.load(Ordering::SeqCst) >> POSITION_SHIFT
    }

    /// The position of the first value: all before are taken.
    #[inline]
    pub fn head_position(&self) -> u64 {
        self.head_word().position()
    }

    /// Whether a receiver would find something, or should look again soon; a waiter that has registered asks this before it waits. If not,
    /// whoever [fills](super::Place::fill) a place after this finds those that had registered before it.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.is_firmly_ready() || !self.is_empty() && self.is_ready_after_all()
    }

    /// As [`is_ready`](Self::is_ready), where places are [filled firmly](super::Place::fill_firmly): whoever fills one after this finds also by
    /// plain loads those that had registered before it.
    #[inline]
    pub fn is_firmly_ready(&self) -> bool {
        let head = self.head_position();
        let tail = self.tail_position();
        if tail <= head {
            return false;
        }
        if tail > head + 1 {
            return true;
        }
        self.first_segment(head).map_or(true, |segment| segment.cell(head).state(head) != State::Empty)
    }

    /// One sender is on its way. It will look for those who wait, but plainly: see the [module](super).
    #[cold]
    fn is_ready_after_all(&self) -> bool {
        if spin_until(|| self.is_firmly_ready()) {
            return true;
        }
        // Partner: the light fence in `Place::fill`.
        heavy_fence();
        self.is_firmly_ready()
    }

    /// Whether there is nothing in the queue, finished or on its way.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // The head first: it cannot overtake the tail, so the difference is no more than there was.
        let head = self.head_position();
        self.tail_position() <= head
    }

    /// Whether there are fewer than `limit` values. Places at the front that were given up are none.
    pub fn has_room(&self, limit: u64) -> bool {
        if self.len() < limit {
            return true;
        }
        self.front();
        self.len() < limit
    }

    /// How many values there are: a snapshot, values on their way included.
    pub fn len(&self) -> u64 {
        loop {
            let tail = self.tail_position();
            let head = self.head_position();
            if self.tail_position() == tail {
                return tail.saturating_sub(head);
            }
        }
    }

    /// Whether `matches` holds for what goes with some value that is there. Values that come or go meanwhile may or may not be looked at, and
    /// what is looked at may be of another position by then; also true if the queue has changed too much to tell.
    pub fn any(&self, mut matches: impl FnMut(&X) -> bool) -> bool {
        let head = self.head_position();
        let tail = self.tail_position();
        let mut link = Link::<Segment<T, X>>::from_bits(self.head.segment.load(Ordering::Acquire));
        for position in head..tail {
            if !link.has_number(position / CELLS) {
                link = Link::from_bits(self.next_of(link).load(Ordering::Acquire));
                if link.segment().is_null() || !link.has_number(position / CELLS) {
                    return true;
                }
            }
            // SAFETY: segments live as long as the queue; a wrong one has no cell at this position.
            let cell = unsafe { (*link.segment()).cell(position) };
            if cell.state(position) == State::Full && matches(&cell.extra) {
                return true;
            }
        }
        false
    }
}
