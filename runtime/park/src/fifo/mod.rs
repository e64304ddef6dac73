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
//! | EMPTY  | no sender yet, or it is on its way                | its sender: FULL, or DONE if it changed its mind; a receiver: BROKEN |
//! | FULL   | the value is there                                | the receiver that moves the head over it, when it has the value: DONE |
//! | BROKEN | its sender was too slow; the head goes over it    | its sender, who takes the value back and starts again: DONE       |
//! | DONE   | nobody touches the cell again                     | whoever reuses the segment, for a later position: EMPTY           |
//!
//! The position is part of the cell's word, so a compare-and-swap by somebody who is late fails.
//!
//! # The races
//!
//! *A stalled sender.* It has moved the tail and not filled its cell. Receivers behind it must not wait for it. (1) If no other sender has
//! come after it the queue is as good as empty, for its `push` has not returned. (2) Otherwise a receiver looks [`SPINS`] times and then
//! breaks the cell: one compare-and-swap against the sender's. The sender finds out when it fills the cell, and starts again.
//!
//! *A stalled receiver.* It has moved the head and not taken its value. Nobody needs the cell but itself: only the reuse of the segment
//! waits.
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
//! The array of cells settled by one compare-and-swap each follows Kotlin's `BufferedChannel` (Koval, Alistarh, Elizarov: "Fast and Scalable
//! Channels in Kotlin Coroutines", PPoPP 2023), from which breaking comes too ("poison"); there waiters sit in the cells, here only values.

mod link;
mod segment;
mod stock;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{SPINS, order_after_rmw, spin};
use link::Link;
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
pub struct Fifo<T, X: Default = ()> {
    tail: Tail,
    /// The link to the very first segment.
    origin: AtomicU64,
    stock: Stock<T, X>,
    apart: [u64; 1],
    head: Head,
}

/// What senders change.
#[derive(Debug)]
struct Tail {
    word: AtomicU64,
    segment: AtomicU64,
    /// A position below which there is room for sure, as far as some sender has seen.
    room: AtomicU64,
}

/// What receivers change.
#[derive(Debug)]
struct Head {
    position: AtomicU64,
    segment: AtomicU64,
}

// SAFETY: a value goes from the thread that fills a cell to the one that takes it, and no two threads have it at once; the raw pointers
// of the stock are to memory that the queue owns.
unsafe impl<T: Send, X: Default + Send> Send for Fifo<T, X> {}
// SAFETY: as above; `extra` is shared by all.
unsafe impl<T: Send, X: Default + Send + Sync> Sync for Fifo<T, X> {}
impl<T, X: Default> std::panic::UnwindSafe for Fifo<T, X> {}
impl<T, X: Default> std::panic::RefUnwindSafe for Fifo<T, X> {}

/// Why a push was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many values as there may be.
    Full,
    /// [`Fifo::close`] was called.
    Closed,
}

/// A place that a sender has reserved and must fill.
#[derive(Debug)]
pub struct Place<'a, T, X: Default = ()> {
    cell: &'a Cell<T, X>,
    position: u64,
}

impl<T, X: Default> Place<'_, T, X> {
    /// What goes with the value; to be written before [`fill`](Self::fill).
    #[inline]
    pub fn extra(&self) -> &X {
        &self.cell.extra
    }

    /// Puts the value there and makes it visible.
    ///
    /// # Errors
    /// Gives it back if a receiver did not want to wait: the place is lost, and the sender starts again.
    #[inline]
    pub fn fill(self, value: T) -> Result<(), T> {
        let this = std::mem::ManuallyDrop::new(self);
        this.cell.fill(this.position, value)
    }

    /// The place as numbers, to be filled later: see [`Fifo::place_from_raw`].
    pub fn into_raw(self) -> (*const (), u64) {
        let this = std::mem::ManuallyDrop::new(self);
        (std::ptr::from_ref(this.cell).cast(), this.position)
    }
}

impl<T, X: Default> Drop for Place<'_, T, X> {
    /// The sender has changed its mind: receivers go over the place.
    fn drop(&mut self) {
        self.cell.finish(self.position);
    }
}

