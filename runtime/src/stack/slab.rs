//! One mapping cut into equal slots.
//!
//! A slab is not marked `MADV_DONTFORK`, though that would make a fork with many stacks cheaper: the child of a fork
//! goes on with the stack of the tasklet that forked, and would die at once if it had none. `std::process::Command`
//! forks so when it is given a `pre_exec`, a user or a group.

use std::io;
use std::ops::Range;
use std::ptr;

use super::guard::Guarded;
use super::idle::Idle;
use super::registry::{self, Registration};
use super::{Stack, StackError, advise, budget, page_size};

/// Bytes of a slab, unless its stacks are so large that more are needed for `LEAST_SLOTS`.
const SLAB_BYTES: usize = 64 << 20;
/// Slots of a slab, at least.
const LEAST_SLOTS: usize = 8;
/// The least that code can use of a stack: less does not hold a signal frame with wide vector registers.
const LEAST_USABLE: usize = 16 << 10;
/// The largest stack, guard included.
pub(super) const MOST_STRIDE: usize = 64 << 30;

/// The measures of every slab of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes from slot to slot.
    pub(super) stride: usize,
    /// Slots in a slab; fits in 16 bits.
    pub(super) slots: usize,
}

impl Shape {
    /// The shape for stacks of `size` bytes, guard included; rounded up to pages and to what signals need.
    pub(super) fn new(size: usize) -> Result<Shape, StackError> {
        if size > MOST_STRIDE {
            return Err(StackError::Size { asked: size, max: MOST_STRIDE });
        }
        let stride = size.max(page_size() + LEAST_USABLE).next_multiple_of(page_size());
        Ok(Shape { stride, slots: (SLAB_BYTES / stride).max(LEAST_SLOTS) })
    }

    /// Bytes of a slab.
    pub(super) fn len(self) -> usize {
        self.stride * self.slots
    }
}

/// One mapping. Dropping it leaks the mapping: only [`Slab::unmap`] knows that nobody uses it.
pub(super) struct Slab {
    /// The address of slot 0.
    base: usize,
    shape: Shape,
    registration: Registration,
    /// Slots from the front that have a guard. The others do not exist for anyone.
    guarded: usize,
    /// Guards that the budget was charged for.
    charged: usize,
    /// Whether it has grown since the last trim.
    pub(super) young: bool,
    /// Its guarded slots that are not on loan.
    pub(super) idle: Idle,
}

impl Slab {
    /// Maps a slab. None of its slots has a guard yet.
    pub(super) fn map(shape: Shape) -> Result<Slab, StackError> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: a new mapping at an address that the kernel chooses disturbs nothing.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), shape.len(), access, flags, -1, 0) };
        if mapping == libc::MAP_FAILED {
            return Err(StackError::Map { bytes: shape.len(), source: io::Error::last_os_error() });
        }
        // A huge page would be resident for the sake of one touched page. MAP_STACK says so to Linux 6.7 and later,
        // this to older ones. It fails only on a kernel that has no huge pages.
        // SAFETY: the mapping is ours, and this advice changes no contents.
        unsafe { libc::madvise(mapping, shape.len(), libc::MADV_NOHUGEPAGE) };
        // Exposed, since whoever runs on a stack makes its pointers from addresses.
        let base = mapping.expose_provenance();
        Ok(Slab {
            base,
            shape,
            registration: registry::register(base, shape.len(), shape.stride),
            guarded: 0,
            charged: 0,
            young: true,
            idle: Idle::default(),
        })
    }

    /// The address of slot 0.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// The slots that have no guard yet.
    pub(super) fn unguarded(&self) -> Range<usize> {
        self.guarded..self.shape.slots
    }

    /// Slots that exist: on loan or idle.
    pub(super) fn stacks(&self) -> usize {
        self.guarded
    }

    /// The next slots got their guards and become idle.
    pub(super) fn add_guarded(&mut self, guarded: &Guarded) {
        let first = self.guarded;
        self.guarded += guarded.slots;
        self.charged += guarded.charged;
        self.young = true;
        self.idle.add_clean((first..self.guarded).map(|slot| slot as u16));
    }

    /// The stack in a slot of slab number `id`.
    pub(super) fn stack(&self, id: usize, slot: u16) -> Stack {
        let slot = usize::from(slot);
        Stack {
            top: self.base + (slot + 1) * self.shape.stride,
            pages: (self.shape.stride / page_size()) as u32,
            index: (id * self.shape.slots + slot) as u32,
        }
    }

    /// Whether no slot is on loan.
    pub(super) fn is_idle(&self) -> bool {
        self.idle.len() == self.guarded
    }

    /// Whether no slot was on loan at any time since the last trim.
    pub(super) fn was_idle(&self) -> bool {
        !self.young && self.idle.unused() == self.guarded
    }

    /// Gives all of it back to the system, page tables too. If the kernel refuses, the slab goes on as it was.
    ///
    /// # Safety
    ///
    /// No slot is on loan, nor held by a trim.
    pub(super) unsafe fn unmap(self) -> Result<(), Slab> {
        let Slab { base, shape, registration, .. } = self;
        // Before the range can become somebody else's.
        registry::unregister(registration);
        // SAFETY: the range is this slab's mapping, whole, and by the caller's promise nobody uses a byte of it.
        if unsafe { libc::munmap(ptr::without_provenance_mut(base), shape.len()) } == 0 {
            budget::refund(self.charged);
            return Ok(());
        }
        Err(Slab { registration: registry::register(base, shape.len(), shape.stride), ..self })
    }
}

/// Gives the pages of some slots back to the system. The guards stay.
///
/// # Safety
///
/// The slots, in ascending order, belong to the slab at `base`, which stays mapped; nobody uses them.
pub(super) unsafe fn discard(base: usize, shape: Shape, slots: &[u16]) {
    let mut ranges: Vec<libc::iovec> = Vec::new();
    for run in slots.chunk_by(|a, b| a + 1 == *b) {
        ranges.push(libc::iovec {
            iov_base: ptr::without_provenance_mut(base + usize::from(run[0]) * shape.stride),
            iov_len: run.len() * shape.stride,
        });
    }
    // An error (locked memory) means that the pages stay. Nothing is lost, and trying again would not help.
    // SAFETY: nobody uses these slots, so nobody misses their contents.
    let _ = unsafe { advise::advise(&ranges, libc::MADV_DONTNEED) };
}
