//! The idle slots of one slab, and how long they have been idle.

/// A last-in, first-out list of slots that knows which of them nobody has used since the last trim.
///
/// ```text
/// slots:  | 0 .. clean: no pages | clean .. low: idle since the last trim | low ..: given back since |
/// ```
///
/// The most recent slot is the last, and is handed out first: it is the likeliest to be in a cache, and those at the
/// front go cold. `low` is the shortest that the list has been since the last trim.
#[derive(Debug, Default)]
pub(super) struct Idle {
    slots: Vec<u16>,
    clean: usize,
    low: usize,
}

impl Idle {
    /// How many slots are idle.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// A slot comes back from a tenant.
    pub(super) fn push(&mut self, slot: u16) {
        self.slots.push(slot);
    }

    /// The slot that came back last.
    pub(super) fn pop(&mut self) -> Option<u16> {
        let slot = self.slots.pop();
        self.low = self.low.min(self.slots.len());
        self.clean = self.clean.min(self.slots.len());
        slot
    }

    /// Slots without pages join, in ascending order: new ones, or those that [`Idle::take_cold`] took out. They are
    /// handed out after all others, lowest address first, so that neighbours share page tables.
    pub(super) fn add_clean(&mut self, slots: impl DoubleEndedIterator<Item = u16>) {
        let mut joined: Vec<u16> = slots.rev().collect();
        self.clean += joined.len();
        self.low += joined.len();
        joined.append(&mut self.slots);
        self.slots = joined;
    }

    /// How many slots have pages and were idle since the last trim.
    pub(super) fn cold(&self) -> usize {
        self.low - self.clean
    }

    /// How many slots, with pages or without, were idle since the last trim.
    pub(super) fn unused(&self) -> usize {
        self.low
    }

    /// Whether some slot has pages.
    #[cfg(test)]
    pub(super) fn dirty(&self) -> bool {
        self.slots.len() > self.clean
    }

    /// Takes `n` of the cold slots out, in ascending order.
    pub(super) fn take_cold(&mut self, n: usize) -> Vec<u16> {
        let mut slots: Vec<u16> = self.slots.drain(self.clean..self.clean + n).collect();
        self.low -= n;
        slots.sort_unstable();
        slots
    }

    /// The next trim counts from here.
    pub(super) fn start_period(&mut self) {
        self.low = self.slots.len();
    }
}

#[cfg(test)]
mod tests {
    use super::Idle;

    #[test]
    fn cold_slots_are_those_below_the_low_water_mark() {
        let mut idle = Idle::default();
        idle.add_clean(0..4);
        assert_eq!((idle.len(), idle.cold(), idle.dirty()), (4, 0, false));
        let taken: Vec<_> = (0..3).filter_map(|_| idle.pop()).collect();
        assert_eq!(taken, [0, 1, 2]);
        taken.into_iter().for_each(|slot| idle.push(slot));
        assert_eq!((idle.unused(), idle.cold(), idle.dirty()), (1, 0, true));

        idle.start_period();
        assert_eq!(idle.pop(), Some(2));
        idle.push(2);
        assert_eq!((idle.unused(), idle.cold()), (3, 2));
        assert_eq!(idle.take_cold(2), [0, 1]);
        idle.start_period();
        idle.add_clean([0, 1].into_iter());
        assert_eq!((idle.len(), idle.cold(), idle.dirty()), (4, 1, true));
        assert_eq!(idle.pop(), Some(2));
    }
}
