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
//! it is is settled on the head's word (`head.rs`).
//!
//! # The races
//!
//! *A stalled sender.* It has moved the tail and not filled its cell. Receivers behind it must not wait for it. If no other sender has
//! come after it the queue is as good as empty, for its `push` has not returned. Otherwise a receiver looks [`SPINS`](crate::sync::SPINS) times and then skips
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
//! *Several cores at one end.* Whoever loses the tail or the head to another stands back for a moment (`contention.rs`): a matter of speed alone.
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
mod contention;
mod head;
mod link;
mod look;
mod place;
mod receive;
mod segment;
mod send;
mod stock;

use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sync::order_after_rmw;
use link::Link;
pub use place::{Place, RawPlace};
pub use segment::Extra;
use segment::Segment;
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
    origin: AtomicPtr<()>,
    stock: Stock<T, X>,
    head: Head,
}

#[cfg(not(tasklets_loom))]
const _: () = assert!(std::mem::offset_of!(Fifo<()>, head) == 64);

/// What senders change.
#[derive(Debug)]
struct Tail {
    word: AtomicU64,
    segment: AtomicPtr<()>,
    /// A position below which there is room for sure, as far as some sender has seen.
    room: AtomicU64,
    /// How often receivers have tried to skip a place.
    skips: AtomicU64,
}

/// What receivers change.
#[derive(Debug)]
struct Head {
    /// See `head.rs`.
    word: AtomicU64,
    segment: AtomicPtr<()>,
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
                segment: AtomicPtr::new(NO_SEGMENT),
                room: AtomicU64::new(0),
                skips: AtomicU64::new(0),
            },
            origin: AtomicPtr::new(NO_SEGMENT),
            stock: Stock::new(),
            head: Head { word: AtomicU64::new(0), segment: AtomicPtr::new(NO_SEGMENT) },
        }
    }

    /// An empty queue.
    #[cfg(tasklets_loom)]
    pub fn new() -> Self {
        Self {
            tail: Tail {
                word: AtomicU64::new(0),
                segment: AtomicPtr::new(NO_SEGMENT),
                room: AtomicU64::new(0),
                skips: AtomicU64::new(0),
            },
            origin: AtomicPtr::new(NO_SEGMENT),
            stock: Stock::new(),
            head: Head { word: AtomicU64::new(0), segment: AtomicPtr::new(NO_SEGMENT) },
        }
    }

    fn next_of(&self, link: Link<Segment<T, X>>) -> &AtomicPtr<()> {
        let segment = link.segment();
        // SAFETY: segments live as long as the queue.
        if segment.is_null() { &self.origin } else { unsafe { &(*segment).next } }
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
}

/// The link before the first segment.
const NO_SEGMENT: *mut () = std::ptr::without_provenance_mut((1 << 24) - 1);

impl<T, X: Extra> Default for Fifo<T, X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, X: Extra> Drop for Fifo<T, X> {
    fn drop(&mut self) {
        self.clear();
    }
}
