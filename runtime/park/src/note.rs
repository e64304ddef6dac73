//! What a waiter leaves in a queue beside its ticket.

use crate::address::map_address;
use std::ptr;

/// An address with a flag, or nothing: whatever the two sides of a queue agree upon, such as where the waiter's frame is. Kept as a pointer:
/// see `address.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note(*mut ());

// SAFETY: it is a number until somebody follows it, and that one answers for it.
unsafe impl Send for Note {}
// SAFETY: as above.
unsafe impl Sync for Note {}

const FLAG: usize = 1;

impl Note {
    /// Nothing to follow.
    pub const NONE: Self = Self(ptr::null_mut());

    /// Leads to `frame`.
    #[inline]
    pub fn to<F>(frame: &F, flag: bool) -> Self {
        const { assert!(align_of::<F>() > FLAG) };
        Self(map_address(frame, |address| address | usize::from(flag)))
    }

    /// A number, for models.
    #[cfg(tasklets_loom)]
    pub fn number(number: u64) -> Self {
        Self(ptr::without_provenance_mut(number as usize))
    }

    #[inline]
    pub(crate) fn from_pointer(pointer: *mut ()) -> Self {
        Self(pointer)
    }

    #[inline]
    pub(crate) fn into_pointer(self) -> *mut () {
        self.0
    }

    /// What it was made with.
    #[inline]
    pub fn flag(self) -> bool {
        self.0.addr() & FLAG != 0
    }

    /// What it leads to.
    ///
    /// # Safety
    /// It was made [to](Self::to) an `F` that is still there, and stays for as long as the result is used.
    #[inline]
    pub unsafe fn follow<'a, F>(self) -> &'a F {
        // SAFETY: the caller promises that it is there.
        unsafe { &*map_address::<_, F>(self.0, |address| address & !FLAG) }
    }
}
