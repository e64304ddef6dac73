//! Channels under load: threads and tasklets on both ends, every flavour, every way to send and receive.
//!
//! `CHANNEL_STRESS_MESSAGES` says how many messages the traffic takes.

#[path = "channel_stress/closing.rs"]
mod closing;
#[path = "channel_stress/counted.rs"]
mod counted;
#[path = "channel_stress/crew.rs"]
mod crew;
#[path = "channel_stress/dice.rs"]
mod dice;
#[path = "channel_stress/drops.rs"]
mod drops;
mod eventually;
#[path = "channel_stress/impatience.rs"]
mod impatience;
#[path = "channel_stress/ledger.rs"]
mod ledger;
#[path = "channel_stress/order.rs"]
mod order;
#[path = "channel_stress/receiving.rs"]
mod receiving;
#[path = "channel_stress/sending.rs"]
mod sending;
#[path = "channel_stress/teardown.rs"]
mod teardown;
#[path = "channel_stress/traffic.rs"]
mod traffic;
mod watchdog;

use tasklets::channel::{Receiver, Sender, bounded, unbounded};

/// A channel of any flavour. No capacity: unbounded; zero: rendezvous.
fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    capacity.map_or_else(unbounded, bounded)
}
