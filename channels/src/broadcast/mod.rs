//! Every message for every receiver.
//!
//! ```
//! use tasklets_channels::broadcast;
//!
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("hello").unwrap();
//! assert_eq!(first.recv(), Ok("hello"));
//! assert_eq!(second.recv(), Ok("hello"));
//! ```
//!
//! A receiver sees each message that is sent after it [subscribed](Sender::subscribe), in the order in which they were sent, the
//! same for all receivers. [`send`](Sender::send) never waits: the channel keeps the newest messages, as many as its capacity, and
//! a receiver that falls further behind learns how many it has missed and goes on with the oldest that is left:
//!
//! ```
//! use tasklets_channels::broadcast::{self, RecvError};
//!
//! let (sender, mut receiver) = broadcast::channel(2);
//! for message in 1..=5 {
//!     sender.send(message).unwrap();
//! }
//! assert_eq!(receiver.recv(), Err(RecvError::Lagged(3)));
//! assert_eq!(receiver.recv(), Ok(4));
//! assert_eq!(receiver.recv(), Ok(5));
//! ```
//!
//! Each receiver gets a clone. The channel keeps a message until another takes its place, also when all have received it; send
//! `Arc`s of what is large.
//!
//! # How it works
//!
//! Messages are numbered; message `n` belongs into place `n` modulo the capacity of a ring. A place shows a slot that holds the
//! message and its number, and a reader holds a slot by a count, so that a sender that comes round the ring neither waits for it
//! nor writes over what it reads: it shows another slot, and the last reader frees the former one. `tail` is the number of the
//! next message.
//!
//! To send: (1) read `tail`, hold what its place shows; (2) if that is message `tail` already, its sender has not come to step 4:
//! do that step for it, and start again; (3) replace what is held by the message with this number, or start again if somebody was
//! faster; (4) advance `tail` from this number to the next; (5) wake the receivers that wait.
//!
//! A message is sent at step 4, whoever does it. A sender that is held up between 3 and 4 holds up nobody, and before 3 it has
//! done nothing. Each time a sender starts again another message was sent, or another sender helped.
//!
//! To receive number `n`: nothing is there while `tail` is not beyond `n`; otherwise hold what its place shows, and the number
//! there says whether it is message `n`, or a later one for which `n` had to go.
//!
//! *Two senders with the same number.* Both hold the same slot, and replace it only if it is still shown. A slot that is held is
//! not used again, so of the two exactly one replaces it, however long the other was held up.
//!
//! *Receiving against sending.* The sender advances `tail` and then looks for waiters, the receiver registers and then looks at
//! `tail`: at least one sees the other. A helper that has advanced `tail` for another sender goes on to wake for its own message,
//! and the other wakes too when it goes on.
//!
//! *The end.* The last sender counts itself off after its messages. A receiver looks at that count before it looks at `tail` a
//! last time, so that none of them is missed.

mod error;
mod receiver;
mod recv;
mod sender;
mod shared;

pub use error::{RecvError, RecvTimeoutError, TryRecvError};
pub use receiver::Receiver;
pub use recv::Recv;
pub use sender::Sender;

/// A channel that keeps the newest `capacity` messages.
///
/// ```
/// let (sender, mut receiver) = tasklets_channels::broadcast::channel(8);
/// sender.send(1).unwrap();
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
///
/// # Panics
/// If `capacity` is 0 or more than 2^23.
#[must_use]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(shared::Arc::new(shared::Shared::new(capacity)));
    let receiver = sender.subscribe();
    (sender, receiver)
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests;
