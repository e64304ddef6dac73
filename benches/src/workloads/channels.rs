//! crossbeam-channel's benchmark suite: how many messages a second go through a channel.
//!
//! A row is a shape (who sends to whom) and a capacity: 0 (rendezvous), 1, 128, `n` (as many as there are
//! messages) or none. A message is one word; messages are numbered, every one is received, and their sum is checked (their
//! order, where one task does both). Creating the channel and starting the tasks counts, as in the suite. Each side's number of
//! messages is chosen by its first round such that a round lasts some tenths of a second, 5 million at most ([`pace`]).
//!
//! | side | its tasks | its select |
//! | --- | --- | --- |
//! | `tasklets` | tasklets on as many workers as the pass has | `Select`, built for each operation |
//! | `tasklets-migrating` | tasklets that may change workers whenever they wait | the same |
//! | `crossbeam-channel` | threads, on every core in either pass | the same |
//! | `kanal` | threads | none |
//! | `flume` | threads | `Selector`, which each operation uses up; it fails where senders select |
//! | `tokio` | tasks of its own runtime and its mpsc, which has one receiver and no rendezvous | none of channels |
//! | `async-channel` | tasks on tokio's runtime; it has no rendezvous | none |
//! | `go` | goroutines, `GOMAXPROCS` as the pass's workers; it has no unbounded channel | the statement |
//!
//! In the rows with select there are four channels: in `select-rx` each of four tasks sends to its own and the main task receives from
//! whichever is ready; in `select-both` four tasks send to whichever is ready and four receive so.
//!
//! The other workloads with channels are in the same folder: what a message costs that somebody waits for ([`latency`], [`ring`],
//! [`wake_to_run`]), timeouts ([`timeout_churn`]), and memory ([`parked_receivers`]).

mod async_library;
mod async_transfer;
pub(super) mod latency;
mod library;
mod pace;
pub(super) mod parked_receivers;
pub(super) mod ring;
mod selecting;
mod shape;
pub(super) mod timeout_churn;
mod transfer;
pub(super) mod wake_to_run;

use async_library::{AsyncChannel, TokioMpsc, TokioUnbounded};
use library::{Crossbeam, Flume, Kanal, Ours};
use shape::Capacity::{Everything, Fixed, Unlimited};
use shape::Shape::{Mpmc, Mpsc, Seq, Spsc};

use crate::blocking::{MigratingTasklets, Tasklets, Threads};
use crate::failure::Failure;
use crate::foreign;
use crate::workload::{Better, MIGRATING, OURS, Quantity, Scale, Side, Started, Workload};

/// The names of the peers, the same in all workloads here.
const CROSSBEAM: &str = "crossbeam-channel";
const KANAL: &str = "kanal";
const FLUME: &str = "flume";
const TOKIO: &str = "tokio";
const ASYNC_CHANNEL: &str = "async-channel";
const GO: &str = "go";

/// A row with these sides, and that of Go if it ends in `; go`.
macro_rules! row {
    ($name:expr, $about:expr, $($side:expr => $start:expr),+ $(; $go:ident)?) => {
        &Workload {
            name: $name,
            about: $about,
            quantities: &[Quantity { name: "Mop/s", decimals: 2, better: Better::More }],
            needs: &[],
            fresh_process: false,
            sides: &[
                $(Side { name: $side, start: $start },)+
                $(Side { name: GO, start: |scale| foreign::$go($name, scale) },)?
            ],
        }
    };
}

/// A row without select: all that block, those that are named, and Go if it ends in `; go`.
macro_rules! plain {
    ($name:literal, $about:literal, $shape:expr, $capacity:expr $(, $side:expr => $start:expr)* $(; $go:ident)?) => {
        row!(
            concat!("channels-", $name), $about,
            OURS => |scale| transfer::start::<Ours, Tasklets>(scale, $shape, $capacity),
            MIGRATING => |scale| transfer::start::<Ours, MigratingTasklets>(scale, $shape, $capacity),
            CROSSBEAM => |scale| transfer::start::<Crossbeam, Threads>(scale, $shape, $capacity),
            KANAL => |scale| transfer::start::<Kanal, Threads>(scale, $shape, $capacity),
            FLUME => |scale| transfer::start::<Flume, Threads>(scale, $shape, $capacity)
            $(, $side => $start)*
            $(; $go)?
        )
    };
}

/// A row with one receiver and room for a message.
macro_rules! single {
    ($name:literal, $about:literal, $shape:expr, $tokio:ty, $capacity:expr $(; $go:ident)?) => {
        plain!(
            $name, $about, $shape, $capacity,
            TOKIO => |scale| async_transfer::start::<$tokio>(scale, $shape, $capacity),
            ASYNC_CHANNEL => |scale| async_transfer::start::<AsyncChannel>(scale, $shape, $capacity)
            $(; $go)?
        )
    };
}

