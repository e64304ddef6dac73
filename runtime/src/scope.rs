//! Tasklets that borrow from their parent.

use crate::runtime::Handle;
use crate::spawn::{Destination, no_stack, outside_a_runtime, spawn_task};
use crate::task::cell::quietly;
use crate::task::children::Children;
use crate::task::header::Extras;
use crate::task::{JoinError, JoinHandle, Tasklet};
use crate::worker::Worker;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Where tasklets are spawned that may borrow what outlives the scope; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    handle: Handle,
    children: Arc<Children>,
    // Invariant in both, as std's: a shorter `'scope` would let children borrow what dies before they end.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// Runs `f` with a [`Scope`] to spawn tasklets in, and returns when `f` and all of them have ended. They may borrow from the
/// caller.
///
/// ```
/// tasklets_runtime::run(|| {
///     let numbers = [1, 2, 3];
///     let mut sum = 0;
///     tasklets_runtime::scope(|s| {
///         s.spawn(|| sum = numbers.iter().sum());
///         s.spawn(|| println!("{numbers:?}"));
///     });
///     assert_eq!(sum, 6);
/// });
/// ```
///
/// # Panics
/// With `f`'s panic, or else with the first panic of a child that was not joined; always after all children have ended. Outside a
/// runtime.
///
/// # Cancellation
/// Unwinds only after all children have ended; they are told to end too.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let Some((worker, _)) = Worker::current() else { outside_a_runtime("scope") };
    let children = Arc::new(Children::new());
    let scope = Scope {
        handle: Handle::new(worker.shared.clone()),
        children: children.clone(),
        _scope: PhantomData,
        _env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    children.one_ended();
    // Whatever happens, nothing that the children borrow may die before they have ended.
    children.wait_firmly();
    // Taken out in any case, so that it is dropped here and not with the last child's task.
    let panic = children.take_panic();
    match (result, panic) {
        (Ok(result), None) => result,
        (Ok(result), Some(payload)) => {
            quietly(|| drop(result));
            resume_unwind(payload)
        }
        (Err(payload), second) => {
            quietly(|| drop(second));
            resume_unwind(payload)
        }
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Spawns a tasklet that may borrow what outlives the scope. It is placed like any other ([`spawn`](crate::spawn)).
    ///
    /// # Panics
    /// If there is no stack to be had, with the reason.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let extras = Extras { siblings: Some(self.children.clone()), ..Extras::default() };
        let born = Born::new(&self.children);
        // SAFETY: `F` and `T` are `Send`. What they borrow outlives the scope, and the scope ends after `one_ended`, which a
        // child calls when its closure is gone, and its result too unless the handle has it, which cannot outlive the scope.
        let spawned = unsafe { spawn_task(self.handle.shared(), extras, Location::caller(), f, Destination::Anywhere) };
        match spawned {
            Ok(handle) => {
                // From here on the task counts itself out.
                std::mem::forget(born);
                ScopedJoinHandle { handle, _scope: PhantomData }
            }
            Err(error) => no_stack(error),
        }
    }
}

/// A child that is counted although its task does not exist yet, and perhaps never will.
struct Born<'a>(&'a Children);

impl<'a> Born<'a> {
    fn new(children: &'a Children) -> Self {
        children.one_more();
        Self(children)
    }
}

impl Drop for Born<'_> {
    fn drop(&mut self) {
        self.0.one_ended();
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("children", &self.children).finish_non_exhaustive()
    }
}

/// The right to wait for a tasklet of a scope and to take its result. Dropping it leaves the waiting to the scope.
pub struct ScopedJoinHandle<'scope, T> {
    handle: JoinHandle<T>,
    _scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the tasklet has ended and returns its result.
    ///
    /// # Errors
    /// [`JoinError`] if it panicked (the scope then does not), or was told to end.
    ///
    /// # Cancellation
    /// As [`JoinHandle::join`].
    pub fn join(self) -> Result<T, JoinError> {
        self.handle.join()
    }

    /// Whether the tasklet has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The tasklet's name tag.
    pub fn tasklet(&self) -> Tasklet {
        self.handle.tasklet()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
