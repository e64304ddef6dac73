//! Lock-free channels and `select!`, for tasklets, OS threads and futures.
//!
//! ```
//! use tasklets_channels::{bounded, select, unbounded};
//! use std::thread;
//!
//! let (s1, r1) = bounded(0);
//! let (s2, r2) = unbounded();
//! thread::spawn(move || s1.send("hand to hand").unwrap());
//! thread::spawn(move || s2.send("stored").unwrap());
//! for _ in 0..2 {
//!     select! {
//!         recv(r1) -> message => assert!(matches!(message, Ok("hand to hand") | Err(_))),
//!         recv(r2) -> message => assert!(matches!(message, Ok("stored") | Err(_))),
//!     }
//! }
//! ```
//!
//! | made by | holds | a send waits | receivers |
//! |---------|-------|--------------|-----------|
//! | [`unbounded`] | any number of messages | never | each message goes to one |
//! | [`bounded`] | up to so many | while it is full | each message goes to one |
//! | [`bounded(0)`](bounded) | nothing | until a receiver takes the message | each message goes to one |
//! | [`oneshot::channel`] | one message, once | never | one |
//! | [`watch::channel`] | the latest value | never | all see the latest |
//! | [`broadcast::channel`] | the last so many | never | all see all, or how many they have missed |
//! | [`after`], [`at`], [`tick`] | the time | there are no senders | one |
//! | [`never()`] | nothing | there are no senders | waits for ever |
//!
//! The API of the first three, the timers and [`Select`] is that of crossbeam-channel, and more. Any operation may be used from anywhere: an
//! operation that waits suspends the tasklet, or blocks the OS thread, that calls it; the `_async` forms are futures for any executor.
//!
//! # Order
//!
//! Messages of one sender are received in the order in which they were sent, each by one receiver. Those who wait, for a message or for
//! room, are served in the order in which they came, unless they are told to try again because somebody else was faster.
//!
//! # Close
//!
//! When the last [`Sender`] is dropped, or somebody calls `close`, nothing more is sent; what is in the channel can be received, and then
//! receivers get an error. When the last [`Receiver`] is dropped, what is in the channel is dropped too. Whoever waits is woken.
//!
//! # Cancellation
//!
//! An operation whose time is up, a future that is dropped, a tasklet that is told to end while it waits: none loses a message or leaves
//! another waiter without its wake-up. One that has got its message at the same moment returns it, or passes it on.
//!
//! # What "full" and "empty" mean
//!
//! The operations that do not wait (`try_send`, `try_recv`) are exact: what has been sent and not received is seen by all. Only of a send that
//! has not returned yet, because its thread was stopped in the middle, may the room be taken while the message cannot be received; if a later
//! one can, the earlier starts again behind it.
//!
//! # Without locks
//!
//! No operation takes a lock, and none waits for another that is stopped in the middle, but to be handed what that one has in its hands
//! for it. The memory of a channel grows with the messages in it and is kept for the next burst until the channel is dropped; an operation
//! and a wait allocate nothing themselves. How it is done is told in the sources, beginning with `channel/mod.rs`.
//!
//! # Limits
//!
//! A channel counts its messages in 62 bits: one a nanosecond for 146 years. More than 2^63 handles of one side cannot be had without
//! forgetting some; then the process aborts. A wait belongs to one of 2^28 contexts that may wait at once, the next one panics.

pub mod broadcast;
mod channel;
mod counted;
mod err;
mod flavor;
mod futures;
mod iter;
mod new;
pub mod oneshot;
mod preference;
mod queued;
mod receiver;
mod recv_many;
mod select;
mod select_macro;
mod send_many;
mod sender;
mod shared;
mod time;
pub mod watch;

pub use err::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError, SendTimeoutError, TryReadyError,
    TryRecvError, TrySelectError, TrySendError,
};
pub use futures::{RecvFuture, RecvStream, SendFuture, SendSink};
pub use iter::{IntoIter, Iter, TryIter};
pub use new::{after, at, bounded, never, tick, unbounded};
pub use preference::Preference;
pub use receiver::Receiver;
pub use select::{Select, SelectedOperation};
pub use send_many::SendManyError;
pub use sender::Sender;

/// What the macros expand to.
#[doc(hidden)]
pub mod internal {
    pub use crate::select::begin as select;
}
