//! The rows of the suite without select in blocking code: `tasklets` on tasklets, crossbeam-channel, kanal and flume on threads.

use std::time::{Duration, Instant};

use super::library::Library;
use super::pace::Pace;
use super::shape::{Capacity, Shape, TASKS, share, sum};
use crate::blocking::Blocking;
use crate::failure::{Failure, check};
use crate::workload::{Scale, Started};

/// A side of a row without select.
pub(super) fn start<L: Library, P: Blocking>(scale: Scale, shape: Shape, capacity: Capacity) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let (messages, took) =
            pace.round(|messages| runtime.run(move || transfer::<L, P>(shape, capacity, messages)))?;
        Ok(vec![mega_per_second(messages, took)])
    }))
}

/// The rate of a row, in Mop/s: an operation is a message sent and received.
pub(super) fn mega_per_second(messages: u64, took: Duration) -> f64 {
    messages as f64 / took.as_secs_f64() / 1e6
}

/// Moves so many messages through one channel, and checks that each arrived.
fn transfer<L: Library, P: Blocking>(shape: Shape, capacity: Capacity, messages: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let (sender, receiver) = L::channel(capacity.limit(messages));
    if shape == Shape::Seq {
        (0..messages).for_each(|message| L::send(&sender, message));
        for expected in 0..messages {
            check("the next message", L::recv(&receiver), Some(expected))?;
        }
        return Ok(begun.elapsed());
    }
    let senders = shape.senders();
    let sending: Vec<_> = (0..senders)
        .map(|number| {
            let sender = sender.clone();
            P::spawn(move || share(messages, number, senders).for_each(|message| L::send(&sender, message)))
        })
        .collect();
    let received = if shape == Shape::Mpmc {
        let receive = |_| {
            let receiver = receiver.clone();
            P::spawn(move || receive::<L>(&receiver, messages / TASKS))
        };
        joined_sum::<P>((0..TASKS).map(receive).collect())?
    } else {
        receive::<L>(&receiver, messages)?
    };
    for task in sending {
        P::join(task)?;
    }
    let took = begun.elapsed();
    check("the sum of all messages", received, sum(messages))?;
    Ok(took)
}

/// The sum of the next messages.
fn receive<L: Library>(receiver: &L::Receiver, messages: u64) -> Result<u64, Failure> {
    let mut total = 0;
    for _ in 0..messages {
        total += L::recv(receiver).ok_or_else(|| Failure::new("disconnected before the last message"))?;
    }
    Ok(total)
}

/// What several receivers got together.
pub(super) fn joined_sum<P: Blocking>(receiving: Vec<P::Task<Result<u64, Failure>>>) -> Result<u64, Failure> {
    let mut total = 0;
    for task in receiving {
        total += P::join(task)??;
    }
    Ok(total)
}
