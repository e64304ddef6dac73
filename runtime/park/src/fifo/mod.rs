//! A lock-free queue: many senders, many receivers, first in first out, of any length or bounded.
//!
//! It is an endless array of cells, of which each is used once: the sender that moves the *tail* over a position fills the cell there, and
//! the receiver that moves the *head* over it empties it. The array's memory is a list of segments; one that both ends have gone past is
//! used again further on.
//!
//! # A cell at one position
//!
//! | state  | meaning                                           | left by                                                          |
//! |--------|---------------------------------------------------|------------------------------------------------------------------|
//! | EMPTY  | no sender yet, or it is on its way                | its sender: FULL, or DONE if it changed its mind                  |
//! | FULL   | the value is there                                | the receiver that moves the head over it, or, if the head has gone over it without it, its sender, when it has the value: DONE |
//! | DONE   | nobody touches the cell at this position again    | the sender of a later position, for which it is EMPTY             |
//!
//! The position is part of the cell's word, and a word of an earlier position is EMPTY for a later one. All these are plain stores: whose value
//! it is is settled on the [head's word](head).
//!
//! # The races
//!
//! *A stalled sender.* It has moved the tail and not filled its cell. Receivers behind it must not wait for it. If no other sender has
//! come after it the queue is as good as empty, for its `push` has not returned. Otherwise a receiver looks [`SPINS`] times and then skips
//! the place. A sender says so with a plain store and finds out with plain loads, which is what a push is cheap by:
//!
//! 1. The sender reads the number of *skips*, and then moves the tail over its place.
//! 2. A receiver that wants to skip the place reads the head, which is there and has no mark. It counts a skip, has a
//!    [heavy fence](crate::asymmetric), and looks at the cell once more. Still EMPTY: it marks the head as SKIPPING, by a compare-and-swap
//!    with what it had read. That decides it. Whoever meets that mark sets the cell's bit in the segment's `skipped` and moves the head on.
//! 3. The sender fills the cell, has a light fence, and reads the number of skips again.
//! 4. If it has not changed, every attempt to skip this place, which can only come after 1, counts after 3; the look in it finds the value.
//! 5. If it has, some place was skipped, and the sender looks at the head. Before its place: whoever gets there later finds the value, as in 4.
//!    At its place without a mark: it marks it as CERTAIN, which lets the compare-and-swap of 2 fail. Beyond its place: the bit says
//!    whether it was skipped, for it was set before the head moved; then nobody will ever take the value, and the sender takes it back.
//!
//! *A stalled receiver.* It has moved the head and not taken its value. Nobody needs the cell but itself: only the reuse of the segment
//! waits.
//!
//! *Somebody who registers to wait and then looks*, while the only sender is between its place and its value. The sender will look for those
//! who wait after it has filled the cell, but by plain loads. So whoever looks has a heavy fence first, if the cell does not become FULL soon
//! ([`Fifo::is_ready`]): then either it finds the value, or the sender finds it.
//!
//! *Which segment.* A sender reads the tail, then the link to the last segment, then moves the tail. The tail only grows, so if the move
//! succeeds the link was read while the tail was what it read, and no segment with an unfilled cell is ever reused: it is the right one. The
//! same goes for a receiver and the first. Whoever comes to the first position of a segment links it before it moves on, so nobody waits
//! for somebody else's link.
//!
//! *Segments that are late.* A thread may hold a link for as long as it likes before it looks. Segments are not freed before the queue is,
//! words and links carry positions and numbers, so it finds out.
//!
//! # Linearization
//!
//! A push takes effect when it fills the cell, a pop when it moves the head. A bounded push finds the queue full by the two counters; a push
//! that has not returned yet may so take up room before its value can be seen.
//!
//! The array of cells follows Kotlin's `BufferedChannel` (Koval, Alistarh, Elizarov: "Fast and Scalable Channels in Kotlin Coroutines",
//! PPoPP 2023), from which skipping comes too ("poison"); there waiters sit in the cells, which a compare-and-swap each settles, here only
//! values.

