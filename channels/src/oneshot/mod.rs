//! One value, once, from one sender to one receiver.
//!
//! ```
//! use tasklets_channels::oneshot;
//!
//! let (answer, question) = oneshot::channel();
//! std::thread::spawn(move || answer.send(42));
//! assert_eq!(question.recv(), Ok(42));
//! ```
//!
//! [`Sender::send`] never waits. The [`Receiver`] waits in a tasklet or on a thread by [`recv`](Receiver::recv), and is itself a
//! future:
//!
//! ```
//! use tasklets_channels::oneshot;
//!
//! let (answer, question) = oneshot::channel();
//! answer.send("ready").unwrap();
//! assert_eq!(tasklets_park::block_on(async { question.await }), Ok("ready"));
//! ```
//!
//! A sender that works on the answer for long can see that nobody waits for it any more: [`Sender::is_closed`], and
//! [`Sender::closed`] waits for that.
//!
//! The whole channel is one allocation, which whoever is last frees.

mod cell;
mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::{Closed, Sender};

/// A channel for one value.
///
/// ```
/// let (sender, receiver) = tasklets_channels::oneshot::channel();
/// sender.send(1).unwrap();
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let cell = cell::Cell::allocate();
    // SAFETY: one half of each kind for a new cell.
    unsafe { (Sender::new(cell), Receiver::new(cell)) }
}

#[cfg(all(test, not(tasklets_loom)))]
mod tests;
