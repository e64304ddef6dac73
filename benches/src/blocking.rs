//! What runtimes of blocking-style tasks have in common, so that a workload is written once for all of them.
//!
//! Every method is one call of the runtime's own, so each side is what its user would have written.
//! It is always inlined: where a switch of stacks lies in a function of its own, the processor mispredicts that function's
//! return, which made a yield of tasklets cost 25 ns instead of 5.

mod flavour;
mod may;
mod tasklets;
mod threads;

use std::time::Duration;

pub(crate) use self::flavour::Flavour;
pub(crate) use self::{
    may::May,
    tasklets::{MigratingTasklets, Tasklets},
    threads::Threads,
};
use crate::failure::Failure;

/// A started runtime of blocking-style tasks. What has no `self` is called inside it.
pub(crate) trait Blocking: Sized + 'static {
    /// The handle of a task. Dropped, it leaves the task alone.
    type Task<T: Send + 'static>: Send + 'static;
    /// Where messages to a mailbox are sent to.
    type Address<T: Send + 'static>: Clone + Send + Sync + 'static;
    /// The unbounded queue of one task.
    type Mailbox<T: Send + 'static>: Send + 'static;
    /// The giving end of a channel for one value.
    type Giver<T: Send + 'static>: Send + 'static;
    /// The taking end.
    type Taker<T: Send + 'static>: Send + 'static;

    /// Starts it with so many workers.
    fn start(workers: usize) -> Result<Self, Failure>;
    /// Runs `main` as a task and waits for its result.
    fn run<T, F>(&self, main: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static;
    /// Spawns from a thread that is none of the runtime's.
    fn spawn_from_outside<T, F>(&self, f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static;
    /// Spawns from a task.
    fn spawn<T, F>(f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static;
    /// Waits for a task's result. A thread outside may wait as well.
    fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure>;
    /// Lets others run.
    fn yield_now();
    /// Waits for some time.
    fn sleep(duration: Duration);

    /// Makes a mailbox.
    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>);
    /// Sends without waiting. Fails if the mailbox is gone.
    fn send<T: Send + 'static>(address: &Self::Address<T>, message: T) -> Result<(), Failure>;
    /// Waits for the next message. Fails if there is none and no address is left.
    fn receive<T: Send + 'static>(mailbox: &mut Self::Mailbox<T>) -> Result<T, Failure>;

    /// Makes a channel for one value.
    fn once<T: Send + 'static>() -> (Self::Giver<T>, Self::Taker<T>);
    /// Gives the value. Fails if the other end is gone.
    fn give<T: Send + 'static>(giver: Self::Giver<T>, value: T) -> Result<(), Failure>;
    /// Waits for the value. Fails if the other end went without giving it.
    fn take<T: Send + 'static>(taker: Self::Taker<T>) -> Result<T, Failure>;
}
