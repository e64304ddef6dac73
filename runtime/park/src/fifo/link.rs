//! A pointer to a segment and the low bits of its number, in one word.

use crate::address::map_address;
use std::marker::PhantomData;

/// User addresses have 47 bits, and segments are aligned to 128 bytes: 40 bits remain, and 24 for the number.
const ALIGN_BITS: u32 = 7;
const NUMBER_BITS: u32 = 24;
const NUMBER_MASK: usize = (1 << NUMBER_BITS) - 1;

/// A link to a segment, or to none: a pointer, whose address is not the segment's (see `address.rs`). Links to the same memory under
/// another number differ, so a compare-and-swap on a word of them does not take a reused segment for its former self: not before 2^24
/// segments, 2^29 values, have gone by while one thread was stopped between two instructions.
#[derive(Debug)]
pub(super) struct Link<S> {
    bits: *mut (),
    segment: PhantomData<*const S>,
}

impl<S> Clone for Link<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Link<S> {}

impl<S> PartialEq for Link<S> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<S> Link<S> {
    pub(super) fn new(segment: *const S, number: u64) -> Self {
        let bits = map_address(segment, |address| {
            debug_assert!(address & ((1 << ALIGN_BITS) - 1) == 0 && address >> 47 == 0);
            (address >> ALIGN_BITS) << NUMBER_BITS | number as usize & NUMBER_MASK
        });
        Self::from_bits(bits)
    }

    /// "None after segment `number`", or the end of the queue before anything was made.
    pub(super) fn null(number: u64) -> Self {
        Self::from_bits(std::ptr::without_provenance_mut(number as usize & NUMBER_MASK))
    }

    #[inline(always)]
    pub(super) fn from_bits(bits: *mut ()) -> Self {
        Self { bits, segment: PhantomData }
    }

    #[inline(always)]
    pub(super) fn into_bits(self) -> *mut () {
        self.bits
    }

    /// Whether this is a link to, or from, segment `number`.
    #[inline(always)]
    pub(super) fn has_number(self, number: u64) -> bool {
        self.bits.addr() & NUMBER_MASK == number as usize & NUMBER_MASK
    }

    /// The same place once more, with another segment and the next number.
    pub(super) fn next_version(self, segment: *const S) -> Self {
        let number = (self.bits.addr() & NUMBER_MASK) as u64 + 1;
        if segment.is_null() { Self::null(number) } else { Self::new(segment, number) }
    }

    /// The segment, null if none.
    #[inline(always)]
    pub(super) fn segment(self) -> *const S {
        map_address(self.bits, |bits| (bits >> NUMBER_BITS) << ALIGN_BITS)
    }
}
