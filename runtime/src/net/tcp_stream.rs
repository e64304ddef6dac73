//! Connections.

use super::readiness::Direction;
use super::socket::Socket;
use super::to_socket_addrs::{ToSocketAddrs, try_each};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// A TCP connection: [`std::net::TcpStream`] for tasklets. See the [module](super) for how it waits.
///
/// Reading and writing work through `&TcpStream` too, so one tasklet can read while another writes. The connection is closed
/// when the value is dropped, if it is the only handle.
///
/// ```
/// use std::io::{Read, Write};
/// use tasklets_runtime::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// tasklets_runtime::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let mut client = TcpStream::connect(listener.local_addr()?)?;
///     let (mut server, _) = listener.accept()?;
///     client.write_all(b"ping")?;
///     let mut received = [0; 4];
///     server.read_exact(&mut received)?;
///     assert_eq!(&received, b"ping");
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpStream {
    socket: Socket<std::net::TcpStream>,
}

impl TcpStream {
    /// A connection just made by the kernel, in non-blocking mode.
    pub(super) fn from_kernel(stream: std::net::TcpStream) -> Self {
        Self { socket: Socket::new(stream) }
    }

    #[inline]
    fn inner(&self) -> &std::net::TcpStream {
        self.socket.get()
    }

    /// Opens a connection to the first of the addresses that answers.
    ///
    /// # Errors
    /// That of the last address tried; `InvalidInput` if there is none; or why the name could not be resolved.
    pub fn connect<A: ToSocketAddrs>(addresses: A) -> io::Result<Self> {
        try_each(addresses, |address| Self::connect_within(address, None))
    }

    /// Opens a connection to `address`, waiting at most `timeout`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); `TimedOut` if there was no answer in time; `InvalidInput` if `timeout` is zero.
    pub fn connect_timeout(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        if timeout.is_zero() {
            let message = "no connection can be made within a timeout of zero";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Self::connect_within(*address, Some(timeout))
    }

    fn connect_within(address: SocketAddr, timeout: Option<Duration>) -> io::Result<Self> {
        // mio makes a non-blocking socket and has it begin to connect.
        let stream = Self::from_kernel(mio::net::TcpStream::connect(address)?.into());
        stream.socket.run_for(Direction::Write, timeout, |inner| match inner.peer_addr() {
            Ok(_) => Ok(()),
            // Not yet, or it has failed: then the error is there, and reading it takes it away.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                Err(inner.take_error()?.unwrap_or_else(|| io::ErrorKind::WouldBlock.into()))
            }
            Err(error) => Err(error),
        })?;
        Ok(stream)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// What the kernel says; `NotConnected` if the connection is no more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner().peer_addr()
    }

