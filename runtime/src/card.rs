//! What a home looks up about its fibers without going to their stacks: their timers, and who is started.
//!
//! This could lie in the [`Fiber`], on its stack. But then a wheel that moves a thousand timers down a level, or a list that takes
//! one fiber out from between two others, would touch a page for each that has slept for long: a miss of the cache, and one of
//! the address translation. Cards lie side by side, four to three cache lines, and a fiber is touched when it is to run.
//!
//! Every fiber has its card from its beginning, so that waiting allocates nothing.

use crate::fiber::Fiber;
use crate::time::wheel::Entry;
use std::cell::Cell;
use std::ops::Deref;
use tasklets_park::stable::{FIRST_INDEX, StablePool, ThreadCache};

/// The card of one fiber. Only the home of that fiber uses it, and whoever creates or destroys the fiber; the neighbours of a fiber that
/// may migrate are used under the lock of their list.
#[repr(C, align(16))]
pub(crate) struct Card {
    /// Its data is the fiber's address.
    pub(crate) timer: Entry,
    /// Its neighbours in the list of started fibers, by index, which takes half of the room of a pointer.
    before: Cell<u32>,
    after: Cell<u32>,
}

/// Stands for no card: no pool hands this index out.
const NONE: u32 = 0;

/// Every parked tasklet has one.
const _: () = assert!(size_of::<Card>() == 48 && NONE < FIRST_INDEX);

impl Default for Card {
    fn default() -> Self {
        Self { timer: Entry::new(), before: Cell::new(NONE), after: Cell::new(NONE) }
    }
}

impl Card {
    fn fiber(&self) -> *const Fiber {
        self.timer.data().cast()
    }
}

// SAFETY: the pool makes cards and looks at none. Whoever has taken one's index has it alone, until the index is given back:
// a fiber, whose home's thread alone uses it and the neighbours that it links, which are of the same home. The neighbours of migrating
// fibers, which are in lists of their own, are used by whoever holds the lock of their list.
unsafe impl Sync for Card {}

static CARDS: StablePool<Card> = StablePool::new();

thread_local! {
    static CACHE: ThreadCache<Card> = ThreadCache::new(&CARDS);
}

/// The right to a card.
pub(crate) struct OwnCard {
    index: u32,
    card: &'static Card,
}

impl OwnCard {
    /// A card for the fiber at this address.
    pub(crate) fn new(fiber: *const Fiber) -> Self {
        let index = ThreadCache::take(&CACHE, &CARDS);
        let card = CARDS.get(index);
        card.timer.set_data(fiber.cast());
        Self { index, card }
    }

    /// Of all cards.
    pub(crate) fn index(&self) -> usize {
        self.index as usize
    }
}

impl Deref for OwnCard {
    type Target = Card;

    #[inline]
    fn deref(&self) -> &Card {
        self.card
    }
}

impl Drop for OwnCard {
    fn drop(&mut self) {
        debug_assert!(!self.card.timer.is_linked(), "the timer of a fiber outlives it");
        ThreadCache::give(&CACHE, &CARDS, self.index);
    }
}

/// Fibers that have been suspended with work under way: those of a home, private to it, or migrating ones behind a lock.
#[derive(Default)]
pub(crate) struct StartedList {
    /// The index of its card, or `NONE`.
    first: Cell<u32>,
}

impl StartedList {
    /// Adds `fiber` unless it is in the list.
    #[inline]
    pub(crate) fn insert(&self, fiber: &Fiber) {
        if fiber.is_started.replace(true) {
            return;
        }
        let own = &fiber.card;
        let after = self.first.replace(own.index);
        own.after.set(after);
        own.before.set(NONE);
        if after != NONE {
            CARDS.get(after).before.set(own.index);
        }
    }

    /// Removes `fiber` if it is in the list.
    #[inline]
    pub(crate) fn remove(&self, fiber: &Fiber) {
        if !fiber.is_started.replace(false) {
            return;
        }
        let (before, after) = (fiber.card.before.get(), fiber.card.after.get());
        match before {
            NONE => self.first.set(after),
            before => CARDS.get(before).after.set(after),
        }
        if after != NONE {
            CARDS.get(after).before.set(before);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get() == NONE
    }

    /// Calls `each` with one fiber after another until it says `false`; it must not change the list.
    pub(crate) fn for_each_while(&self, mut each: impl FnMut(&Fiber) -> bool) {
        let mut next = self.first.get();
        while next != NONE {
            let card = CARDS.get(next);
            next = card.after.get();
            // SAFETY: linked fibers are alive: they are unlinked before they are destroyed.
            if !each(unsafe { &*card.fiber() }) {
                return;
            }
        }
    }
}
