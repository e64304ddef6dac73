//! Lock-free channels and `select!`, for tasklets, threads and futures.

pub mod broadcast;
mod channel;
mod counted;
mod err;
mod flavor;
mod futures;
mod iter;
mod new;
pub mod oneshot;
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
pub use receiver::Receiver;
pub use select::{Select, SelectedOperation};
pub use send_many::SendManyError;
pub use sender::Sender;

/// What the macros expand to.
#[doc(hidden)]
pub mod internal {
    pub use crate::select::begin as select;
}