mod chunk;
mod head;
mod link;
mod place;
mod segment;
mod stock;

use crate::asymmetric::heavy_fence;
use crate::sync::atomic::{AtomicU64, Ordering, fence};
use crate::sync::{SPINS, order_after_rmw, spin};
use head::HeadWord;
use link::Link;
pub use place::{Place, RawPlace};
pub use segment::Extra;
use segment::{CELLS, Cell, Segment, State};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use stock::Stock;

/// In the tail's word: no push any more. The position is above.
const CLOSED: u64 = 1;
const POSITION_SHIFT: u32 = 1;

/// See the [module](self). `X` goes with each value, may be looked at by anybody at any time, and stays as it was when the value is gone.
///
/// What senders change and what receivers change are 64 bytes apart, so in a queue that is aligned to that they do not share a cache line.
#[derive(Debug)]
#[repr(C)]
pub struct Fifo<T, X: Extra = ()> {
    tail: Tail,
    /// The link to the very first segment.
    origin: AtomicU64,
    stock: Stock<T, X>,
    head: Head,
}

#[cfg(not(tasklets_loom))]
const _: () = assert!(std::mem::offset_of!(Fifo<()>, head) == 64);

/// What senders change.
#[derive(Debug)]
struct Tail {
    word: AtomicU64,
    segment: AtomicU64,
    /// A position below which there is room for sure, as far as some sender has seen.
    room: AtomicU64,
    /// How often receivers have tried to skip a place.
    skips: AtomicU64,
}

/// What receivers change.
#[derive(Debug)]
struct Head {
    /// A [`HeadWord`].
    word: AtomicU64,
    segment: AtomicU64,
}

// SAFETY: a value goes from the thread that fills a cell to the one that takes it, and no two threads have it at once; the raw pointers
// of the stock are to memory that the queue owns.
unsafe impl<T: Send, X: Extra + Send> Send for Fifo<T, X> {}
// SAFETY: as above; `extra` is shared by all.
unsafe impl<T: Send, X: Extra + Send + Sync> Sync for Fifo<T, X> {}
impl<T, X: Extra> std::panic::UnwindSafe for Fifo<T, X> {}
impl<T, X: Extra> std::panic::RefUnwindSafe for Fifo<T, X> {}

/// Why a push was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many values as there may be.
    Full,
    /// [`Fifo::close`] was called.
    Closed,
}

