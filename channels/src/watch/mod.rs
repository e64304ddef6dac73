//! The latest value, for any number of receivers that look at it or wait for another one.
//!
//! ```
//! use tasklets_channels::watch;
//!
//! let (sender, mut receiver) = watch::channel("starting");
//! assert_eq!(*receiver.borrow(), "starting");
//!
//! let waits = std::thread::spawn(move || {
//!     receiver.changed().unwrap();
//!     receiver.get()
//! });
//! sender.send("running").unwrap();
//! assert_eq!(waits.join().unwrap(), "running");
//! ```
//!
//! Unlike a queue it forgets: who comes late sees the newest value only. A receiver remembers which value it has seen last;
//! [`changed`](Receiver::changed) waits until the newest is another one.
//!
//! Looking takes no lock and never waits, whatever the senders do. [`Ref`], what [`borrow`](Receiver::borrow) returns, may be kept
//! as long as one likes, also while waiting: it keeps its own value, and senders go on.
//!
//! # How it works
//!
//! The value is in a slot, one of several that the channel uses in turn. One word says which slot is shown, and counts who reads
//! it. A sender writes into a free slot, shows it by one swap, and leaves the former slot to the last of its readers. Each value
//! has a number that no other value of the channel has. A receiver compares the number of the value that is shown with that of the
//! value it has seen, so it misses no change and sees none twice.
//!
//! *Waiting against sending.* (1) The sender shows the value, and then looks for waiters. (2) The receiver registers, and then
//! looks which value is shown. At least one sees the other. A receiver that gives up leaves nothing behind that another needs,
//! since all are woken.

mod changed;
mod receiver;
mod reference;
mod sender;
mod shared;

pub use changed::Changed;
pub use receiver::Receiver;
pub use reference::Ref;
pub use sender::{Closed, Sender};

use std::sync::atomic::Ordering::Relaxed;

/// A channel that shows `value` at first, which its first receiver counts as seen.
///
/// ```
/// let (sender, receiver) = tasklets_channels::watch::channel(1);
/// assert!(!receiver.has_changed());
/// sender.send(2).unwrap();
/// assert!(receiver.has_changed());
/// ```
#[must_use]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = shared::Arc::new(shared::Shared::new(value));
    shared.senders.store(1, Relaxed);
    (Sender::new(shared.clone()), Receiver::subscribe(shared))
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests;
