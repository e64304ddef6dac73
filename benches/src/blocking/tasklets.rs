//! Ours.

use std::time::Duration;

use tasklets::channel::{self, oneshot};

use super::Blocking;
use crate::failure::Failure;
use crate::runtimes;

/// A runtime of tasklets.
pub(crate) struct Tasklets(tasklets::Runtime);

impl Blocking for Tasklets {
    type Task<T: Send + 'static> = tasklets::JoinHandle<T>;
    type Address<T: Send + 'static> = channel::Sender<T>;
    type Mailbox<T: Send + 'static> = channel::Receiver<T>;
    type Giver<T: Send + 'static> = oneshot::Sender<T>;
    type Taker<T: Send + 'static> = oneshot::Receiver<T>;

    fn start(workers: usize) -> Result<Self, Failure> {
        runtimes::tasklets(workers).map(Self)
    }

    fn run<T, F>(&self, main: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        self.0.run(main)
    }

    fn spawn_from_outside<T, F>(&self, f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.0.spawn(f)
    }

    fn spawn<T, F>(f: F) -> Self::Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        tasklets::spawn(f)
    }

    fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        Ok(task.join()?)
    }

    fn yield_now() {
        tasklets::yield_now();
    }

    fn sleep(duration: Duration) {
        tasklets::sleep(duration);
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        channel::unbounded()
    }

    fn send<T: Send + 'static>(address: &Self::Address<T>, message: T) -> Result<(), Failure> {
        address.send(message).map_err(|_| Failure::new("the mailbox is gone"))
    }

    fn receive<T: Send + 'static>(mailbox: &mut Self::Mailbox<T>) -> Result<T, Failure> {
        Ok(mailbox.recv()?)
    }

    fn once<T: Send + 'static>() -> (Self::Giver<T>, Self::Taker<T>) {
        oneshot::channel()
    }

    fn give<T: Send + 'static>(giver: Self::Giver<T>, value: T) -> Result<(), Failure> {
        giver.send(value).map_err(|_| Failure::new("the taker is gone"))
    }

    fn take<T: Send + 'static>(taker: Self::Taker<T>) -> Result<T, Failure> {
        Ok(taker.recv()?)
    }
}
