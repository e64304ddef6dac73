//! A variable that is assigned once.
//!
//! The word is a pointer: null, or to the value in a box, for ever. Binding is one compare-and-swap from null.
//!
//! *Waiting against binding.* (1) A reader finds null, registers and looks again. (2) The binder swaps the pointer in, then looks at the queue
//! and wakes all. By the order of SeqCst accesses one of them sees the other. Since all are woken, a reader that goes away takes nothing
//! with it.

use super::place::Place;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tasklets_park::sync::atomic::{AtomicPtr, Ordering};
use tasklets_park::{Note, Reason, Wait, WaitQueue};

/// A variable that is unbound at first and bound to a value once; who reads it before that waits. Clones are the same variable.
///
/// Programs made of tasklets that share such variables need no other synchronisation, and compute the same whatever runs first.
///
/// ```
/// use tasklets_runtime::{run, spawn, sync::Dataflow};
///
/// run(|| {
///     let (a, b) = (Dataflow::new(), Dataflow::new());
///     let sum = {
///         let (a, b) = (a.clone(), b.clone());
///         spawn(move || a.get() + b.get())
///     };
///     b.bind(2).unwrap();
///     a.bind(1).unwrap();
///     assert_eq!(sum.join().unwrap(), 3);
/// });
/// ```
///
/// If nobody ever binds it, readers wait for ever.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of a waiting call, and a future may be dropped; nobody else notices.
pub struct Dataflow<T> {
    variable: Arc<Variable<T>>,
}

struct Variable<T> {
    value: AtomicPtr<T>,
    queue: WaitQueue,
    /// Owns the value, which threads share.
    _value: PhantomData<T>,
}

impl<T> Variable<T> {
    fn new(value: *mut T) -> Self {
        Self { value: AtomicPtr::new(value), queue: WaitQueue::new(), _value: PhantomData }
    }
}

impl<T> Drop for Variable<T> {
    fn drop(&mut self) {
        let value = self.value.load(Ordering::SeqCst);
        if !value.is_null() {
            // SAFETY: it was made by `Box::into_raw`, and nobody has the variable any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

/// The variable was bound before. Gives the new value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlreadyBound<T>(pub T);

impl<T> AlreadyBound<T> {
    /// The value that could not be bound.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for AlreadyBound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadyBound(..)")
    }
}

impl<T> fmt::Display for AlreadyBound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the dataflow variable is bound to another value already")
    }
}

impl<T> Error for AlreadyBound<T> {}

impl<T> Dataflow<T> {
    /// An unbound variable.
    pub fn new() -> Self {
        Self { variable: Arc::new(Variable::new(ptr::null_mut())) }
    }

    /// Binds the variable to `value` and wakes its readers. Never suspends.
    ///
    /// ```
    /// let variable = tasklets_runtime::sync::Dataflow::new();
    /// variable.bind(1).unwrap();
    /// assert_eq!(variable.bind(2).unwrap_err().into_inner(), 2);
    /// assert_eq!(variable.try_get(), Some(&1));
    /// ```
    ///
    /// # Errors
    /// With `value`, if the variable was bound before.
    pub fn bind(&self, value: T) -> Result<(), AlreadyBound<T>> {
        if self.is_bound() {
            return Err(AlreadyBound(value));
        }
        let value = Box::into_raw(Box::new(value));
        let bound =
            self.variable.value.compare_exchange(ptr::null_mut(), value, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if !bound {
            // SAFETY: made above, and not given to anybody.
            return Err(AlreadyBound(*unsafe { Box::from_raw(value) }));
        }
        if !self.variable.queue.is_empty() {
            self.variable.queue.wake_all();
        }
        Ok(())
    }

    /// Whether it is bound.
    pub fn is_bound(&self) -> bool {
        !self.variable.value.load(Ordering::SeqCst).is_null()
    }

    /// The value, if the variable is bound. Never suspends.
    #[inline]
    pub fn try_get(&self) -> Option<&T> {
        let value = self.variable.value.load(Ordering::SeqCst);
        // SAFETY: null, or a value that stays where it is, unchanged, until the last handle is dropped. It was written before the
        // pointer was swapped in, which the load acquires.
        unsafe { value.as_ref() }
    }

    /// The value; suspends until the variable is bound.
    #[inline]
    pub fn get(&self) -> &T {
        loop {
            if let Some(value) = self.wait_until(None) {
                return value;
            }
        }
    }

    /// The value; suspends until the variable is bound, for at most so long.
    ///
    /// ```
    /// let variable = tasklets_runtime::sync::Dataflow::<i32>::new();
    /// assert_eq!(variable.wait_timeout(std::time::Duration::from_millis(1)), None);
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> Option<&T> {
        self.try_get().or_else(|| self.wait_until(super::deadline_after(timeout)))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Option<&T> {
        while !self.is_bound() {
            let waited = self.variable.queue.wait(Note::NONE, Reason::Lock, deadline, || self.is_bound());
            if waited == Wait::TimedOut {
                break;
            }
        }
        self.try_get()
    }

    /// As [`get`](Self::get), as a future.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let variable = tasklets_runtime::sync::Dataflow::from(1);
    /// assert_eq!(variable.get_async().await, &1);
    /// # });
    /// ```
    pub async fn get_async(&self) -> &T {
        loop {
            if let Some(value) = self.try_get() {
                return value;
            }
            let _ = Place::new(&self.variable.queue, Note::NONE, || self.is_bound(), || ()).await;
        }
    }

    /// Whether both are the same variable.
    pub fn same_variable(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.variable, &other.variable)
    }
}

impl<T> Clone for Dataflow<T> {
    fn clone(&self) -> Self {
        Self { variable: self.variable.clone() }
    }
}

impl<T> Default for Dataflow<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for Dataflow<T> {
    fn from(value: T) -> Self {
        Self { variable: Arc::new(Variable::new(Box::into_raw(Box::new(value)))) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Dataflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("Dataflow");
        match self.try_get() {
            Some(value) => f.field(value),
            None => f.field(&format_args!("<unbound>")),
        };
        f.finish()
    }
}
