//! A hierarchical timing wheel: the timers of one home.
//!
//! Time is counted in ticks of 2^16 ns (about 66 us) since the wheel was made. A tick is written as a number in
//! base 64, and each of its 11 digits has a level. A slot of a level is as wide as a whole block of 64 slots of the level below,
//! and a level has two blocks: the one where the current tick is, and the next.
//!
//! ```text
//!            a slot spans    a block spans     this block               the next
//! level 0        66 us           4.2 ms      [ ][ ][c][x][ ] .. [ ]   [x][ ] .. [x]
//! level 1       4.2 ms           268 ms      [ ][c][s][ ][x] .. [ ]   [ ][x] .. [ ]
//! level 2       268 ms             17 s      [c][s][ ][ ][x] .. [ ]   [ ][ ] .. [ ]
//! level 3         17 s             18 min
//!   ..
//! level 10                  38 million years        (16 slots are used)
//!
//! c: the current slot, where the current tick is    s: its successor    x: entries
//! ```
//!
//! A slot lies in the same place whichever of the two its block is: blocks with an even number have the left places, those with an
//! odd number the right ones.
//!
//! An entry belongs at the lowest level one of whose two blocks its tick is in. So above level 0 the current slot and its
//! successor get no entries: their ticks are those of the two blocks below. When the current tick moves on, an entry that
//! had belonged in what is now a successor is to *descend*, and until it has it is late:
//!
//! * A successor's entries descend a few at each call of [`Wheel::pop_due`], all the time that the current slot takes: half a
//!   million sleepers have 134,000 of them in a slot of level 2, which takes some 7 ms to place.
//! * A current slot that still has entries when it is reached is *moving*. Any of them may be the earliest, so nothing is popped and
//!   the current tick stays until it is empty. It takes many entries at each call, but not all, since there may be a million.
//!
//! Everything else follows:
//!
//! * All occupied slots of a level are in order: those of this block, then those of the next; none is before the current one.
//!   The first one of a level is the lowest bit of two words.
//! * Nothing is due before the slot that starts first, and only the first slots of the levels need to be asked. A stretch without timers
//!   is crossed in one step, however long. Where two slots start at once, the one of the higher level is moving.
//! * Entries of one tick lie in one slot, unless some of them are late. Slots are appended to, and descending keeps their order, so
//!   entries expire by tick and, within a tick, in the order of insertion; but an entry that comes while others are late may overtake
//!   those of its tick among them.
//!
//! The current tick is moved only by [`Wheel::pop_due`], up to the start of the first occupied slot or up to now,
//! whichever is earlier. An entry descends at most 10 times in its life, and one that is removed before the slot in front of its own is
//! reached never does.
//!
//! A slot also keeps the earliest tick of those put into it since it was last empty, so that a sleeper with a
//! distant timer sleeps to its deadline and not to the start of a wide slot. A removal leaves that bound as it is:
//! it is then too early, which costs a look, and that look moves the slot's entries down. This happens at most
//! once a level before the next entry is due.

use crate::prefetch::prefetch;
use entry::UNLINKED;
use std::cmp::Reverse;
use std::iter;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

pub(crate) use entry::Entry;

mod entry;
#[cfg(test)]
mod tests;

/// A tick is 2^16 ns.
const TICK_BITS: u32 = 16;

/// A block has 2^6 slots: as many as an occupancy word has bits.
const LEVEL_BITS: u32 = 6;
const BLOCK: usize = 1 << LEVEL_BITS;

/// This block and the next.
const SLOTS_PER_LEVEL: usize = 2 * BLOCK;

/// Enough digits for every `u64` tick.
const LEVELS: usize = u64::BITS.div_ceil(LEVEL_BITS) as usize;

/// How many entries of a moving slot descend at one call at most: some tens of microseconds when they are in no near cache. The tests
/// make do with fewer entries.
const MOVES_PER_CALL: usize = if cfg!(test) { 3 } else { 1024 };

/// How many entries of successors descend at one call at most. Where calls are as many as the entries that become due, each brings two
/// of those to come down by a level: from level 2, and from level 1.
const DESCENTS_PER_CALL: usize = 2;