/// A row with four senders, four receivers, and room for a message.
macro_rules! mpmc {
    ($name:literal, $about:literal, $capacity:expr $(; $go:ident)?) => {
        plain!(
            $name, $about, Mpmc, $capacity,
            ASYNC_CHANNEL => |scale| async_transfer::start_mpmc::<AsyncChannel>(scale, $capacity)
            $(; $go)?
        )
    };
}

/// A row in which one task selects.
macro_rules! select_rx {
    ($name:literal, $room:literal, $capacity:expr $(; $go:ident)?) => {
        row!(
            concat!("channels-select-rx-", $name), concat!("one receiver selects from four senders' channels, ", $room),
            OURS => |scale| selecting::start_rx::<Ours, Tasklets>(scale, $capacity),
            MIGRATING => |scale| selecting::start_rx::<Ours, MigratingTasklets>(scale, $capacity),
            CROSSBEAM => |scale| selecting::start_rx::<Crossbeam, Threads>(scale, $capacity),
            FLUME => |scale| selecting::start_rx::<Flume, Threads>(scale, $capacity)
            $(; $go)?
        )
    };
}

/// A row in which everybody selects.
macro_rules! select_both {
    ($name:literal, $room:literal, $capacity:expr $(; $go:ident)?) => {
        row!(
            concat!("channels-select-both-", $name),
            concat!("four senders and four receivers select from four channels, ", $room),
            OURS => |scale| selecting::start_both::<Ours, Tasklets>(scale, $capacity),
            MIGRATING => |scale| selecting::start_both::<Ours, MigratingTasklets>(scale, $capacity),
            CROSSBEAM => |scale| selecting::start_both::<Crossbeam, Threads>(scale, $capacity),
            FLUME => flume_select_both
            $(; $go)?
        )
    };
}

/// flume's `Selector` offers the message of a send to every channel at once, and several receivers may take it: the sums came out wrong,
/// and the rounds did not end.
fn flume_select_both(_: Scale) -> Started {
    Err(Failure::new("a message that its Selector sends may arrive on several channels, so the round does not end"))
}

/// The rows.
#[rustfmt::skip]
pub(super) const ROWS: &[&Workload] = &[
    single!("seq-n", "one task fills a channel, then empties it", Seq, TokioMpsc, Everything; go),
    single!("seq-unbounded", "one task fills an unbounded channel, then empties it", Seq, TokioUnbounded, Unlimited),

    plain!("spsc-0", "one sender, one receiver, rendezvous", Spsc, Fixed(0); go),
    single!("spsc-1", "one sender, one receiver, capacity 1", Spsc, TokioMpsc, Fixed(1); go),
    single!("spsc-128", "one sender, one receiver, capacity 128", Spsc, TokioMpsc, Fixed(128); go),
    single!("spsc-n", "one sender, one receiver, room for all messages", Spsc, TokioMpsc, Everything; go),
    single!("spsc-unbounded", "one sender, one receiver, unbounded", Spsc, TokioUnbounded, Unlimited),

    plain!("mpsc-0", "four senders, one receiver, rendezvous", Mpsc, Fixed(0); go),
    single!("mpsc-1", "four senders, one receiver, capacity 1", Mpsc, TokioMpsc, Fixed(1); go),
    single!("mpsc-128", "four senders, one receiver, capacity 128", Mpsc, TokioMpsc, Fixed(128); go),
    single!("mpsc-n", "four senders, one receiver, room for all messages", Mpsc, TokioMpsc, Everything; go),
    single!("mpsc-unbounded", "four senders, one receiver, unbounded", Mpsc, TokioUnbounded, Unlimited),

    plain!("mpmc-0", "four senders, four receivers, rendezvous", Mpmc, Fixed(0); go),
    mpmc!("mpmc-1", "four senders, four receivers, capacity 1", Fixed(1); go),
    mpmc!("mpmc-128", "four senders, four receivers, capacity 128", Fixed(128); go),
    mpmc!("mpmc-n", "four senders, four receivers, room for all messages", Everything; go),
    mpmc!("mpmc-unbounded", "four senders, four receivers, unbounded", Unlimited),

    select_rx!("0", "rendezvous", Fixed(0); go),
    select_rx!("1", "capacity 1", Fixed(1); go),
    select_rx!("128", "capacity 128", Fixed(128); go),
    select_rx!("n", "room for all messages", Everything; go),
    select_rx!("unbounded", "unbounded", Unlimited),

    select_both!("0", "rendezvous", Fixed(0); go),
    select_both!("1", "capacity 1", Fixed(1); go),
    select_both!("128", "capacity 128", Fixed(128); go),
    select_both!("n", "room for all messages", Everything; go),
    select_both!("unbounded", "unbounded", Unlimited),
];
