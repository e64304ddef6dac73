//! may's coroutines, with the channels it brings along.

use std::time::Duration;

use may::coroutine::{self, JoinHandle};
use may::sync::mpsc;

use super::Blocking;
use crate::failure::Failure;
use crate::runtimes;

/// may's one runtime.
pub(crate) struct May;

impl Blocking for May {
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Address<T: Send + 'static> = mpsc::Sender<T>;
    type Mailbox<T: Send + 'static> = mpsc::Receiver<T>;
    type Giver<T: Send + 'static> = mpsc::Sender<T>;
    type Taker<T: Send + 'static> = mpsc::Receiver<T>;

    fn start(workers: usize) -> Result<Self, Failure> {
        runtimes::may(workers);
        Ok(Self)
    }

    fn run<T, F>(&self, main: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        runtimes::joined(may::go!(main))?
    }

    fn spawn_from_outside<T, F>(&self, f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        may::go!(f)
    }

    #[inline(always)]
    fn spawn<T, F>(f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        may::go!(f)
    }

    #[inline(always)]
    fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        runtimes::joined(task)
    }

    #[inline(always)]
    fn yield_now() {
        coroutine::yield_now();
    }

    #[inline(always)]
    fn sleep(duration: Duration) {
        coroutine::sleep(duration);
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        mpsc::channel()
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
        mpsc::channel()
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
