//! The rows of the suite with select: `tasklets` on tasklets, crossbeam-channel and flume on threads.

use std::time::{Duration, Instant};

use super::library::{Library, SelectingBoth, SelectingRx};
use super::pace::Pace;
use super::shape::{Capacity, TASKS, share, sum};
use super::transfer::{joined_sum, mega_per_second};
use crate::blocking::Blocking;
use crate::failure::{Failure, check};
use crate::workload::{Scale, Started};

/// A side of a row in which one task selects.
pub(super) fn start_rx<L: SelectingRx, P: Blocking>(scale: Scale, capacity: Capacity) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let (messages, took) = pace.round(|messages| runtime.run(move || receive_any::<L, P>(capacity, messages)))?;
        Ok(vec![mega_per_second(messages, took)])
    }))
}

/// A side of a row in which everybody selects.
pub(super) fn start_both<L: SelectingBoth, P: Blocking>(scale: Scale, capacity: Capacity) -> Started {
    let runtime = P::start(scale.workers)?;
    let mut pace = Pace::of(scale);
    Ok(Box::new(move || {
        let (messages, took) = pace.round(|messages| runtime.run(move || exchange::<L, P>(capacity, messages)))?;
        Ok(vec![mega_per_second(messages, took)])
    }))
}

/// The channels.
fn channels<L: Library>(capacity: Capacity, messages: u64) -> (Vec<L::Sender>, Vec<L::Receiver>) {
    (0..TASKS).map(|_| L::channel(capacity.limit(messages))).unzip()
}

/// Four tasks send, the main task receives from whichever is ready.
fn receive_any<L: SelectingRx, P: Blocking>(capacity: Capacity, messages: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let (senders, receivers) = channels::<L>(capacity, messages);
    let sending: Vec<_> = senders
        .iter()
        .zip(0..)
        .map(|(sender, number)| {
            let sender = sender.clone();
            P::spawn(move || share(messages, number, TASKS).for_each(|message| L::send(&sender, message)))
        })
        .collect();
    let received = (0..messages).map(|_| L::recv_any(&receivers)).sum();
    for task in sending {
        P::join(task)?;
    }
    let took = begun.elapsed();
    check("the sum of all messages", received, sum(messages))?;
    Ok(took)
}

/// Four tasks send to whichever is ready, four others receive so.
fn exchange<L: SelectingBoth, P: Blocking>(capacity: Capacity, messages: u64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let (senders, receivers) = channels::<L>(capacity, messages);
    let send = |number| {
        let senders = senders.clone();
        P::spawn(move || share(messages, number, TASKS).for_each(|message| L::send_any(&senders, message)))
    };
    let receive = |_| {
        let receivers = receivers.clone();
        P::spawn(move || Ok((0..messages / TASKS).map(|_| L::recv_any(&receivers)).sum()))
    };
    let sending: Vec<_> = (0..TASKS).map(send).collect();
    let received = joined_sum::<P>((0..TASKS).map(receive).collect())?;
    for task in sending {
        P::join(task)?;
    }
    let took = begun.elapsed();
    check("the sum of all messages", received, sum(messages))?;
    Ok(took)
}
