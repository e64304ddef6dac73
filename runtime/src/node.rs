//! What queues hold: the link that every runnable thing begins with, and the private ready list made of it.

use std::ptr::NonNull;
use tasklets_park::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// What a [`Runnable`] points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The header of a stackful task that has not run yet.
    Fresh,
    /// The fiber of a task that has.
    Started,
    /// The header of a stackless task.
    Future,
}

/// No home yet.
pub const NO_HOME: u32 = u32::MAX;

/// The first field of everything that can be queued. A node is in at most one queue at a time.
#[derive(Debug)]
#[repr(C)]
pub struct Node {
    next: AtomicPtr<Node>,
    home: AtomicU32,
    kind: Kind,
}

impl Node {
    /// A node in no queue and without a home.
    pub fn new(kind: Kind) -> Self {
        Self { next: AtomicPtr::new(std::ptr::null_mut()), home: AtomicU32::new(NO_HOME), kind }
    }

    /// What this is the node of.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The home it belongs to, or [`NO_HOME`]. Advisory to anyone but that home.
    #[inline]
    pub fn home(&self) -> u32 {
        self.home.load(Ordering::Relaxed)
    }

    /// Gives it a home.
    #[inline]
    pub fn set_home(&self, home: u32) {
        self.home.store(home, Ordering::Relaxed);
    }

    // The links need no ordering of their own: a list is private to a thread, and the inbox publishes what is linked
    // behind its head.
    #[inline]
    pub(crate) fn next(&self) -> *mut Node {
        self.next.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_next(&self, next: *mut Node) {
        self.next.store(next, Ordering::Relaxed);
    }
}

/// Something that a worker can run next; whoever holds it may run it, and nobody else has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runnable(NonNull<Node>);

// SAFETY: a runnable is the sole right to run what it points to. Fresh tasks and futures are `Send` by the bounds of the
// functions that spawn them (those that are not never leave their home's queues); a started fiber is sent only towards
// its home, and elsewhere only under the promise of `spawn_migrating`.
unsafe impl Send for Runnable {}

impl Runnable {
    /// The runnable of `node`.
    #[inline]
    pub fn new(node: NonNull<Node>) -> Self {
        Self(node)
    }

    /// What it points to.
    #[inline]
    pub fn as_ptr(self) -> *mut Node {
        self.0.as_ptr()
    }

    /// Its node.
    #[inline]
    pub fn node(&self) -> &Node {
        // SAFETY: what a runnable points to is not freed before it has run.
        unsafe { self.0.as_ref() }
    }
}

/// A queue of runnables, private to one thread; others may see whether it is empty.
#[derive(Debug)]
pub struct List {
    head: AtomicPtr<Node>,
    tail: AtomicPtr<Node>,
}

impl Default for List {
    fn default() -> Self {
        Self { head: AtomicPtr::new(std::ptr::null_mut()), tail: AtomicPtr::new(std::ptr::null_mut()) }
    }
}

// Relaxed throughout: one thread writes, and onlookers only want a hint.
impl List {
    /// Whether it is empty; a hint for any thread but the owner.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Appends `runnable`.
    #[inline]
    pub fn push_back(&self, runnable: Runnable) {
        let node = runnable.as_ptr();
        runnable.node().set_next(std::ptr::null_mut());
        self.append_chain(node, node);
    }

    #[inline]
    fn append_chain(&self, first: *mut Node, last: *mut Node) {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.is_null() {
            self.head.store(first, Ordering::Relaxed);
        } else {
            // SAFETY: what is queued has not run, so it is alive.
            unsafe { (*tail).set_next(first) };
        }
        self.tail.store(last, Ordering::Relaxed);
    }

    /// Takes the first.
    #[inline]
    pub fn pop_front(&self) -> Option<Runnable> {
        let head = NonNull::new(self.head.load(Ordering::Relaxed))?;
        // SAFETY: what is queued has not run, so it is alive.
        let next = unsafe { head.as_ref() }.next();
        self.head.store(next, Ordering::Relaxed);
        if next.is_null() {
            self.tail.store(next, Ordering::Relaxed);
        }
        Some(Runnable::new(head))
    }

    /// Takes everything.
    #[inline]
    pub fn take(&self) -> List {
        let taken = List {
            head: AtomicPtr::new(self.head.load(Ordering::Relaxed)),
            tail: AtomicPtr::new(self.tail.load(Ordering::Relaxed)),
        };
        self.head.store(std::ptr::null_mut(), Ordering::Relaxed);
        self.tail.store(std::ptr::null_mut(), Ordering::Relaxed);
        taken
    }

    /// Appends all of `others`.
    #[inline]
    pub fn append(&self, others: List) {
        let first = others.head.load(Ordering::Relaxed);
        if !first.is_null() {
            self.append_chain(first, others.tail.load(Ordering::Relaxed));
        }
    }

    /// How many there are. It goes through all of them.
    pub fn count(&self) -> u64 {
        let (mut count, mut next) = (0, self.head.load(Ordering::Relaxed));
        while let Some(node) = NonNull::new(next) {
            count += 1;
            // SAFETY: what is queued has not run, so it is alive.
            next = unsafe { node.as_ref() }.next();
        }
        count
    }
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_and_appended_whole() {
        let nodes: Vec<Node> = (0..6).map(|_| Node::new(Kind::Fresh)).collect();
        let runnables: Vec<_> = nodes.iter().map(|node| Runnable::new(NonNull::from(node))).collect();
        let list = |range: std::ops::Range<usize>| {
            let list = List::default();
            runnables[range].iter().for_each(|&runnable| list.push_back(runnable));
            list
        };
        for (first, second) in [(0, 0), (0, 1), (1, 1), (0, 3), (3, 3), (3, 6)] {
            let (front, back) = (list(0..first), list(first..second));
            let taken = front.take();
            assert!(front.is_empty());
            taken.append(back);
            assert_eq!(taken.count(), second as u64);
            // Still whole at its end.
            if second < 6 {
                taken.push_back(runnables[5]);
            }
            let order: Vec<_> = std::iter::from_fn(|| taken.pop_front()).collect();
            assert_eq!(order[..second], runnables[..second]);
            assert_eq!(order.len(), if second < 6 { second + 1 } else { 6 });
            assert!(taken.is_empty() && taken.count() == 0);
        }
    }
}
