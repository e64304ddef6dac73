//! Sockets with the shapes of [`std::net`], whose waiting suspends the tasklet and not its worker.
//!
//! | here                  | is                                                                      |
//! |-----------------------|-------------------------------------------------------------------------|
//! | [`TcpStream`]         | a connection: [`Read`](std::io::Read) and [`Write`](std::io::Write), also by reference |
//! | [`TcpListener`]       | where connections come in                                               |
//! | [`serve`]             | a server: a tasklet for every connection, spread over the workers       |
//! | [`ToSocketAddrs`]     | what names an address; looking a name up suspends only the tasklet      |
//!
//! Addresses and [`Shutdown`] are std's own types.
//!
//! ```
//! use std::io::{Read, Write};
//! use tasklets_runtime::net::{TcpListener, TcpStream, serve};
//!
//! # fn main() -> std::io::Result<()> {
//! tasklets_runtime::run(|| {
//!     let server = serve(TcpListener::bind("127.0.0.1:0")?, |stream, _peer| {
//!         let _ = std::io::copy(&mut &stream, &mut &stream);
//!     })?;
//!
//!     let mut stream = TcpStream::connect(server.local_addr())?;
//!     stream.write_all(b"hello")?;
//!     let mut echo = [0; 5];
//!     stream.read_exact(&mut echo)?;
//!     assert_eq!(&echo, b"hello");
//!
//!     drop(stream);
//!     server.stop();
//!     server.join()
//! })
//! # }
//! ```
//!
//! # Waiting
//!
//! An operation is tried first; only if it would block does the tasklet wait, and its worker runs others meanwhile. A tasklet
//! whose socket is always ready gives others a turn from time to time. On an OS thread outside a runtime the same calls block
//! that thread, as std's do.
//!
//! Timeouts are an error of kind [`TimedOut`](std::io::ErrorKind::TimedOut). (std says `WouldBlock` on Unix.)
//!
//! # Cancellation
//!
//! A tasklet that is told to end, because its runtime does, unwinds out of the operation it waits in.
//!
//! # Descriptors
//!
//! Sockets here are in non-blocking mode in the kernel, and so is what [`AsFd`](std::os::fd::AsFd) and the conversion to
//! [`OwnedFd`](std::os::fd::OwnedFd) give; `into_std` returns to blocking mode. Options that are not offered here can be set
//! through `AsFd`.

mod acceptor;
mod latch;
mod placement;
pub(crate) mod readiness;
mod serve;
mod socket;
mod tcp_listener;
mod tcp_stream;
mod to_socket_addrs;

pub use serve::{Serving, serve};
pub use std::net::Shutdown;
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use to_socket_addrs::ToSocketAddrs;
