//! Threads of the system, with crossbeam's channels. The number of workers means nothing to them.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::Blocking;
use crate::failure::Failure;

/// What every process has.
pub(crate) struct Threads;

impl Blocking for Threads {
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Address<T: Send + 'static> = Sender<T>;
    type Mailbox<T: Send + 'static> = Receiver<T>;
    type Giver<T: Send + 'static> = Sender<T>;
    type Taker<T: Send + 'static> = Receiver<T>;

    fn start(_workers: usize) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn run<T, F>(&self, main: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        main()
    }

    fn spawn_from_outside<T, F>(&self, f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        thread::spawn(f)
    }

    #[inline(always)]
    fn spawn<T, F>(f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        thread::spawn(f)
    }

    #[inline(always)]
    fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        task.join().map_err(|payload| Failure::of_panic(&*payload))
    }

    #[inline(always)]
    fn yield_now() {
        thread::yield_now();
    }

    #[inline(always)]
    fn sleep(duration: Duration) {
        thread::sleep(duration);
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        unbounded()
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
        bounded(1)
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
