//! What channels take from the allocator: a little for each channel, nothing for an operation or for somebody who waits.
//!
//! `CHANNEL_MEMORY_SELECTS` says how many selects are tried on idle channels.

#[path = "channel_memory/allocations.rs"]
mod allocations;
#[path = "channel_memory/awake.rs"]
mod awake;
mod child;
#[path = "channel_memory/idle_selects.rs"]
mod idle_selects;
#[path = "channel_memory/sizes.rs"]
mod sizes;
#[path = "channel_memory/waiting.rs"]
mod waiting;
mod watchdog;
#[path = "channel_memory/without_waiting.rs"]
mod without_waiting;

use std::time::Duration;
use tasklets::channel::{Receiver, Sender, bounded, unbounded};
use tasklets::{Runtime, RuntimeBuilder};
use watchdog::Watchdog;

/// A channel of any flavour. No capacity: unbounded; zero: rendezvous.
fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    capacity.map_or_else(unbounded, bounded)
}

fn runtime(workers: usize) -> Runtime {
    RuntimeBuilder::new().workers(workers).build().expect("there are threads")
}

/// Runs `test` in a process of its own, where nothing else allocates. `name`: of the test function, with its module.
#[track_caller]
fn alone(name: &str, test: impl FnOnce()) {
    if child::is_child() {
        let _watchdog = Watchdog::new(name, Duration::from_micros(100) * idle_selects::selects() as u32);
        return test();
    }
    let output = child::run_in_child(name);
    assert!(output.status.success(), "{name}: {}", child::stderr(&output));
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(ran, "there is no test {name}");
}