/// Stands for every tick too far to count (38 million years); it is never due.
const NEVER: u64 = u64::MAX;

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// The entries of one slot.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The first and the last of a list in order of insertion. An insertion touches no entry but the last: the others may be in
    /// no cache.
    head: Option<NonNull<Entry>>,
    tail: Option<NonNull<Entry>>,
    /// No later than any entry's tick, and within the slot. Stale while the slot is empty.
    earliest: u64,
}

/// The timers of one home. It allocates in [`Wheel::new`] only, and touches no entry when dropped.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Tick 0.
    start: Instant,
    /// The placement of every entry refers to this tick. It never passes the latest `now` seen.
    current: u64,
    /// Bit `l` is set if level `l` has an entry.
    occupied_levels: u16,
    /// Bit `s` of word `b` of level `l` is set if slot `s` of the block in place `b` has an entry.
    occupied_slots: [[u64; 2]; LEVELS],
    /// All slots, level by level.
    slots: Box<[Slot]>,
    /// A successor may have entries.
    descending: bool,
    /// The number of linked entries.
    len: usize,
}

impl Wheel {
    /// An empty wheel whose ticks count from `now`.
    pub(crate) fn new(now: Instant) -> Wheel {
        let empty = Slot { head: None, tail: None, earliest: NEVER };
        Wheel {
            start: now,
            current: 0,
            occupied_levels: 0,
            occupied_slots: [[0; 2]; LEVELS],
            slots: vec![empty; LEVELS * SLOTS_PER_LEVEL].into_boxed_slice(),
            descending: false,
            len: 0,
        }
    }

    /// The number of linked entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Links `entry`, due at the first tick that is not before `deadline`. A deadline that has passed is due at once;
    /// one more than 38 million years away never is.
    ///
    /// # Safety
    ///
    /// `entry` points to an [`Entry`] that is in no wheel. Until [`pop_due`](Wheel::pop_due) returns it,
    /// [`remove`](Wheel::remove) unlinks it or this wheel is dropped, it stays where it is, is not freed, is used
    /// by no other thread, and no `&mut Entry` to it is used.
    pub(crate) unsafe fn insert(&mut self, entry: NonNull<Entry>, deadline: Instant) {
        // A tick of the past belongs to no slot: the earliest place there is is the current tick.
        let tick = self.first_tick_from(deadline).max(self.current);
        {
            // SAFETY: the caller says that it points to an entry which no other thread uses and to which no
            // `&mut` is used; its fields are cells.
            let entry = unsafe { entry.as_ref() };
            debug_assert!(!entry.is_linked());
            entry.tick.set(tick);
        }
        let level = level_of(tick, self.current);
        // SAFETY: it is in no list, and stays valid for as long as it is linked here, both by this function's
        // contract; the level has a block with the tick.
        unsafe { self.place(entry, level) };
        self.len += 1;
    }

    /// Unlinks `entry` before it is due. O(1).
    ///
    /// # Safety
    ///
    /// `entry` is linked in this wheel.
    pub(crate) unsafe fn remove(&mut self, entry: NonNull<Entry>) {
        // SAFETY: the same contract.
        unsafe { self.unlink(entry) };
        self.len -= 1;
    }

