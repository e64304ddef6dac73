//! A home's inbox: what other threads made runnable for it.
//!
//! A stack of linked nodes: anyone pushes with one compare-and-swap, the home takes everything with one swap and turns it
//! round, so it comes out in the order it went in. Because the home takes all at once, no node can come back to the head
//! between a pusher's load and its compare-and-swap with another meaning: the pusher only cares for the address to link
//! behind, so there is no ABA problem.
//!
//! The push releases the node (and all that its pusher did before); the take acquires it. That a sleeping home is woken
//! is the business of the [idle protocol](crate::idle).

use crate::node::{Node, Runnable};
use std::ptr::NonNull;
use tasklets_park::sync::atomic::{AtomicPtr, Ordering};

/// See the [module](self).
#[derive(Debug)]
pub struct Inbox {
    head: AtomicPtr<Node>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { head: AtomicPtr::new(std::ptr::null_mut()) }
    }
}

impl Inbox {
    /// Whether nothing is in it at this moment.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Hands `runnable` to the home. After this call it may have run, and be gone.
    #[inline]
    pub fn push(&self, runnable: Runnable) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            runnable.node().set_next(head);
            match self.head.compare_exchange_weak(head, runnable.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Home: takes everything and hands it to `each`, oldest first. Returns whether there was anything.
    #[inline]
    pub fn take_all(&self, mut each: impl FnMut(Runnable)) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut newest = self.head.swap(std::ptr::null_mut(), Ordering::Acquire);
        let mut oldest_first: *mut Node = std::ptr::null_mut();
        while let Some(node) = NonNull::new(newest) {
            // SAFETY: queued nodes are alive, and the swap made this chain ours.
            let node = unsafe { node.as_ref() };
            newest = node.next();
            node.set_next(oldest_first);
            oldest_first = std::ptr::from_ref(node).cast_mut();
        }
        while let Some(node) = NonNull::new(oldest_first) {
            // SAFETY: as above; `each` has not had it yet. Its link is read first, since `each` may queue it elsewhere.
            oldest_first = unsafe { node.as_ref() }.next();
            each(Runnable::new(node));
        }
        true
    }
}