impl<T, X: Extra> Fifo<T, X> {
    /// An empty queue. Allocates nothing.
    #[cfg(not(tasklets_loom))]
    pub const fn new() -> Self {
        Self {
            tail: Tail {
                word: AtomicU64::new(0),
                segment: AtomicU64::new(NO_SEGMENT),
                room: AtomicU64::new(0),
                skips: AtomicU64::new(0),
            },
            origin: AtomicU64::new(NO_SEGMENT),
            stock: Stock::new(),
            head: Head { word: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT) },
        }
    }

    /// An empty queue.
    #[cfg(tasklets_loom)]
    pub fn new() -> Self {
        Self {
            tail: Tail {
                word: AtomicU64::new(0),
                segment: AtomicU64::new(NO_SEGMENT),
                room: AtomicU64::new(0),
                skips: AtomicU64::new(0),
            },
            origin: AtomicU64::new(NO_SEGMENT),
            stock: Stock::new(),
            head: Head { word: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT) },
        }
    }

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
        }
    }

    /// How often receivers have tried to skip a place.
    #[inline]
    fn skips(&self) -> u64 {
        self.tail.skips.load(Ordering::Relaxed)
    }

    /// The sender of `position`, which has filled the cell while some place was skipped: whether a receiver has taken the value, or will. If
    /// not, nobody will.
    #[cold]
    fn settle(&self, segment: &Segment<T, X>, position: u64) -> bool {
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
    fn pass_skipped(&self, segment: &Segment<T, X>, head: HeadWord) {
        segment.mark_skipped(head.position());
        self.change_head(head, head.next());
    }

    /// The segment of `position` if it is the first, otherwise the link to that.
    #[inline]
    fn first_segment(&self, position: u64) -> Result<&Segment<T, X>, Link<Segment<T, X>>> {
        let first = Link::<Segment<T, X>>::from_bits(self.head.segment.load(Ordering::Acquire));
        if !first.has_number(position / CELLS) {
            return Err(first);
        }
        // SAFETY: segments live as long as the queue; a wrong one has no cell at this position.
        Ok(unsafe { &*first.segment() })
    }

    /// The cell at the head, and the head, which is not skipping. `None` if there is no such cell yet.
    #[inline]
    fn first_cell(&self) -> Option<(&Cell<T, X>, HeadWord)> {
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
    fn pass_given_up(&self, head: u64) -> bool {
        self.front();
        self.head_position() != head
    }

    #[inline]
    fn head_word(&self) -> HeadWord {
        HeadWord::from_bits(self.head.word.load(Ordering::SeqCst))
    }

    /// Sequentially consistent: partner of those who look at the head after they have registered as waiting for room.
    #[inline]
    fn change_head(&self, from: HeadWord, to: HeadWord) -> bool {
        let changed =
            self.head.word.compare_exchange(from.into_bits(), to.into_bits(), Ordering::SeqCst, Ordering::Relaxed);
        changed.is_ok()
    }

    fn next_of(&self, link: Link<Segment<T, X>>) -> &AtomicU64 {
        let segment = link.segment();
        // SAFETY: segments live as long as the queue.
        if segment.is_null() { &self.origin } else { unsafe { &(*segment).next } }
    }

    /// Sender: makes segment `number` the last one, after `last`, unless somebody else has.
    #[cold]
    fn append_segment(&self, last: Link<Segment<T, X>>, number: u64) {
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

    /// Receiver: makes segment `number` the first one, after `first`, unless somebody else has. The tail is beyond its first position.
    #[cold]
    fn leave_segment(&self, first: Link<Segment<T, X>>, number: u64) {
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
    /// whoever [fills](Place::fill) a place after this finds those that had registered before it.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.is_nearly_ready(|queue, cell, head| queue.is_ready_after_all(cell, head))
    }

    /// As [`is_ready`](Self::is_ready), where places are [filled firmly](Place::fill_firmly): whoever fills one after this finds also by plain
    /// loads those that had registered before it.
    #[inline]
    pub fn is_firmly_ready(&self) -> bool {
        self.is_nearly_ready(|_, _, _| false)
    }

    #[inline]
    fn is_nearly_ready(&self, look_again: impl FnOnce(&Self, &Cell<T, X>, u64) -> bool) -> bool {
        let head = self.head_position();
        let tail = self.tail_position();
        if tail <= head {
            return false;
        }
        if tail > head + 1 {
            return true;
        }
        let Ok(segment) = self.first_segment(head) else { return true };
        segment.cell(head).state(head) != State::Empty || look_again(self, segment.cell(head), head)
    }

    /// One sender is on its way. It will look for those who wait, but plainly: see the [module](self).
    #[cold]
    fn is_ready_after_all(&self, cell: &Cell<T, X>, head: u64) -> bool {
        for _ in 0..SPINS {
            spin();
            if cell.state(head) != State::Empty {
                return true;
            }
        }
        // Partner: the light fence in `Place::fill`.
        heavy_fence();
        cell.state(head) != State::Empty
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

    /// Refuses every push from now on. Returns whether this was the first call.
    pub fn close(&self) -> bool {
        let first = self.tail.word.fetch_or(CLOSED, Ordering::SeqCst) & CLOSED == 0;
        // Before the look for those who wait, who look at the bit after they have registered.
        order_after_rmw();
        first
    }

    /// Whether it is closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.tail.word.load(Ordering::SeqCst) & CLOSED != 0
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
}

/// The link before the first segment.
const NO_SEGMENT: u64 = (1 << 24) - 1;

impl<T, X: Extra> Default for Fifo<T, X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, X: Extra> Fifo<T, X> {
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

impl<T, X: Extra> Drop for Fifo<T, X> {
    fn drop(&mut self) {
        self.clear();
    }
}
