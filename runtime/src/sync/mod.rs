//! Locks and the like, for tasklets, OS threads and futures alike.
//!
//! | what | names follow | beyond them |
//! |------|--------------|-------------|
//! | [`Mutex`], [`RwLock`], [`Condvar`] | `std::sync`, without poisoning | deadlines, `async` forms |
//! | [`Semaphore`] | `tokio::sync` | blocking forms, deadlines |
//! | [`Barrier`], [`Once`], [`OnceLock`], [`LazyLock`] | `std::sync`, without poisoning | initialisers may wait, `async` forms |
//! | [`WaitGroup`] | crossbeam, and Go's `add` and `done` | an `async` form |
//! | [`Dataflow`] | Oz's single-assignment variables | |
//!
//! Every operation that waits *suspends*: a tasklet leaves its worker to others, an OS thread sleeps. Its `async` form
//! suspends nothing but its future, on any executor. All of them may wait for the same thing at the same time.
//!
//! # Cancellation
//!
//! A tasklet that is told to end unwinds out of whatever it waits for here, and a future may be dropped at any time. Both leave
//! the queue, and what they had been given by then (permits, a lock, a notification) goes to the next; nobody else notices. For that reason
//! nothing here is *poisoned*: a runtime that ends unwinds tasklets that hold locks as a matter of course, and whoever drops a
//! lock guard in an unwind is to leave the data as it should be.
//!
//! No operation takes a lock of the operating system or spins while it waits.

/// Defines a constructor that is `const`, except under loom, whose atomics cannot be made at compile time.
macro_rules! constructor {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty $body:block) => {
        #[cfg(not(tasklets_loom))]
        $(#[$attribute])*
        $visibility const fn $name($($argument: $kind),*) -> $result $body

        #[cfg(tasklets_loom)]
        $(#[$attribute])*
        $visibility fn $name($($argument: $kind),*) -> $result $body
    };
}
use constructor;

mod barrier;
mod condvar;
mod dataflow;
mod guarded;
mod lazy_lock;
mod mutex;
mod once;
mod once_lock;
mod permits;
mod place;
mod raw_mutex;
mod rwlock;
mod semaphore;
mod semaphore_error;
mod semaphore_permit;
mod wait_group;

#[cfg(all(test, not(tasklets_loom)))]
mod tests;

pub use self::{
    barrier::{Barrier, BarrierWaitResult},
    condvar::{Condvar, WaitTimeoutResult},
    dataflow::{AlreadyBound, Dataflow},
    lazy_lock::LazyLock,
    mutex::{Mutex, MutexGuard},
    once::Once,
    once_lock::OnceLock,
    rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    semaphore::Semaphore,
    semaphore_error::{AcquireError, AcquireTimeoutError, TryAcquireError},
    semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit},
    wait_group::WaitGroup,
};

/// The moment that a wait of at most `duration` ends; never, if no clock gets there.
fn deadline_after(duration: std::time::Duration) -> Option<std::time::Instant> {
    std::time::Instant::now().checked_add(duration)
}
