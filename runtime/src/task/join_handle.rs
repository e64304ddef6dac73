//! Waiting for a task's end.

use crate::task::cell;
use crate::task::header::{Header, Joiner, TaskRef};
use crate::task::state::HandleDropped;
use crate::task::{JoinError, Tasklet};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::Instant;
use tasklets_park::{Reason, Ticket, Waiter};

/// The right to wait for a task and to take its result.
///
/// Dropping it detaches the task, which then runs on alone; its result is dropped where it ends. It is a [`Future`] too, so
/// `async` code awaits a tasklet.
///
/// ```
/// let sum = tasklets_runtime::run(|| {
///     let handle = tasklets_runtime::spawn(|| 1 + 2);
///     handle.join().unwrap()
/// });
/// assert_eq!(sum, 3);
/// ```
pub struct JoinHandle<T> {
    header: NonNull<Header>,
    _result: PhantomData<T>,
}

// SAFETY: the handle is used to take a `T` out of the task, once, so moving it to another thread moves a `T` there.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: through `&JoinHandle` only the header is used, which is `Sync`.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    /// The task's result is a `T`, and this is its only handle.
    pub(crate) unsafe fn new(header: NonNull<Header>) -> Self {
        Self { header, _result: PhantomData }
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: HANDLE is set while this lives, and keeps the memory.
        unsafe { self.header.as_ref() }
    }

    /// Waits until the task has ended and returns its result. Works in a tasklet, which is suspended, and on an OS thread,
    /// which sleeps.
    ///
    /// # Errors
    /// [`JoinError`] if the task panicked, or was told to end because its runtime did.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call; the task is detached.
    #[inline]
    pub fn join(self) -> Result<T, JoinError> {
        self.join_because(Reason::Join)
    }

    /// As [`join`](Self::join), and says what for.
    #[inline]
    pub(crate) fn join_because(self, reason: Reason) -> Result<T, JoinError> {
        if !self.header().state.is_complete() {
            self.wait(|| Waiter::begin().because(reason), None);
        }
        self.into_result()
    }

    /// As [`join`](Self::join), but the wait cannot be cancelled.
    pub(crate) fn join_firmly(self) -> Result<T, JoinError> {
        self.wait_firmly();
        self.into_result()
    }

    /// Waits for the end, and leaves the result where it is.
    pub(crate) fn wait_firmly(&self) {
        if !self.header().state.is_complete() {
            self.wait(|| Waiter::begin_firmly().because(Reason::Join), None);
        }
    }

    /// As [`wait_firmly`](Self::wait_firmly), no longer than to the deadline. Returns whether it has ended.
    pub(crate) fn wait_firmly_until(&self, deadline: Instant) -> bool {
        if !self.header().state.is_complete() {
            self.wait(|| Waiter::begin_firmly().because(Reason::Join), Some(deadline));
        }
        self.header().state.is_complete()
    }

    fn wait(&self, begin: impl FnOnce() -> Waiter, deadline: Option<Instant>) {
        if !self.header().state.remove_joiner() {
            return;
        }
        // Drops the waker that an earlier poll may have left: foreign code, which may wait, so it comes before our wait begins.
        // SAFETY: JOINER is clear, so the completer leaves the field alone, and we are the handle.
        unsafe { self.header().set_joiner(Joiner::Ticket(Ticket::dead())) };
        let waiter = begin();
        // SAFETY: as above.
        unsafe { self.header().set_joiner(Joiner::Ticket(waiter.ticket())) };
        if self.header().state.add_joiner() {
            // A wait that unwinds or times out leaves its ticket behind, which signals nobody by then.
            let _ = waiter.wait(deadline);
        }
    }

    #[inline]
    fn into_result(self) -> Result<T, JoinError> {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the task has ended, and `self` is consumed, so the result is taken once.
        let result = unsafe { cell::result(this.header) };
        this.leave_ended();
        result
    }

    /// Gives the handle's share of an ended task up.
    #[inline]
    fn leave_ended(&self) {
        if self.header().state.drop_handle() == HandleDropped::Free {
            // SAFETY: the state word said so.
            unsafe { (self.header().vtable.free)(self.header) }
        }
    }

    /// Whether the task has ended; [`join`](Self::join) then does not wait.
    pub fn is_finished(&self) -> bool {
        self.header().state.is_complete()
    }

    /// The task's name tag, for `unpark` and for messages.
    pub fn tasklet(&self) -> Tasklet {
        // SAFETY: alive through the handle.
        Tasklet::new(unsafe { TaskRef::new(self.header) })
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if self.header().state.detach().is_none() {
            // It has ended and nobody took the result.
            struct Leave<'a, T>(&'a JoinHandle<T>);
            impl<T> Drop for Leave<'_, T> {
                fn drop(&mut self) {
                    self.0.leave_ended();
                }
            }
            // The memory is given up even if the result's destructor panics.
            let leave = Leave(self);
            // SAFETY: ended, and the result was not taken: `into_result` forgets the handle. A future's `poll` that has
            // taken it leaves the stage empty, which this finds.
            unsafe { (self.header().vtable.drop_result)(self.header) };
            drop(leave);
        }
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// If polled again after it returned `Ready`.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let state = &self.header().state;
        // Foreign code comes first: if it panics, nothing has changed.
        let waker = (!state.is_complete()).then(|| context.waker().clone());
        if let Some(waker) = waker
            && state.remove_joiner()
        {
            // SAFETY: `remove_joiner` has just succeeded, and we are the handle.
            unsafe { self.header().set_joiner(Joiner::Waker(waker)) };
            if state.add_joiner() {
                return Poll::Pending;
            }
            // Nobody will read the field; the waker goes here, not with the header's memory.
            // SAFETY: JOINER is clear and stays so, and we are the handle.
            unsafe { self.header().set_joiner(Joiner::Ticket(Ticket::dead())) };
        }
        // SAFETY: the task has ended; a second poll after `Ready` panics in `take_result`, as documented.
        Poll::Ready(unsafe { cell::result(self.header) })
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("tasklet", &self.tasklet()).finish_non_exhaustive()
    }
}
