//! What the models under `tests/` have in common. `README.md` says how they are run and what they have been seen to catch.
#![cfg(tasklets_loom)]

mod by_hand;
mod ends;
mod explore;
mod mail;
mod os_thread;
mod plain;
mod poller;
mod task;
mod tasklet;

pub use by_hand::ByHand;
pub use ends::{as_tasklet, deadline, left_in, receive, spawn, spawn_sender, until_cancelled};
pub use explore::{explore, explore_deeply};
pub use mail::{Letter, Mail};
pub use os_thread::as_os_thread;
pub use plain::Plain;
pub use poller::Poller;
pub use task::{Task, as_task};
pub use tasklet::Tasklet;
