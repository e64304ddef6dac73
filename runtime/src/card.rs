//! What a home looks up about its fibers without going to their stacks: their timers, and who is started.
//!
//! This could lie in the [`Fiber`], on its stack. But then a wheel that moves a thousand timers down a level, or a list that takes
//! one fiber out from between two others, would touch a page for each that has slept for long: a miss of the cache, and one of
//! the address translation. Cards lie side by side, one to a cache line, and a fiber is touched when it is to run.
//!
//! Every fiber has its card from its beginning, so that waiting allocates nothing.

use crate::fiber::Fiber;
use crate::time::wheel::Entry;
use std::cell::Cell;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use tasklets_park::stable::{StablePool, ThreadCache};

/// The card of one fiber. Only the home of that fiber uses it, and whoever creates or destroys the fiber.
#[repr(align(64))]
pub(crate) struct Card {
    pub(crate) timer: Entry,
    /// Its neighbours in the list of started fibers.
    before: Cell<Option<NonNull<Card>>>,
    after: Cell<Option<NonNull<Card>>>,
    fiber: Cell<*const Fiber>,
}

impl Default for Card {
    fn default() -> Self {
        Self { timer: Entry::new(), before: Cell::default(), after: Cell::default(), fiber: Cell::new(ptr::null()) }
    }
}

// SAFETY: the pool makes cards and looks at none. Whoever has taken one's index has it alone, until the index is given back:
// a fiber, whose home's thread alone uses it and the neighbours that it links, which are of the same home.
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
        card.fiber.set(fiber);
        Self { index, card }
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

/// The fibers of a home that have been suspended with work under way; private to the home.
#[derive(Default)]
pub(crate) struct StartedList {
    first: Cell<Option<NonNull<Card>>>,
}

impl StartedList {
    /// Adds `fiber` unless it is in the list.
    #[inline]
    pub(crate) fn insert(&self, fiber: &Fiber) {
        if fiber.is_started.replace(true) {
            return;
        }
        let card: &Card = &fiber.card;
        let after = self.first.replace(Some(card.into()));
        card.after.set(after);
        card.before.set(None);
        if let Some(after) = after {
            // SAFETY: cards are never freed, and what is linked here is this home's to use.
            unsafe { after.as_ref() }.before.set(Some(card.into()));
        }
    }

    /// Removes `fiber` if it is in the list.
    #[inline]
    pub(crate) fn remove(&self, fiber: &Fiber) {
        if !fiber.is_started.replace(false) {
            return;
        }
        let (before, after) = (fiber.card.before.take(), fiber.card.after.take());
        match before {
            // SAFETY: as in `insert`.
            Some(before) => unsafe { before.as_ref() }.after.set(after),
            None => self.first.set(after),
        }
        if let Some(after) = after {
            // SAFETY: as in `insert`.
            unsafe { after.as_ref() }.before.set(before);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// Calls `each` with every fiber in the list; it must not change the list.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Fiber)) {
        let mut next = self.first.get();
        while let Some(card) = next {
            // SAFETY: as in `insert`.
            let card = unsafe { card.as_ref() };
            next = card.after.get();
            // SAFETY: linked fibers are alive: they are unlinked before they are destroyed.
            each(unsafe { &*card.fiber.get() });
        }
    }
}
