//! A hierarchical timing wheel: the timers of one home.
//!
//! Time is counted in ticks of 2^16 ns (about 66 us) since the wheel was made. A tick is written as a number in
//! base 64, and each of its 11 digits has a level of 64 slots:
//!
//! ```text
//!            a slot spans    64 slots span
//! level 0        66 us           4.2 ms      [ ][ ][c][x][ ] .. [ ]
//! level 1       4.2 ms           268 ms      [ ][c][ ][x][ ] .. [ ]
//! level 2       268 ms             17 s      [c][ ][ ][ ][x] .. [ ]
//! level 3         17 s             18 min
//!   ..
//! level 10                  38 million years        (16 slots are used)
//!
//! c: where a digit of the current tick points    x: entries
//! ```
//!
//! An entry lies at the level of the highest digit in which its tick differs from the current one, in the slot
//! named by that digit of its own tick; an entry of the current tick itself lies at level 0. This holds at all
//! times (the *placement invariant*), and everything else follows from it:
//!
//! * Slots left of `c` are empty, and so is slot `c` at every level but 0. The first occupied slot of a level is
//!   therefore the lowest bit of its occupancy word; there is no wrapping around.
//! * Every entry of a level is due before every entry of a higher level. The first occupied slot of the lowest
//!   occupied level has the earliest entries, so a stretch without timers is crossed in one step, however long.
//! * Entries of one tick lie in one slot. Slots are appended to, and moving a slot down keeps its order, so
//!   entries expire by tick and, within a tick, in the order of insertion (but for one case, below).
//!
//! The current tick is moved only by [`Wheel::pop_due`], up to the start of the first occupied slot or up to now,
//! whichever is earlier. Up to there no entry changes its place. At the start of a slot above level 0, the digit
//! of its entries has become equal to the current one, and they are placed again, lower. So an entry moves at most
//! 10 times in its life, and one that is removed before its slot is reached is never moved.
//!
//! A slot also keeps the earliest tick of those put into it since it was last empty, so that a sleeper with a
//! distant timer sleeps to its deadline and not to the start of a wide slot. A removal leaves that bound as it is:
//! it is then too early, which costs a look, and that look moves the slot's entries down. This happens at most
//! once a level before the next entry is due.
//!
//! A slot can hold a million entries, so moving it down is done in portions, one a call of [`Wheel::pop_due`]. While
//! a slot is *moving*, it is the one exception to the placement invariant: its digit equals the current one. Nothing
//! is popped and the current tick stays until it is empty, since any of its entries may be the earliest. New entries
//! are placed as always, never into it, so that it does become empty; one of them may therefore expire before an
//! older entry of the same tick that had not yet been moved. This is the one exception to the order of insertion.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// A tick is 2^16 ns.
const TICK_BITS: u32 = 16;

/// A level has 2^6 slots: as many as an occupancy word has bits.
const LEVEL_BITS: u32 = 6;
const SLOTS_PER_LEVEL: usize = 1 << LEVEL_BITS;

/// Enough digits for every `u64` tick.
const LEVELS: usize = u64::BITS.div_ceil(LEVEL_BITS) as usize;

/// How many entries one call moves down at most: some tens of microseconds when they are in no near cache. The tests
/// make do with fewer entries.
const MOVES_PER_CALL: usize = if cfg!(test) { 3 } else { 1024 };

/// Stands for no slot.
const UNLINKED: u16 = u16::MAX;

/// Stands for every tick too far to count (38 million years); it is never due.
const NEVER: u64 = u64::MAX;

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// A timer's place in a [`Wheel`], owned by whoever waits and linked into the wheel where it lies.
///
/// From [`Wheel::insert`] until it is popped or removed it must neither move nor be freed.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its neighbours in the list of the slot.
    next: Cell<Option<NonNull<Entry>>>,
    prev: Cell<Option<NonNull<Entry>>>,
    /// When it is due; meaningful while linked.
    tick: Cell<u64>,
    /// Which slot it is linked in, as an index into all slots, or `UNLINKED`.
    slot: Cell<u16>,
    /// The owner's word, not interpreted here.
    data: Cell<*const ()>,
    /// The wheel points here while the owner may hold a `&mut` to what contains this.
    _pinned: PhantomPinned,
}

impl Entry {
    /// An entry that is not linked and whose payload is null.
    pub(crate) const fn new() -> Entry {
        Entry {
            next: Cell::new(None),
            prev: Cell::new(None),
            tick: Cell::new(0),
            slot: Cell::new(UNLINKED),
            data: Cell::new(ptr::null()),
            _pinned: PhantomPinned,
        }
    }

    /// Whether a wheel holds this entry: from its insertion until it is popped or removed.
    pub(crate) fn is_linked(&self) -> bool {
        self.slot.get() != UNLINKED
    }

