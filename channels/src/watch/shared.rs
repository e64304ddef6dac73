//! What senders and receivers share.

use crate::counted::{Held, Showcase};
use tasklets_park::WaitQueue;
use tasklets_park::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[cfg(tasklets_loom)]
pub(super) use loom::sync::Arc;
#[cfg(not(tasklets_loom))]
pub(super) use std::sync::Arc;

/// The one place of the showcase.
const LATEST: usize = 0;

pub(super) struct Shared<T> {
    /// Always shows a value.
    shown: Showcase<T, [AtomicU64; 1]>,
    /// The number of the next value. Unique is all they need to be: two senders at once may show theirs in either order.
    next_number: AtomicU64,
    // Every handle also counts in the `Arc`, which aborts long before these overflow.
    pub(super) senders: AtomicUsize,
    pub(super) receivers: AtomicUsize,
    /// Receivers that wait for another value, or for the last sender to go.
    pub(super) changed: WaitQueue,
    /// Senders that wait for the last receiver to go.
    pub(super) closed: WaitQueue,
}

impl<T> Shared<T> {
    /// Shows `value`, and has no handles.
    pub(super) fn new(value: T) -> Self {
        let this = Self {
            shown: Showcase::new([AtomicU64::new(0)]),
            next_number: AtomicU64::new(1),
            senders: AtomicUsize::new(0),
            receivers: AtomicUsize::new(0),
            changed: WaitQueue::new(),
            closed: WaitQueue::new(),
        };
        let mut fresh = this.shown.fresh(value);
        fresh.set_stamp(this.take_number());
        let before = this.shown.swap(LATEST, fresh);
        debug_assert!(before.is_none(), "the first value");
        drop(before);
        this
    }

    fn take_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The newest value.
    pub(super) fn latest(&self) -> Held<'_, T> {
        self.shown.hold(LATEST).expect("a value is shown from the first to the last moment")
    }

    /// Whether the newest value is another one than that with this number, which must have been shown before.
    ///
    /// If the slot that was shown is used again meanwhile, the number may be one of a value to come. Then the value asked about,
    /// if it was in that slot, is not the newest any more; and if it was not, it was not the newest to begin with.
    pub(super) fn has_changed(&self, seen: u64) -> bool {
        self.shown.glance(LATEST) != seen
    }

    /// Shows `value` and wakes the receivers. Returns the value before.
    pub(super) fn show(&self, value: T) -> Held<'_, T> {
        let mut fresh = self.shown.fresh(value);
        fresh.set_stamp(self.take_number());
        let before = self.shown.swap(LATEST, fresh);
        self.wake_receivers();
        before.expect("a value is shown from the first to the last moment")
    }

    /// Shows what `change` makes of a copy of the newest value, unless it says no; asked again if another value is shown meanwhile.
    pub(super) fn show_changed(&self, mut change: impl FnMut(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        loop {
            let latest = self.latest();
            let mut value = T::clone(&latest);
            if !change(&mut value) {
                return false;
            }
            let mut fresh = self.shown.fresh(value);
            fresh.set_stamp(self.take_number());
            if self.shown.replace(LATEST, Some(&latest), fresh).is_ok() {
                self.wake_receivers();
                return true;
            }
        }
    }

    fn wake_receivers(&self) {
        if !self.changed.is_empty() {
            self.changed.wake_all();
        }
    }

    /// Whether there is no sender left. Final.
    pub(super) fn is_disconnected(&self) -> bool {
        self.senders.load(Ordering::SeqCst) == 0
    }

    /// Whether there is no receiver now. A sender may make another.
    pub(super) fn is_unwatched(&self) -> bool {
        self.receivers.load(Ordering::SeqCst) == 0
    }
}
