//! The right to end one particular wait.

use crate::slot::{Claim, GENERATIONS, Outcome, Unwoken};
use crate::slots;
use crate::stable::INDEX_BITS;

/// The right to signal one wait: the index of its slot and its generation, in one word.
///
/// Tickets are plain data: copy them, store them in atomics, send them anywhere, keep them after the wait has ended.
/// Signalling a wait that is over does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Ticket {
    #[inline]
    pub(crate) fn new(index: u32, generation: u64) -> Self {
        debug_assert!(generation < GENERATIONS);
        Self(generation << INDEX_BITS | u64::from(index))
    }

    /// The ticket as a number: never below 16, so that a word may hold either a ticket or a small state of its own.
    #[inline]
    pub fn into_bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`into_bits`](Self::into_bits).
    ///
    /// # Safety
    /// The bits came from a ticket. Others might end a wait that somebody's memory depends on.
    #[inline]
    pub unsafe fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// A ticket that signals nobody.
    #[inline]
    pub fn dead() -> Self {
        Self(0)
    }

    #[inline]
    fn index(self) -> u32 {
        self.0 as u32 & ((1 << INDEX_BITS) - 1)
    }

    #[inline]
    pub(crate) fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// Ends the wait with [`Outcome::Signaled`] and makes its owner runnable. Returns whether this call did it; `false`
    /// means that the wait was over already. Everything written before is visible to the owner. Never suspends.
    #[inline]
    pub fn signal(self) -> bool {
        self.end(Outcome::Signaled)
    }

    /// Ends the wait with `outcome`; as [`signal`](Self::signal) otherwise.
    #[inline]
    pub fn end(self, outcome: Outcome) -> bool {
        if self.0 == 0 {
            return false;
        }
        let slot = slots::get(self.index());
        match slot.claim(self.generation(), outcome) {
            Claim::Lost => false,
            Claim::Running => true,
            Claim::Parked => {
                // SAFETY: we have just won the parked owner, and wake it this once.
                unsafe { slot.wake() };
                true
            }
        }
    }

    /// Wins the wait, and keeps its owner where it is until the result is released. `None` if the wait was over already.
    #[inline]
    pub fn hold(self) -> Option<Held> {
        // Lazily: a `Held` that is dropped releases.
        (self.0 != 0 && slots::get(self.index()).hold(self.generation())).then(|| Held(self))
    }

    /// Whether the wait can still be won: a hint, since others may be about to.
    #[inline]
    pub fn is_open(self) -> bool {
        self.0 != 0 && slots::get(self.index()).is_open(self.generation())
    }
}

/// A wait that was won, whose owner stays suspended until this is [released](Self::release).
///
/// Until then whatever the owner has registered beside its ticket is the holder's alone. Dropping it releases it too.
#[derive(Debug)]
pub struct Held(Ticket);

impl Held {
    /// Ends the wait as signalled and makes its owner runnable. Everything written before is visible to the owner.
    #[inline]
    pub fn release(self) {}

    /// As [`release`](Self::release), but does not call the waker of an owner that is a future: that is foreign code, which may wait, so
    /// a caller that has a wait of its own under way drops the result, which calls it, after that.
    pub fn release_unwoken(self) -> Unwoken {
        let this = std::mem::ManuallyDrop::new(self);
        slots::get(this.0.index()).release_unwoken(this.0.generation())
    }

    /// The ticket that was won.
    #[inline]
    pub fn ticket(&self) -> Ticket {
        self.0
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        slots::get(self.0.index()).release(self.0.generation());
    }
}
