//! Which stacks are idle, behind the pool's lock.

use std::ops::Range;

use super::Stack;
use super::guard::Guarded;
use super::places::Places;
use super::slab::{Shape, Slab};
use super::slab_set::SlabSet;

/// The slabs of a pool and what is idle in them. No method makes a system call.
pub(super) struct Shelf {
    shape: Shape,
    /// By number. `None`: unmapped, the number is free.
    slabs: Vec<Option<Slab>>,
    /// Numbers of the slabs with idle slots. The lowest is served first: that fills the front and lets slabs at the
    /// back run empty, whatever the order in which stacks come home.
    with_idle: SlabSet,
    /// The slab that has slots without guards. There is at most one: another is mapped only when it is used up.
    growing: Option<usize>,
    on_loan: usize,
}

/// Work that a trim does on one slab, outside of the lock.
pub(super) enum TrimStep {
    /// Nothing has been idle for long enough.
    Nothing,
    /// Unmap this slab. It is off the shelf.
    Unmap(Slab),
    /// Discard the pages of these slots of the slab at this address. They are off the shelf.
    Discard(usize, Vec<u16>),
}

impl Shelf {
    pub(super) fn new(shape: Shape) -> Shelf {
        Shelf { shape, slabs: Vec::new(), with_idle: SlabSet::default(), growing: None, on_loan: 0 }
    }

    /// How many slab numbers there are.
    pub(super) fn slab_numbers(&self) -> usize {
        self.slabs.len()
    }

    /// Stacks that are not on the shelf.
    pub(super) fn on_loan(&self) -> usize {
        self.on_loan
    }

    /// Moves up to `n` idle stacks to `out`.
    pub(super) fn take(&mut self, out: &mut Vec<Stack>, n: usize) {
        let mut left = n;
        while left > 0 {
            let Some(id) = self.with_idle.first() else {
                break;
            };
            match self.slabs[id].as_mut().and_then(|slab| {
                let slot = slab.idle.pop()?;
                Some(slab.stack(id, slot))
            }) {
                Some(stack) => {
                    out.push(stack);
                    left -= 1;
                }
                None => {
                    self.with_idle.remove(id);
                }
            }
        }
        self.on_loan += n - left;
    }

    /// A stack comes home.
    pub(super) fn give(&mut self, stack: Stack) {
        let index = stack.index();
        let (id, slot) = (index / self.shape.slots, index % self.shape.slots);
        let slab = self.slabs.get_mut(id).and_then(Option::as_mut);
        debug_assert!(
            slab.as_ref().is_some_and(|slab| slab.base() + (slot + 1) * self.shape.stride == stack.top),
            "a stack was given to a pool that it is not from"
        );
        if let Some(slab) = slab {
            if slab.idle.len() == 0 {
                self.with_idle.insert(id);
            }
            slab.idle.push(slot as u16);
            self.on_loan -= 1;
        }
        // It is on the shelf: this value must not complain that it was not given back.
        std::mem::forget(stack);
    }

    /// The slab to make guards in: its address and its slots without.
    pub(super) fn growing(&self) -> Option<(usize, Range<usize>)> {
        let slab = self.slabs[self.growing?].as_ref()?;
        Some((slab.base(), slab.unguarded()))
    }

    /// A new slab, to make guards in.
    pub(super) fn insert(&mut self, slab: Slab) {
        let id = match self.slabs.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.slabs.push(None);
                self.slabs.len() - 1
            }
        };
        self.slabs[id] = Some(slab);
        self.growing = Some(id);
    }

    /// Slots of the growing slab got their guards.
    pub(super) fn add_guarded(&mut self, guarded: &Guarded, places: &Places) {
        let Some(id) = self.growing else { return };
        let Some(slab) = self.slabs[id].as_mut() else {
            return;
        };
        slab.add_guarded(guarded);
        if slab.unguarded().is_empty() {
            self.growing = None;
        }
        self.with_idle.insert(id);
        places.add(guarded.slots);
    }

    /// What there is to trim in a slab, which begins a new period. Whoever holds a place still finds a stack.
    pub(super) fn trim_step(&mut self, id: usize, places: &Places) -> TrimStep {
        let mapped = self.slabs.iter().flatten().take(2).count();
        let Some(slab) = self.slabs[id].as_mut() else {
            return TrimStep::Nothing;
        };
        let stacks = slab.stacks();
        if mapped > 1 && slab.was_idle() && places.withdraw(stacks, stacks) == stacks {
            self.with_idle.remove(id);
            if self.growing == Some(id) {
                self.growing = None;
            }
            return self.slabs[id].take().map_or(TrimStep::Nothing, TrimStep::Unmap);
        }
        let cold = places.withdraw(1, slab.idle.cold());
        let slots = slab.idle.take_cold(cold);
        slab.idle.start_period();
        slab.young = false;
        if slots.is_empty() {
            return TrimStep::Nothing;
        }
        TrimStep::Discard(slab.base(), slots)
    }

    /// Slots whose pages were discarded come back to the shelf.
    pub(super) fn put_back(&mut self, id: usize, slots: Vec<u16>, places: &Places) {
        if let Some(slab) = self.slabs[id].as_mut() {
            places.add(slots.len());
            slab.idle.add_clean(slots.into_iter());
            self.with_idle.insert(id);
        }
    }

    /// A slab that could not be unmapped comes back to the shelf.
    pub(super) fn restore(&mut self, id: usize, slab: Slab, places: &Places) {
        places.add(slab.stacks());
        if !slab.unguarded().is_empty() {
            self.growing = Some(id);
        }
        self.with_idle.insert(id);
        self.slabs[id] = Some(slab);
    }

    /// Whether something in a slab has become idle since the last trim, so that the next one may find it cold.
    pub(super) fn is_cooling(&self, id: usize) -> bool {
        self.slabs[id]
            .as_ref()
            .is_some_and(|slab| (slab.young && slab.is_idle()) || slab.idle.len() > slab.idle.unused())
    }

    /// Takes out all slabs of which nothing is on loan.
    pub(super) fn take_idle_slabs(&mut self) -> Vec<Slab> {
        self.with_idle.clear();
        self.growing = None;
        self.slabs.iter_mut().filter_map(|slab| slab.take_if(|slab| slab.is_idle())).collect()
    }
}
