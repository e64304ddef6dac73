//! What all tasks have in common, at a known place whatever closure and result they carry.

use crate::node::{Kind, Node, Runnable};
use crate::stack::StackPool;
use crate::task::children::Children;
use crate::task::state::State;
use std::cell::UnsafeCell;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;
use tasklets_park::{Ticket, Token};

/// Who is to be told that the task has ended.
#[derive(Debug)]
pub(crate) enum Joiner {
    /// A context that waits.
    Ticket(Ticket),
    /// A future that is pending.
    Waker(Waker),
}

/// What few tasks have.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// A name, for messages.
    pub(crate) name: Option<Box<str>>,
    /// A stack size of its own.
    pub(crate) stacks: Option<Arc<StackPool>>,
    /// Spawned by `spawn_migrating`.
    pub(crate) migrating: bool,
    /// Spawned in a scope, which waits for it.
    pub(crate) siblings: Option<Arc<Children>>,
}

/// The functions that know the types of closure and result.
#[derive(Debug)]
pub(crate) struct Vtable {
    /// Runs the task to its end on the calling stack, or only drops it.
    ///
    /// # Safety
    /// Called once, by whoever took the task out of its queue.
    pub(crate) run: unsafe fn(NonNull<Header>, Told),
    /// Polls the future once.
    ///
    /// # Safety
    /// By whoever took it out of its queue.
    pub(crate) poll: unsafe fn(NonNull<Header>, Told),
    /// Puts a woken future into a queue.
    ///
    /// # Safety
    /// By whoever [`State::wake`] told to.
    pub(crate) schedule: unsafe fn(NonNull<Header>),
    /// Moves the result to `*mut Result<T, JoinError>`.
    ///
    /// # Safety
    /// By the join handle, once, after COMPLETE; the pointer is to memory for such a result.
    pub(crate) take_result: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the result where it is.
    ///
    /// # Safety
    /// By whoever owns the result (rule 1 of the state word), once, if it was not taken.
    pub(crate) drop_result: unsafe fn(NonNull<Header>),
    /// Frees the memory.
    ///
    /// # Safety
    /// By whoever the state word told to.
    pub(crate) free: unsafe fn(NonNull<Header>),
}

/// What a task that is run or polled is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Go on.
    Run,
    /// The runtime ends: drop what you have.
    End,
}

/// See the [module](self).
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) node: Node,
    pub(crate) state: State,
    pub(crate) vtable: &'static Vtable,
    pub(crate) id: u64,
    /// The permit of `park` and `unpark`.
    pub(crate) permit: Token,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) extras: Option<Box<Extras>>,
    joiner: UnsafeCell<Joiner>,
}

// SAFETY: the one field that is not `Sync` is `joiner`, and rule 2 of the state word says who may touch it when. The
// types behind the vtable are dealt with by `JoinHandle` and the spawning functions.
unsafe impl Sync for Header {}
// SAFETY: nothing in a header is bound to a thread.
unsafe impl Send for Header {}

impl Header {
    pub(crate) fn new(
        kind: Kind,
        vtable: &'static Vtable,
        id: u64,
        spawned_at: &'static Location<'static>,
        extras: Option<Box<Extras>>,
    ) -> Self {
        Self {
            node: Node::new(kind),
            state: State::new(),
            vtable,
            id,
            permit: Token::new(),
            spawned_at,
            extras,
            joiner: UnsafeCell::new(Joiner::Ticket(Ticket::dead())),
        }
    }

    /// The scope's count that this task is part of.
    pub(crate) fn siblings(&self) -> Option<&Children> {
        self.extras.as_ref()?.siblings.as_deref()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.extras.as_ref()?.name.as_deref()
    }

    /// Handle: writes the joiner field.
    ///
    /// # Safety
    /// JOINER is clear and the task has not ended, or `remove_joiner` has just succeeded; the caller is the handle.
    #[inline]
    pub(crate) unsafe fn set_joiner(&self, joiner: Joiner) {
        // SAFETY: by rule 2 nobody else touches the field now.
        unsafe { *self.joiner.get() = joiner };
    }

    /// Completer: tells the joiner.
    ///
    /// # Safety
    /// `complete` said so.
    #[inline]
    pub(crate) unsafe fn wake_joiner(&self) {
        // By value, so that the waker is dropped here, on the task's own stack, and not with the header's memory.
        // SAFETY: by rule 2 the field is ours from COMPLETE on.
        match unsafe { std::mem::replace(&mut *self.joiner.get(), Joiner::Ticket(Ticket::dead())) } {
            Joiner::Ticket(ticket) => {
                ticket.signal();
            }
            Joiner::Waker(waker) => waker.wake(),
        }
    }
}

/// A counted reference to a task that says nothing of its types.
#[derive(Debug)]
pub(crate) struct TaskRef(NonNull<Header>);

// SAFETY: through it only the header is used, which is `Sync`, and its `free`, which drops no closure and no result (both
// are gone by then) but only the header's own fields, all `Send`.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// A new reference.
    ///
    /// # Safety
    /// The header is alive.
    pub(crate) unsafe fn new(header: NonNull<Header>) -> Self {
        // SAFETY: alive, says the caller.
        unsafe { header.as_ref() }.state.retain();
        Self(header)
    }

    /// Takes over a reference that was counted before.
    ///
    /// # Safety
    /// The caller has one and gives it up.
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> Self {
        Self(header)
    }

    /// Gives the reference to the caller, uncounted.
    pub(crate) fn into_raw(self) -> NonNull<Header> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl std::ops::Deref for TaskRef {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: the reference keeps it alive.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        // SAFETY: alive through `self`.
        unsafe { Self::new(self.0) }
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        if self.state.release() {
            // SAFETY: the state word says that we were the last.
            unsafe { (self.vtable.free)(self.0) }
        }
    }
}

/// The runnable of a task that has not been started.
#[inline]
pub(crate) fn runnable(header: NonNull<Header>) -> Runnable {
    Runnable::new(header.cast())
}
