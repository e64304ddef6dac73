//! What the models under `tests/` have in common. `README.md` says how they are run and what they have been seen to catch.
#![cfg(tasklets_loom)]

mod plain;
mod poller;
mod tasklet;

pub use plain::Plain;
pub use poller::Poller;
pub use tasklet::Tasklet;