    /// The address of this end.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner().local_addr()
    }

    /// Ends the connection in one direction or both, for all handles. Who waits in a read or write of that direction goes on.
    ///
    /// # Errors
    /// What the kernel says; `NotConnected` if the connection is no more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner().shutdown(how)
    }

    /// A second handle for the same connection, with a descriptor of its own. Timeouts and
    /// [`set_nonblocking`](Self::set_nonblocking) are copied, and from then on each handle has its own.
    ///
    /// `Arc<TcpStream>`, or a reference in a [`scope`](crate::scope()), shares a connection without another descriptor.
    ///
    /// # Errors
    /// If there is no descriptor to be had.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone(std::net::TcpStream::try_clone)? })
    }

    /// How long reads through this handle wait before they fail with `TimedOut`; `None` is for ever. The stream goes on working
    /// after that. A read that waits already keeps the timeout it began with.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_timeout(Direction::Read, timeout)
    }

    /// How long writes through this handle wait before they fail with `TimedOut`, as
    /// [`set_read_timeout`](Self::set_read_timeout).
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_timeout(Direction::Write, timeout)
    }

    /// See [`set_read_timeout`](Self::set_read_timeout).
    ///
    /// # Errors
    /// None; the signature is std's.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.socket.timeout(Direction::Read))
    }

    /// See [`set_write_timeout`](Self::set_write_timeout).
    ///
    /// # Errors
    /// None; the signature is std's.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.socket.timeout(Direction::Write))
    }

    /// Reads without taking the data away: the next read or peek gets it again.
    ///
    /// # Errors
    /// As for reads.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.run(Direction::Read, |inner| inner.peek(buffer), |_| false)
    }

    /// Whether small pieces are sent at once (`TCP_NODELAY`) instead of being collected until the other end has confirmed what was
    /// sent before.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.inner().set_nodelay(nodelay)
    }

    /// See [`set_nodelay`](Self::set_nodelay).
    ///
    /// # Errors
    /// What the kernel says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.inner().nodelay()
    }

    /// How many hops a packet may take (`IP_TTL`).
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

    /// Whether operations through this handle return `WouldBlock` instead of suspending the tasklet.
    ///
    /// # Errors
    /// None; the signature is std's.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking);
        Ok(())
    }

    /// The same connection as std's type, in blocking mode and with this handle's timeouts.
    ///
    /// The mode belongs to the connection, not to the handle: clones of this one that are left would block their workers.
    ///
    /// # Errors
    /// If the kernel refuses; the handle is then closed.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let (read, write) = (self.socket.timeout(Direction::Read), self.socket.timeout(Direction::Write));
        let stream = self.socket.into_inner();
        stream.set_read_timeout(read)?;
        stream.set_write_timeout(write)?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        let short = |&read: &usize| 0 < read && read < room;
        self.socket.run(Direction::Read, |mut inner| inner.read(buffer), short)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        // The kernel takes the first 1024 buffers, so only with as few does a short read tell that there was no more.
        let room = buffers.iter().take(libc::UIO_MAXIOV as usize).map(|buffer| buffer.len()).sum::<usize>();
        let short = |&read: &usize| 0 < read && read < room;
        self.socket.run(Direction::Read, |mut inner| inner.read_vectored(buffers), short)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.socket.run(Direction::Write, |mut inner| inner.write(data), |_| false)
    }

    fn write_vectored(&mut self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.run(Direction::Write, |mut inner| inner.write_vectored(data), |_| false)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }

    fn write_vectored(&mut self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The connection keeps its timeouts and gets into non-blocking mode, and with it all other handles that std has for it. If the
/// kernel refuses that, every operation of the new handle returns the error.
impl From<std::net::TcpStream> for TcpStream {
    fn from(stream: std::net::TcpStream) -> Self {
        let timeouts = [(Direction::Read, stream.read_timeout()), (Direction::Write, stream.write_timeout())];
        let nonblocking = stream.set_nonblocking(true);
        let socket = Socket::adopt(stream, nonblocking);
        for (direction, timeout) in timeouts {
            // What is no socket has no timeout, and the first operation tells.
            let _ = socket.set_timeout(direction, timeout.unwrap_or(None));
        }
        Self { socket }
    }
}

/// See [`TcpStream::into_std`].
impl TryFrom<TcpStream> for std::net::TcpStream {
    type Error = io::Error;

    fn try_from(stream: TcpStream) -> io::Result<Self> {
        stream.into_std()
    }
}

/// As from std's type.
impl From<OwnedFd> for TcpStream {
    fn from(descriptor: OwnedFd) -> Self {
        std::net::TcpStream::from(descriptor).into()
    }
}

/// The descriptor is in non-blocking mode.
impl From<TcpStream> for OwnedFd {
    fn from(stream: TcpStream) -> Self {
        stream.socket.into_inner().into()
    }
}

/// As from std's type.
impl FromRawFd for TcpStream {
    unsafe fn from_raw_fd(descriptor: RawFd) -> Self {
        // SAFETY: the caller hands an open descriptor over.
        unsafe { std::net::TcpStream::from_raw_fd(descriptor) }.into()
    }
}

/// The descriptor is in non-blocking mode.
impl IntoRawFd for TcpStream {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_inner().into_raw_fd()
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner().as_fd()
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.inner().as_raw_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(f)
    }
}
