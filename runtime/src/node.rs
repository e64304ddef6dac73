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
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.is_null() {
            self.head.store(node, Ordering::Relaxed);
        } else {
            // SAFETY: what is queued has not run, so it is alive.
            unsafe { (*tail).set_next(node) };
        }
        self.tail.store(node, Ordering::Relaxed);
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
}