    /// When to call [`pop_due`](Wheel::pop_due) next: never later than the tick at which the earliest entry is
    /// due, and in the past while a slot is moving down. It can be too early after removals, at most once a level
    /// before an entry is really due. `None` if there is no entry, or none that an `Instant` can name the tick of.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let first = self.first()?;
        let tick = match first.is_moving(self.current) {
            true => self.current,
            false => self.first_of_each().map(|first| self.slots[first.index].earliest).min()?,
        };
        let nanos = u128::from(tick) << TICK_BITS;
        let secs = u64::try_from(nanos / NANOS_PER_SEC).ok()?;
        let subsec = u32::try_from(nanos % NANOS_PER_SEC).ok()?;
        self.start.checked_add(Duration::new(secs, subsec))
    }

    /// Unlinks and returns an entry that is due at `now`, in order of ticks and then of insertion. A `now` before
    /// one seen earlier counts as that one.
    ///
    /// `None` says that nothing more is to be had from this call. If [`next_deadline`](Wheel::next_deadline) has
    /// passed even so, a crowded slot is moving: call again after other work, and do not sleep.
    ///
    /// Call it now and then even when nothing is due: it is what moves the wheel on, and an entry is placed the
    /// lower the less the wheel lags behind.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<NonNull<Entry>> {
        let due = self.pop_until(self.last_tick_until(now).max(self.current));
        if self.descending {
            self.descend();
        }
        due
    }

    /// Unlinks and returns the first entry of a tick up to `now`.
    fn pop_until(&mut self, now: u64) -> Option<NonNull<Entry>> {
        let mut moves_left = MOVES_PER_CALL;
        while let Some(first) = self.first().filter(|first| first.start <= now) {
            // Nothing starts before it, so nothing is left behind.
            self.advance(first.start);
            if first.level == 0 {
                let head = self.slots[first.index].head?;
                // SAFETY: the head of a slot's list is linked in this wheel.
                unsafe { self.unlink(head) };
                self.len -= 1;
                return Some(head);
            }
            self.move_down(first.index, &mut moves_left);
            if self.slots[first.index].head.is_some() {
                return None;
            }
        }
        // All slots that start by now have been emptied.
        self.advance(now);
        None
    }

    /// Moves the current tick.
    fn advance(&mut self, to: u64) {
        // Where the digit of level 0 alone changes, no other level has a new successor.
        self.descending |= (to ^ self.current) >> LEVEL_BITS != 0;
        self.current = to;
    }

    /// Places some entries of successors again, the next to be due first.
    #[inline(never)]
    fn descend(&mut self) {
        let mut moves_left = DESCENTS_PER_CALL;
        for level in ones(self.occupied_levels & !1) {
            let successor = index_of((self.current >> (level * LEVEL_BITS)).wrapping_add(1), level);
            self.move_down(successor, &mut moves_left);
            if let Some(head) = self.slots[successor].head {
                // SAFETY: the head of a slot's list is linked, and so valid by the contract of `insert`.
                if let Some(second) = unsafe { head.as_ref() }.next.get() {
                    prefetch(second.addr().get());
                }
                return;
            }
        }
        self.descending = false;
    }

    /// The tick at which something with this deadline is due: rounded up, so that it is never early.
    fn first_tick_from(&self, deadline: Instant) -> u64 {
        let nanos = deadline.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos.div_ceil(1 << TICK_BITS)).unwrap_or(NEVER)
    }

    /// The last tick that has come at `now`.
    fn last_tick_until(&self, now: Instant) -> u64 {
        let nanos = now.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos >> TICK_BITS).map_or(NEVER - 1, |tick| tick.min(NEVER - 1))
    }

    /// The occupied slot that starts first, and of two that do so the one of the higher level.
    fn first(&self) -> Option<First> {
        self.first_of_each().min_by_key(|first| (first.start, Reverse(first.level)))
    }

    /// The first occupied slot of each level that has one.
    fn first_of_each(&self) -> impl Iterator<Item = First> {
        ones(self.occupied_levels).map(|level| {
            let block = self.current >> (level * LEVEL_BITS) >> LEVEL_BITS;
            let words = &self.occupied_slots[level as usize];
            let this = words[block as usize % 2];
            let (block, word) = if this != 0 { (block, this) } else { (block + 1, words[(block as usize + 1) % 2]) };
            let slot = block << LEVEL_BITS | u64::from(word.trailing_zeros());
            First { level, index: index_of(slot, level), start: slot << (level * LEVEL_BITS) }
        })
    }

    /// Appends `entry` to the slot of its tick at that level.
    ///
    /// # Safety
    ///
    /// `entry` is valid as [`insert`](Wheel::insert) requires, in no list, and its tick is in a block that the level has.
    unsafe fn place(&mut self, entry: NonNull<Entry>, level: u32) {
        // SAFETY: valid by the contract; its fields are cells.
        let fields = unsafe { entry.as_ref() };
        let tick = fields.tick.get();
        let index = index_of(tick >> (level * LEVEL_BITS), level);
        fields.slot.set(index as u16);

        let slot = &mut self.slots[index];
        let last = slot.tail.replace(entry);
        fields.next.set(None);
        fields.prev.set(last);
        if let Some(last) = last {
            // SAFETY: what a slot's list holds is linked, and so valid by the contract of `insert`.
            unsafe { last.as_ref() }.next.set(Some(entry));
            slot.earliest = slot.earliest.min(tick);
        } else {
            slot.head = Some(entry);
            slot.earliest = tick;
            self.occupied_slots[level as usize][index / BLOCK % 2] |= 1 << (index % BLOCK);
            self.occupied_levels |= 1 << level;
        }
    }

    /// Takes `entry` out of the list of its slot.
    ///
    /// # Safety
    ///
    /// `entry` is linked in this wheel.
    unsafe fn unlink(&mut self, entry: NonNull<Entry>) {
        // SAFETY: what is linked in this wheel is valid by the contract of `insert`; its fields are cells.
        let fields = unsafe { entry.as_ref() };
        let index = usize::from(fields.slot.replace(UNLINKED));
        assert!(index < self.slots.len(), "an entry was removed that no wheel holds");
        let (next, prev) = (fields.next.take(), fields.prev.take());
        match prev {
            // SAFETY: the neighbours of a linked entry are linked in the same list, and so valid.
            Some(prev) => unsafe { prev.as_ref() }.next.set(next),
            None => self.slots[index].head = next,
        }
        match next {
            // SAFETY: as above.
            Some(next) => unsafe { next.as_ref() }.prev.set(prev),
            None => self.slots[index].tail = prev,
        }
        if self.slots[index].head.is_none() {
            self.mark_empty(index);
        }
    }

    /// Places entries of a current slot or of a successor again, lower, in order, until it is empty or no moves are left.
    fn move_down(&mut self, slot: usize, moves_left: &mut usize) {
        while let Some(head) = self.slots[slot].head
            && *moves_left > 0
        {
            *moves_left -= 1;
            // SAFETY: the head of a slot's list is linked, and so valid by the contract of `insert`.
            let tick = unsafe { head.as_ref() }.tick.get();
            let level = self.level_below(slot / SLOTS_PER_LEVEL, tick);
            // SAFETY: the head of a slot's list is linked in this wheel.
            unsafe { self.unlink(head) };
            // SAFETY: it was linked until now, so it is valid, and is in no list any more; the lowest level with a block that its tick is
            // in, and so each one above, has such a block.
            unsafe { self.place(head, level) };
        }
    }

    /// To which level an entry descends from the level `from`: to where it belongs, or above that to the slot of its tick which still has
    /// entries, since they may be older ones of that tick.
    fn level_below(&self, from: usize, tick: u64) -> u32 {
        let lowest = level_of(tick, self.current);
        let is_occupied = |&level: &u32| self.slots[index_of(tick >> (level * LEVEL_BITS), level)].head.is_some();
        (lowest + 1..from as u32).rev().find(is_occupied).unwrap_or(lowest)
    }

    /// Clears the occupancy bits of a slot that has become empty.
    fn mark_empty(&mut self, index: usize) {
        let level = index / SLOTS_PER_LEVEL;
        let words = &mut self.occupied_slots[level];
        words[index / BLOCK % 2] &= !(1 << (index % BLOCK));
        if *words == [0; 2] {
            self.occupied_levels &= !(1 << level);
        }
    }
}

