//! Where connections come in.

use super::readiness::Direction;
use super::socket::Socket;
use super::tcp_stream::TcpStream;
use super::to_socket_addrs::{ToSocketAddrs, try_each};
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// A TCP socket that listens for connections: [`std::net::TcpListener`] for tasklets. See the [module](super) for how it waits.
///
/// Any number of tasklets may accept from one listener. [`serve`](super::serve) does what most servers do with it.
///
/// ```
/// use std::io::Write;
/// use tasklets_runtime::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// tasklets_runtime::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let address = listener.local_addr()?;
///     tasklets_runtime::spawn(move || {
///         for stream in listener.incoming() {
///             tasklets_runtime::spawn(move || stream?.write_all(b"hello"));
///         }
///     });
///     assert_eq!(std::io::read_to_string(TcpStream::connect(address)?)?, "hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpListener {
    /// mio's type, because its accept makes non-blocking streams in one system call.
    pub(super) socket: Socket<mio::net::TcpListener>,
}

impl TcpListener {
    #[inline]
    fn inner(&self) -> &mio::net::TcpListener {
        self.socket.get()
    }

    /// Listens at the first of the addresses where that is possible. Port 0 lets the kernel choose; see
    /// [`local_addr`](Self::local_addr).
    ///
    /// As many connections may wait to be accepted as the kernel allows (`net.core.somaxconn`).
    ///
    /// # Errors
    /// That of the last address tried; `InvalidInput` if there is none; or why the name could not be resolved.
    pub fn bind<A: ToSocketAddrs>(addresses: A) -> io::Result<Self> {
        try_each(addresses, |address| {
            let listener = std::net::TcpListener::bind(address)?;
            widen_backlog(&listener)?;
            listener.set_nonblocking(true)?;
            Ok(Self { socket: Socket::new(mio::net::TcpListener::from_std(listener)) })
        })
    }

    /// The address it listens at.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner().local_addr()
    }

    /// A second handle for the same socket, with a descriptor of its own. Each connection is accepted by one of them.
    ///
    /// # Errors
    /// If there is no descriptor to be had.
    pub fn try_clone(&self) -> io::Result<Self> {
        let duplicate = |inner: &mio::net::TcpListener| Ok(inner.as_fd().try_clone_to_owned()?.into());
        Ok(Self { socket: self.socket.try_clone(duplicate)? })
    }

    /// Waits for a connection; returns it and the other end's address.
    ///
    /// A connection that was given up by the other end before it came to this is passed over.
    ///
    /// # Errors
    /// If there is no descriptor or memory for it to be had; the connection then waits on, and a later call may get it.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.run(Direction::Read, accept_one, |_| false)
    }

    /// The connections, one after the other, without end. See [`accept`](Self::accept).
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// How many hops packets of accepted connections may take (`IP_TTL`).
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.inner().set_ttl(ttl)
    }

    /// See [`set_ttl`](Self::set_ttl).
    ///
    /// # Errors
    /// What the kernel says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.inner().ttl()
    }

    /// The error that the kernel keeps for this socket, which is taken away by asking (`SO_ERROR`).
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.inner().take_error()
    }

    /// Whether [`accept`](Self::accept) through this handle returns `WouldBlock` instead of suspending the tasklet.
    ///
    /// # Errors
    /// None; the signature is std's.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking);
        Ok(())
    }

    /// The same socket as std's type, in blocking mode.
    ///
    /// The mode belongs to the socket, not to the handle: clones of this one that are left would block their workers.
    ///
    /// # Errors
    /// If the kernel refuses; the handle is then closed.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        let listener = std::net::TcpListener::from(self.socket.into_inner());
        listener.set_nonblocking(false)?;
        Ok(listener)
    }
}

/// Accepts one connection, or says `WouldBlock`.
pub(super) fn accept_one(listener: &mio::net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => return Ok((TcpStream::from_kernel(stream.into()), peer)),
            // Each takes one connection out of the queue, so this comes to an end.
            Err(error) if was_the_connections_own(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether an error of accept was that of the connection it would have returned. Linux reports those here.
fn was_the_connections_own(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::EHOSTDOWN
                | libc::ENONET
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
        )
    )
}

/// std asks for room for 128 connections, too few for the burst in which clients come back after an interruption.
fn widen_backlog(listener: &std::net::TcpListener) -> io::Result<()> {
    // SAFETY: no pointers involved, and the descriptor is open. The kernel cuts the number to its limit.
    if unsafe { libc::listen(listener.as_raw_fd(), libc::c_int::MAX) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The connections of a [`TcpListener`]; made by [`incoming`](TcpListener::incoming).
#[derive(Debug)]
#[must_use = "iterators do nothing until they are asked for an item"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

/// The socket gets into non-blocking mode, and with it all other handles that std has for it. If the kernel refuses that,
/// every operation of the new handle returns the error.
impl From<std::net::TcpListener> for TcpListener {
    fn from(listener: std::net::TcpListener) -> Self {
        let nonblocking = listener.set_nonblocking(true);
        Self { socket: Socket::adopt(mio::net::TcpListener::from_std(listener), nonblocking) }
    }
}

/// See [`TcpListener::into_std`].
impl TryFrom<TcpListener> for std::net::TcpListener {
    type Error = io::Error;

    fn try_from(listener: TcpListener) -> io::Result<Self> {
        listener.into_std()
    }
}

/// As from std's type.
impl From<OwnedFd> for TcpListener {
    fn from(descriptor: OwnedFd) -> Self {
        std::net::TcpListener::from(descriptor).into()
    }
}

/// The descriptor is in non-blocking mode.
impl From<TcpListener> for OwnedFd {
    fn from(listener: TcpListener) -> Self {
        listener.socket.into_inner().into()
    }
}

/// As from std's type.
impl FromRawFd for TcpListener {
    unsafe fn from_raw_fd(descriptor: RawFd) -> Self {
        // SAFETY: the caller hands an open descriptor over.
        unsafe { std::net::TcpListener::from_raw_fd(descriptor) }.into()
    }
}

/// The descriptor is in non-blocking mode.
impl IntoRawFd for TcpListener {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_inner().into_raw_fd()
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner().as_fd()
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.inner().as_raw_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(f)
    }
}
