//! The rows of the suite in `async` code on tokio's runtime: tokio's mpsc and async-channel. The main task is on a worker, too.

use std::time::{Duration, Instant};

use super::async_library::{AsyncLibrary, capacity as limited};
use super::pace::Pace;
use super::shape::{Capacity, Shape, TASKS, share, sum};
use super::transfer::mega_per_second;
use crate::asynchronous::{Asynchronous, Tokio};
use crate::failure::{Failure, check};
use crate::workload::{Scale, Started};

/// A side of a row with one receiver.
pub(super) fn start<L: AsyncLibrary>(scale: Scale, shape: Shape, capacity: Capacity) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let (messages, took) = pace.round(|messages| runtime.run(to_one::<L>(shape, capacity, messages)))?;
        Ok(vec![mega_per_second(messages, took)])
    }))
}

/// A side of the row with four senders and four receivers.
pub(super) fn start_mpmc<L: AsyncLibrary<Receiver: Clone>>(scale: Scale, capacity: Capacity) -> Started {
    let runtime = Tokio::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let (messages, took) = pace.round(|messages| runtime.run(to_many::<L>(capacity, messages)))?;
        Ok(vec![mega_per_second(messages, took)])
    }))
}

/// Moves so many messages to the main task.
async fn to_one<L: AsyncLibrary>(shape: Shape, capacity: Capacity, messages: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let (sender, mut receiver) = L::channel(limited(capacity.limit(messages)));
    if shape == Shape::Seq {
        for message in 0..messages {
            L::send(&sender, message).await;
        }
        for expected in 0..messages {
            check("the next message", L::recv(&mut receiver).await, Some(expected))?;
        }
        return Ok(begun.elapsed());
    }
    let sending = spawn_senders::<L>(&sender, shape.senders(), messages);
    let received = receive::<L>(receiver, messages).await?;
    for task in sending {
        task.await?;
    }
    let took = begun.elapsed();
    check("the sum of all messages", received, sum(messages))?;
    Ok(took)
}

/// Moves so many messages to four tasks.
async fn to_many<L: AsyncLibrary<Receiver: Clone>>(capacity: Capacity, messages: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let (sender, receiver) = L::channel(limited(capacity.limit(messages)));
    let sending = spawn_senders::<L>(&sender, TASKS, messages);
    let receiving: Vec<_> =
        (0..TASKS).map(|_| tokio::spawn(receive::<L>(receiver.clone(), messages / TASKS))).collect();
    let mut received = 0;
    for task in receiving {
        received += task.await??;
    }
    for task in sending {
        task.await?;
    }
    let took = begun.elapsed();
    check("the sum of all messages", received, sum(messages))?;
    Ok(took)
}

/// Starts tasks that send all messages between them.
fn spawn_senders<L: AsyncLibrary>(sender: &L::Sender, senders: u64, messages: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let start = |number| {
        let sender = sender.clone();
        tokio::spawn(async move {
            for message in share(messages, number, senders) {
                L::send(&sender, message).await;
            }
        })
    };
    (0..senders).map(start).collect()
}

/// The sum of the next messages.
async fn receive<L: AsyncLibrary>(mut receiver: L::Receiver, messages: u64) -> Result<u64, Failure> {
    let mut total = 0;
    for _ in 0..messages {
        let message = L::recv(&mut receiver).await;
        total += message.ok_or_else(|| Failure::new("disconnected before the last message"))?;
    }
    Ok(total)
}