/// The first occupied slot of a level.
struct First {
    level: u32,
    /// Its place among all slots.
    index: usize,
    /// The first of its ticks.
    start: u64,
}

impl First {
    /// Whether its entries must descend before anything can be due.
    fn is_moving(&self, current: u64) -> bool {
        self.level > 0 && self.start == current
    }
}

/// The lowest level one of whose two blocks has `tick`, which is not before `current`.
fn level_of(tick: u64, current: u64) -> u32 {
    debug_assert!(tick >= current);
    // A block of this level is wider than the distance, so both are in one or in neighbours.
    let level = ((tick - current) | (BLOCK as u64 - 1)).ilog2() / LEVEL_BITS;
    let blocks_below = |tick| tick >> (level * LEVEL_BITS);
    // They may be in neighbours of the level below too, and are never so another level down.
    level - u32::from(level > 0 && blocks_below(tick) - blocks_below(current) == 1)
}

/// The place among all slots of that slot of a level.
fn index_of(slot: u64, level: u32) -> usize {
    level as usize * SLOTS_PER_LEVEL + slot as usize % SLOTS_PER_LEVEL
}

/// The numbers of the bits that are set, from the lowest.
fn ones(word: u16) -> impl Iterator<Item = u32> {
    let rest = |&word: &u16| Some(word & (word - 1)).filter(|&rest| rest != 0);
    iter::successors(Some(word).filter(|&word| word != 0), rest).map(u16::trailing_zeros)
}