    /// The payload.
    pub(crate) fn data(&self) -> *const () {
        self.data.get()
    }

    pub(crate) fn set_data(&self, data: *const ()) {
        self.data.set(data);
    }
}

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
    /// Bit `s` of word `l` is set if slot `s` of level `l` has an entry.
    occupied_slots: [u64; LEVELS],
    /// All slots, level by level.
    slots: Box<[Slot]>,
    /// The slot that is being moved down, by index. No entry is added to it meanwhile.
    moving: Option<usize>,
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
            occupied_slots: [0; LEVELS],
            slots: vec![empty; LEVELS * SLOTS_PER_LEVEL].into_boxed_slice(),
            moving: None,
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
        // SAFETY: it is in no list, and stays valid for as long as it is linked here, both by this function's
        // contract; the tick set above is not before the current one.
        unsafe { self.place(entry) };
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
        let (_, slot) = self.first_occupied()?;
        let tick = match self.moving {
            Some(_) => self.current,
            None => self.slots[slot].earliest,
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
    /// passed even so, a crowded slot is moving down: call again after other work, and do not sleep.
    ///
    /// Call it now and then even when nothing is due: it is what moves the wheel on, and an entry is placed the
    /// lower the less the wheel lags behind.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<NonNull<Entry>> {
        let now = self.last_tick_until(now).max(self.current);
        let mut moves_left = MOVES_PER_CALL;
        loop {
            if let Some(slot) = self.moving {
                self.move_down(slot, &mut moves_left);
                if self.slots[slot].head.is_some() {
                    return None;
                }
                self.moving = None;
            }
            let Some((level, slot)) = self.first_occupied() else {
                break;
            };
            let Slot { head, earliest, .. } = self.slots[slot];
            // All ticks of a slot agree in the digits from its level up.
            let slot_start = earliest & (u64::MAX << (level * LEVEL_BITS));
            if slot_start > now {
                break;
            }
            // No entry but those of this slot changes its place by this: all others are in later slots.
            self.current = slot_start;
            if level > 0 {
                self.moving = Some(slot);
                continue;
            }
            if let Some(head) = head {
                // SAFETY: the head of a slot's list is linked in this wheel.
                unsafe { self.unlink(head) };
                self.len -= 1;
            }
            return head;
        }
        // All slots that start by now have been emptied, so no entry changes its place by this.
        self.current = now;
        None
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

    /// The level and index of the slot with the earliest entries.
    fn first_occupied(&self) -> Option<(u32, usize)> {
        if self.occupied_levels == 0 {
            return None;
        }
        let level = self.occupied_levels.trailing_zeros();
        let digit = self.occupied_slots[level as usize].trailing_zeros();
        Some((level, level as usize * SLOTS_PER_LEVEL + digit as usize))
    }

    /// Appends `entry` to the slot where its tick belongs at the current tick.
    ///
    /// # Safety
    ///
    /// `entry` is valid as [`insert`](Wheel::insert) requires, in no list, and its tick is not before the current.
    unsafe fn place(&mut self, entry: NonNull<Entry>) {
        // SAFETY: valid by the contract; its fields are cells.
        let fields = unsafe { entry.as_ref() };
        let tick = fields.tick.get();
        debug_assert!(tick >= self.current);
        // The lowest digit counts as different even if it is not: level 0 is as low as it goes.
        let difference = (tick ^ self.current) | (SLOTS_PER_LEVEL as u64 - 1);
        let level = difference.ilog2() / LEVEL_BITS;
        let digit = (tick >> (level * LEVEL_BITS)) as usize % SLOTS_PER_LEVEL;
        let index = level as usize * SLOTS_PER_LEVEL + digit;
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
            self.occupied_slots[level as usize] |= 1 << digit;
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

    /// Places entries of a slot again, in order, until it is empty or no moves are left. The start of the slot is
    /// the current tick.
    fn move_down(&mut self, slot: usize, moves_left: &mut usize) {
        while let Some(head) = self.slots[slot].head
            && *moves_left > 0
        {
            *moves_left -= 1;
            // SAFETY: the head of a slot's list is linked in this wheel.
            unsafe { self.unlink(head) };
            // SAFETY: it was linked until now, so it is valid, and is in no list any more. No tick of a slot is
            // before the slot's start, the current tick.
            unsafe { self.place(head) };
        }
    }

    /// Clears the occupancy bits of a slot that has become empty.
    fn mark_empty(&mut self, index: usize) {
        let level = index / SLOTS_PER_LEVEL;
        let slots = &mut self.occupied_slots[level];
        *slots &= !(1 << (index % SLOTS_PER_LEVEL));
        if *slots == 0 {
            self.occupied_levels &= !(1 << level);
        }
    }
}
