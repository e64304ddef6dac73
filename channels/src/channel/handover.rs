//! Who runs next when something is handed over.

use super::Channel;
use crate::preference::Preference;
use std::sync::atomic::Ordering;
use tasklets_park::{Held, Place, give_way};

/// Whether an operation may suspend its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It may not: `try_send` and the like, selects, futures.
    Trying,
    /// It may.
    Blocking,
}

impl<T> Channel<T> {
    pub(crate) fn set_preference(&self, preference: Option<Preference>) {
        self.preference.store(preference.map_or(0, Preference::number), Ordering::Relaxed);
    }

    pub(crate) fn preference(&self) -> Option<Preference> {
        Preference::from_number(self.preference.load(Ordering::Relaxed))
    }

    /// Releases the partner of an operation, which is on the given side, and puts it where the preference says. Returns whether the
    /// operation is to give way to it, once it has nothing else to do for others.
    #[inline]
    pub(super) fn release(&self, held: Held, side: Preference, form: Form) -> bool {
        if form == Form::Trying || self.preference.load(Ordering::Relaxed) == 0 {
            held.release();
            return false;
        }
        self.release_in_order(held, side)
    }

    #[cold]
    fn release_in_order(&self, held: Held, side: Preference) -> bool {
        if self.preference() == Some(side) {
            return held.release_to(Place::First);
        }
        // Where it has no place to ask for, there is no order either.
        let _ = held.release_to(Place::Last);
        false
    }

    /// As [`release`](Self::release), and gives way if it is to.
    #[inline]
    pub(super) fn hand_over(&self, held: Held, side: Preference, form: Form) {
        if self.release(held, side, form) {
            give_way();
        }
    }
}
