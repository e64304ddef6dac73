//! Free blocks by the hundred: how memory of ended tasks gets from the threads that free it to those that allocate.
//!
//! The idea is Bonwick's and Adams's ("Magazines and Vmem", USENIX 2001).
//!
//! ```text
//! magazine    first -> block -> block -> ...              the first word of a block: the next
//! depot       magazine (its first block) -> magazine ...  the second word of a first block: the next magazine
//! ```

use super::memory::CLASSES;
use std::ptr::NonNull;
use std::sync::{Mutex, TryLockError};

/// Blocks of a full magazine.
const FULL: u32 = 128;
/// Magazines of a depot: of the smallest class 14 MiB.
const MAGAZINES: usize = 1024;

type Next = Option<NonNull<u8>>;

/// Up to [`FULL`] free blocks of one class. It does not own them: whoever copies one, and uses both, has two of each.
#[derive(Clone, Copy)]
pub(super) struct Magazine {
    first: Next,
    count: u32,
}

impl Default for Magazine {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Magazine {
    pub(super) const EMPTY: Self = Self { first: None, count: 0 };

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.count == FULL
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Next {
        let block = self.first?;
        // SAFETY: a free block begins with its successor, written by `push`.
        self.first = unsafe { block.cast::<Next>().read() };
        self.count -= 1;
        Some(block)
    }

    /// # Safety
    /// The block is free, of this class, and the caller gives it up.
    #[inline]
    pub(super) unsafe fn push(&mut self, block: NonNull<u8>) {
        // SAFETY: the block is free, and every class has room for two pointers and their alignment.
        unsafe { block.cast::<Next>().write(self.first) };
        self.first = Some(block);
        self.count += 1;
    }

    /// Hands each block to `each`.
    pub(super) fn empty(mut self, mut each: impl FnMut(NonNull<u8>)) {
        while let Some(block) = self.pop() {
            each(block);
        }
    }
}

/// Full magazines of one class, for all threads.
pub(super) struct Depot(Mutex<Stack>);

pub(super) static DEPOTS: [Depot; CLASSES.len()] = [const { Depot(Mutex::new(Stack::EMPTY)) }; CLASSES.len()];

struct Stack {
    first: Next,
    count: usize,
    /// The smallest `count` since the last trim.
    least: usize,
}

// SAFETY: free blocks belong to whoever has them; nothing in them is bound to a thread.
unsafe impl Send for Stack {}

impl Stack {
    const EMPTY: Self = Self { first: None, count: 0, least: 0 };

    fn pop(&mut self) -> Magazine {
        let Some(first) = self.first else { return Magazine::EMPTY };
        // SAFETY: the first block of a magazine in the depot has the next one in its second word, written by `push`.
        self.first = unsafe { first.cast::<Next>().add(1).read() };
        self.count -= 1;
        self.least = self.least.min(self.count);
        Magazine { first: Some(first), count: FULL }
    }

    fn push(&mut self, full: Magazine) {
        let Some(first) = full.first else { return };
        // SAFETY: the block is free, and `Magazine` uses its first word only.
        unsafe { first.cast::<Next>().add(1).write(self.first) };
        self.first = Some(first);
        self.count += 1;
    }
}

impl Depot {
    /// A full magazine, or an empty one if there is none, or if another thread is in here: the allocator then does not wait.
    pub(super) fn take(&self) -> Magazine {
        self.try_with(|stack| stack.pop()).unwrap_or_default()
    }

    /// Takes over a full magazine. False if it does not: there are enough, or another thread is in here.
    pub(super) fn give(&self, full: Magazine) -> bool {
        debug_assert!(full.is_full());
        self.try_with(|stack| {
            let room = stack.count < MAGAZINES;
            if room {
                stack.push(full);
            }
            room
        })
        .unwrap_or(false)
    }

    /// Empties half of the magazines that nobody has needed since the last call. Returns whether any are left.
    pub(super) fn trim(&self, mut each: impl FnMut(NonNull<u8>)) -> bool {
        let mut unused = Stack::EMPTY;
        let more = self.try_with(|stack| {
            for _ in 0..stack.least.div_ceil(2) {
                unused.push(stack.pop());
            }
            stack.least = stack.count;
            stack.count > 0
        });
        // Outside of the lock.
        while unused.count > 0 {
            unused.pop().empty(&mut each);
        }
        more.unwrap_or(true)
    }

    fn try_with<R>(&self, f: impl FnOnce(&mut Stack) -> R) -> Option<R> {
        match self.0.try_lock() {
            Ok(mut stack) => Some(f(&mut stack)),
            // Nothing in here panics.
            Err(TryLockError::Poisoned(poisoned)) => Some(f(&mut poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
