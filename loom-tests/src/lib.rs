//! What the models under `tests/` have in common. `README.md` says how they are run and what they have been seen to catch.
#![cfg(tasklets_loom)]

mod os_thread;
mod plain;
mod poller;
mod tasklet;

pub use os_thread::as_os_thread;
pub use plain::Plain;
pub use poller::Poller;
pub use tasklet::Tasklet;
