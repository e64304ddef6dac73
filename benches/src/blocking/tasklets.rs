//! Ours, in both flavours.

use std::marker::PhantomData;
use std::time::Duration;

use tasklets::channel::{self, oneshot};

use super::Blocking;
use super::flavour::{Flavour, Homed, Migrating};
use crate::failure::Failure;
use crate::runtimes;

/// A runtime of tasklets, which are spawned in this flavour.
pub(crate) struct Tasklets<F = Homed>(tasklets::Runtime, PhantomData<F>);

/// A runtime of tasklets that may change threads.
pub(crate) type MigratingTasklets = Tasklets<Migrating>;

impl<F: Flavour> Blocking for Tasklets<F> {
    type Task<T: Send + 'static> = tasklets::JoinHandle<T>;
    type Address<T: Send + 'static> = channel::Sender<T>;
    type Mailbox<T: Send + 'static> = channel::Receiver<T>;
    type Giver<T: Send + 'static> = oneshot::Sender<T>;
    type Taker<T: Send + 'static> = oneshot::Receiver<T>;

    fn start(workers: usize) -> Result<Self, Failure> {
        F::check_available()?;
        Ok(Self(runtimes::tasklets(workers)?, PhantomData))
    }

    fn run<T, M>(&self, main: M) -> Result<T, Failure>
    where
        T: Send + 'static,
        M: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        F::run(&self.0, main)
    }

    fn spawn_from_outside<T, G>(&self, f: G) -> Self::Task<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        F::spawn_from_outside(&self.0, f)
    }

    #[inline(always)]
    fn spawn<T, G>(f: G) -> Self::Task<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        F::spawn(f)
    }

    #[inline(always)]
    fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        Ok(task.join()?)
    }

    #[inline(always)]
    fn yield_now() {
        tasklets::yield_now();
    }

    #[inline(always)]
    fn sleep(duration: Duration) {
        tasklets::sleep(duration);
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        channel::unbounded()
    }

    #[inline(always)]
    fn send<T: Send + 'static>(address: &Self::Address<T>, message: T) -> Result<(), Failure> {
        address.send(message).map_err(|_| Failure::new("the mailbox is gone"))
    }

    #[inline(always)]
    fn receive<T: Send + 'static>(mailbox: &mut Self::Mailbox<T>) -> Result<T, Failure> {
        Ok(mailbox.recv()?)
    }

    fn once<T: Send + 'static>() -> (Self::Giver<T>, Self::Taker<T>) {
        oneshot::channel()
    }

    #[inline(always)]
    fn give<T: Send + 'static>(giver: Self::Giver<T>, value: T) -> Result<(), Failure> {
        giver.send(value).map_err(|_| Failure::new("the taker is gone"))
    }

    #[inline(always)]
    fn take<T: Send + 'static>(taker: Self::Taker<T>) -> Result<T, Failure> {
        Ok(taker.recv()?)
    }
}
