//! Channels for futures: thin wrappers that keep a handle and one operation's state, which the channel polls.

mod handle;
mod pending;
mod recv;
mod send;
mod sink;
mod stream;

pub use recv::RecvFuture;
pub use send::SendFuture;
pub use sink::SendSink;
pub use stream::RecvStream;
