//! What whoever waits has in a wheel.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::{self, NonNull};

/// Stands for no slot.
pub(super) const UNLINKED: u16 = u16::MAX;

/// A timer's place in a [`Wheel`](super::Wheel), owned by whoever waits and linked into the wheel where it lies.
///
/// From [`Wheel::insert`](super::Wheel::insert) until it is popped or removed it must neither move nor be freed.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its neighbours in the list of the slot.
    pub(super) next: Cell<Option<NonNull<Entry>>>,
    pub(super) prev: Cell<Option<NonNull<Entry>>>,
    /// When it is due; meaningful while linked.
    pub(super) tick: Cell<u64>,
    /// Which slot it is linked in, as an index into all slots, or `UNLINKED`.
    pub(super) slot: Cell<u16>,
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
