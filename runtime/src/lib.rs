//! The runtime of [`tasklets`](https://docs.rs/tasklets): workers, tasklets, stacks, timers, sockets.
//!
//! Users depend on `tasklets`, which re-exports what is public here. `ARCHITECTURE.md` says which file to open for what.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("tasklets supports Linux on x86-64 and aarch64; other platforms need someone to do the work");

#[cfg(panic = "abort")]
compile_error!(
    "tasklets needs `panic = \"unwind\"`: a tasklet that is told to end is unwound, and a panic ends its tasklet alone"
);

/// What the loom models check: the real protocols, with loom's atomics under them.
#[cfg(tasklets_loom)]
pub mod internal {
    pub use crate::idle::{Awake, Idle};
    pub use crate::inbox::Inbox;
    pub use crate::jobs::{Fences, Header, JobRef, Jobs, Oldest, Steal};
    pub use crate::node::{Kind, List, NO_HOME, Node, Runnable};
    pub use crate::task::state;
}

// Public for the loom models, so `pub` inside although nothing outside reaches them.
#[allow(unreachable_pub)]
mod idle;
#[allow(unreachable_pub)]
mod inbox;
#[allow(unreachable_pub)]
mod jobs;
#[allow(unreachable_pub)]
mod node;
mod task;

#[cfg(not(tasklets_loom))]
mod blocking;
#[cfg(not(tasklets_loom))]
mod card;
#[cfg(not(tasklets_loom))]
mod config;
#[cfg(not(tasklets_loom))]
mod deadlock;
#[cfg(not(tasklets_loom))]
mod fiber;
#[cfg(not(tasklets_loom))]
mod fork_join;
#[cfg(not(tasklets_loom))]
mod home;
#[cfg(not(tasklets_loom))]
mod label;
#[cfg(not(tasklets_loom))]
mod monitor;
#[cfg(not(tasklets_loom))]
pub mod net;
#[cfg(not(tasklets_loom))]
mod panic_count;
#[cfg(not(tasklets_loom))]
mod poller;
#[cfg(not(tasklets_loom))]
mod prefetch;
#[cfg(not(tasklets_loom))]
mod quiet;
#[cfg(not(tasklets_loom))]
mod registry;
#[cfg(not(tasklets_loom))]
mod runtime;
#[cfg(not(tasklets_loom))]
mod scope;
#[cfg(not(tasklets_loom))]
mod shared;
#[cfg(not(tasklets_loom))]
mod spawn;
#[cfg(not(tasklets_loom))]
mod stack;
#[cfg(not(tasklets_loom))]
mod stack_usage;
pub mod sync;
#[cfg(not(tasklets_loom))]
mod time;
#[cfg(not(tasklets_loom))]
mod turn;
#[cfg(not(tasklets_loom))]
mod worker;

#[cfg(all(not(tasklets_loom), feature = "migrating"))]
pub use self::spawn::spawn_migrating;
#[cfg(not(tasklets_loom))]
pub use self::{
    blocking::unblock,
    fork_join::join,
    runtime::{Handle, Runtime, RuntimeBuilder, ShutdownError, run},
    scope::{Scope, ScopedJoinHandle, scope},
    spawn::{Builder, current, spawn, spawn_future, spawn_local, try_current},
    stack_usage::{StackUsage, stack_usage},
    task::{JoinError, JoinHandle, Tasklet},
    time::sleep,
    turn::{park, park_timeout, yield_now},
};
#[cfg(not(tasklets_loom))]
pub use tasklets_macros::{main, test};
#[cfg(not(tasklets_loom))]
pub use tasklets_park::{Cancelled, block_on};
