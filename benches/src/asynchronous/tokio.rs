//! tokio's work-stealing runtime, with its own channels.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Asynchronous;
use crate::failure::Failure;
use crate::runtimes;

/// A runtime of tokio's.
pub(crate) struct Tokio(Runtime);

impl Asynchronous for Tokio {
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Address<T: Send + 'static> = mpsc::UnboundedSender<T>;
    type Mailbox<T: Send + 'static> = mpsc::UnboundedReceiver<T>;
    type Giver<T: Send + 'static> = oneshot::Sender<T>;
    type Taker<T: Send + 'static> = oneshot::Receiver<T>;

    fn start(workers: usize) -> Result<Self, Failure> {
        runtimes::tokio(workers).map(Self)
    }

    fn run<T, F>(&self, main: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        self.0.block_on(self.0.spawn(main))?
    }

    fn spawn_from_outside<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.spawn(future)
    }

    fn join_from_outside<T: Send + 'static>(&self, task: Self::Task<T>) -> Result<T, Failure> {
        Ok(self.0.block_on(task)?)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(future)
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        drop(task);
    }

    async fn join<T: Send + 'static>(task: Self::Task<T>) -> Result<T, Failure> {
        Ok(task.await?)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }

    fn mailbox<T: Send + 'static>() -> (Self::Address<T>, Self::Mailbox<T>) {
        mpsc::unbounded_channel()
    }

    fn send<T: Send + 'static>(address: &Self::Address<T>, message: T) -> Result<(), Failure> {
        address.send(message).map_err(|_| Failure::new("the mailbox is gone"))
    }

    async fn receive<T: Send + 'static>(mailbox: &mut Self::Mailbox<T>) -> Result<T, Failure> {
        mailbox.recv().await.ok_or_else(|| Failure::new("no address is left"))
    }

    fn once<T: Send + 'static>() -> (Self::Giver<T>, Self::Taker<T>) {
        oneshot::channel()
    }

    fn give<T: Send + 'static>(giver: Self::Giver<T>, value: T) -> Result<(), Failure> {
        giver.send(value).map_err(|_| Failure::new("the taker is gone"))
    }

    async fn take<T: Send + 'static>(taker: Self::Taker<T>) -> Result<T, Failure> {
        Ok(taker.await?)
    }
}
