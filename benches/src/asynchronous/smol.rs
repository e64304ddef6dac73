//! smol's global executor, with async-channel. The harness sets its number of threads in the environment.

use std::time::Duration;

use async_channel::{Receiver, Sender, bounded, unbounded};

use super::Asynchronous;
use crate::failure::Failure;

/// smol's one executor.
pub(crate) struct Smol;

impl Asynchronous for Smol {
    type Task<T: Send + 'static> = smol::Task<T>;
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
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        smol::block_on(smol::spawn(main))
    }

    fn spawn_from_outside<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        smol::spawn(future)
    }

    fn join_from_outside<T: Send + 'static>(&self, task: Self::Task<T>) -> Result<T, Failure> {
        Ok(smol::block_on(task))
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        smol::spawn(future)
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        task.detach();
    }

    async fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        Ok(task.await)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn sleep(duration: Duration) {
        smol::Timer::after(duration).await;
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        unbounded()
    }

    fn send<T: Send + 'static>(address: &Self::Address<T>, message: T) -> Result<(), Failure> {
        address.try_send(message).map_err(|_| Failure::new("the mailbox is gone"))
    }

    async fn receive<T: Send + 'static>(mailbox: &mut Self::Mailbox<T>) -> Result<T, Failure> {
        Ok(mailbox.recv().await?)
    }

    fn once<T: Send + 'static>() -> (Self::Giver<T>, Self::Taker<T>) {
        bounded(1)
    }

    fn give<T: Send + 'static>(giver: Self::Giver<T>, value: T) -> Result<(), Failure> {
        giver.try_send(value).map_err(|_| Failure::new("the taker is gone"))
    }

    async fn take<T: Send + 'static>(taker: Self::Taker<T>) -> Result<T, Failure> {
        Ok(taker.recv().await?)
    }
}