impl<T, X: Default> Fifo<T, X> {
    /// An empty queue. Allocates nothing.
    #[cfg(not(tasklets_loom))]
    pub const fn new() -> Self {
        Self {
            tail: Tail { word: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT), room: AtomicU64::new(0) },
            origin: AtomicU64::new(NO_SEGMENT),
            stock: Stock::new(),
            apart: [0],
            head: Head { position: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT) },
        }
    }

    /// An empty queue.
    #[cfg(tasklets_loom)]
    pub fn new() -> Self {
        Self {
            tail: Tail { word: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT), room: AtomicU64::new(0) },
            origin: AtomicU64::new(NO_SEGMENT),
            stock: Stock::new(),
            apart: [0],
            head: Head { position: AtomicU64::new(0), segment: AtomicU64::new(NO_SEGMENT) },
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
            let word = self.tail.word.load(Ordering::SeqCst);
            if word & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            let position = word >> POSITION_SHIFT;
            if limit != u64::MAX && position >= self.tail.room.load(Ordering::Relaxed) {
                // Read after the tail, which only grows: that many there were at this very moment, if it is full.
                let head = self.head.position.load(Ordering::SeqCst);
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
                let cell = unsafe { (*last.segment()).cell(position) };
                return Ok(Place { cell, position });
            }
        }
    }

    /// A place that was turned into numbers.
    ///
    /// # Safety
    /// They came from [`Place::into_raw`] of a place of this very queue, and are used once.
    pub unsafe fn place_from_raw(&self, (cell, position): (*const (), u64)) -> Place<'_, T, X> {
        // SAFETY: segments live as long as the queue, and the caller promises the rest.
        Place { cell: unsafe { &*cell.cast::<Cell<T, X>>() }, position }
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
            let (cell, position) = self.first_cell()?;
            match cell.state(position) {
                State::Full => {
                    if !wanted(&cell.extra) {
                        return None;
                    }
                    if self.move_head(position) {
                        return Some((cell, position));
                    }
                }
                // The head is to go over it; whoever made it so may be slow.
                State::Broken | State::Done => {
                    self.move_head(position);
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
                    cell.break_off(position);
                }
            }
        }
    }

    /// The cell of `position` if it is in the first segment, otherwise the link to that.
    #[inline]
    fn cell_in_first(&self, position: u64) -> Result<&Cell<T, X>, Link<Segment<T, X>>> {
        let first = Link::<Segment<T, X>>::from_bits(self.head.segment.load(Ordering::Acquire));
        if !first.has_number(position / CELLS) {
            return Err(first);
        }
        // SAFETY: segments live as long as the queue; a wrong one has no cell at this position.
        Ok(unsafe { (*first.segment()).cell(position) })
    }

    /// The cell at the head, and its position. `None` if there is no such cell yet.
    #[inline]
    fn first_cell(&self) -> Option<(&Cell<T, X>, u64)> {
        loop {
            let position = self.head.position.load(Ordering::SeqCst);
            match self.cell_in_first(position) {
                Ok(cell) => return Some((cell, position)),
                Err(_) if self.tail_position() <= position => return None,
                Err(first) => self.leave_segment(first, position / CELLS),
            }
        }
    }

    /// Moves the head over places at the front that were given up: they are no values. Returns whether it is beyond `head` now.
    #[cold]
    fn pass_given_up(&self, head: u64) -> bool {
        self.front();
        self.head.position.load(Ordering::SeqCst) != head
    }

    /// Sequentially consistent: partner of those who look at the head after they have registered as waiting for room.
    #[inline]
    fn move_head(&self, position: u64) -> bool {
        self.head.position.compare_exchange(position, position + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok()
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
        self.head.position.load(Ordering::SeqCst)
    }

    /// Whether a receiver would find something, or should look again soon; a waiter that has registered asks this before it waits.
    #[inline]
    pub fn is_ready(&self) -> bool {
        let head = self.head.position.load(Ordering::SeqCst);
        let tail = self.tail_position();
        if tail <= head {
            return false;
        }
        if tail > head + 1 {
            return true;
        }
        // One sender, perhaps on its way. It looks for waiters after it has filled the cell.
        self.cell_in_first(head).map_or(true, |cell| cell.state(head) != State::Empty)
    }

    /// Whether there is nothing in the queue, finished or on its way.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // The head first: it cannot overtake the tail, so the difference is no more than there was.
        let head = self.head.position.load(Ordering::SeqCst);
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
            let head = self.head.position.load(Ordering::SeqCst);
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
            let (cell, position) = self.first_cell()?;
            match cell.state(position) {
                State::Full => return Some((position, &cell.extra)),
                State::Empty => return None,
                State::Broken | State::Done => {
                    self.move_head(position);
                }
                State::Gone => {}
            }
        }
    }

    /// Whether `matches` holds for what goes with some value that is there. Values that come or go meanwhile may or may not be looked at, and
    /// what is looked at may be of another position by then; also true if the queue has changed too much to tell.
    pub fn any(&self, mut matches: impl FnMut(&X) -> bool) -> bool {
        let head = self.head.position.load(Ordering::SeqCst);
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
        self.head.position.load(Ordering::SeqCst) == position
    }

    /// Takes the value at `position` if it is still the first.
    pub fn pop_if(&self, position: u64) -> Option<T> {
        let cell = self.cell_in_first(position).ok()?;
        if cell.state(position) != State::Full || !self.move_head(position) {
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

impl<T, X: Default> Default for Fifo<T, X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, X: Default> Fifo<T, X> {
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

impl<T, X: Default> Drop for Fifo<T, X> {
    fn drop(&mut self) {
        self.clear();
    }
}
