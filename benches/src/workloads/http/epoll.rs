//! The floor: the system calls that no server can do without, and nothing around them.
//!
//! One thread for each worker, each with a listener of its own on the same port (`SO_REUSEPORT`), a level-triggered
//! epoll, and a table of connections by descriptor. A new connection is read at once, since its request may
//! be there already, and registered only if it lives on.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;

use super::exchange::Exchange;
use crate::failure::Failure;

/// Events taken from the kernel at a time.
const EVENTS: usize = 256;
/// Connections that the kernel may hold ready to be accepted.
const BACKLOG: libc::c_int = 1024;

/// Starts the loops and returns their common address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    let first = listen(0)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    while listeners.len() < workers {
        listeners.push(listen(address.port())?);
    }
    for listener in listeners {
        let mut worker = Worker::new(listener)?;
        std::thread::spawn(move || worker.run());
    }
    Ok(address)
}

/// One loop.
struct Worker {
    epoll: OwnedFd,
    listener: TcpListener,
    /// By descriptor.
    connections: Vec<Option<Box<Connection>>>,
}

/// One client.
struct Connection {
    stream: TcpStream,
    exchange: Exchange,
}

impl Worker {
    fn new(listener: TcpListener) -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let descriptor = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        let worker = Self { epoll: descriptor, listener, connections: Vec::new() };
        worker.register(worker.listener.as_raw_fd())?;
        Ok(worker)
    }

    /// Serves until epoll itself fails, which only a bug of this file can cause.
    fn run(&mut self) -> io::Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        loop {
            let ready = self.wait(&mut events)?;
            for event in &events[..ready] {
                let descriptor = event.u64 as RawFd;
                if descriptor == self.listener.as_raw_fd() {
                    self.accept_all();
                } else if let Some(connection) = &mut self.connections[descriptor as usize]
                    && !connection.serve().unwrap_or(false)
                {
                    // Closing the descriptor takes it out of the epoll as well.
                    self.connections[descriptor as usize] = None;
                }
            }
        }
    }

    /// Waits for events and returns how many there are.
    fn wait(&self, events: &mut [libc::epoll_event; EVENTS]) -> io::Result<usize> {
        loop {
            // SAFETY: `events` is valid for writes of EVENTS entries and the kernel writes no more than that.
            let count =
                unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), EVENTS as libc::c_int, -1) };
            match usize::try_from(count) {
                Ok(count) => return Ok(count),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
    }

    /// Takes every connection there is, and keeps those that are not over at once.
    fn accept_all(&mut self) {
        // Any error, be it that there are no more, is left to the next event: level-triggered, it comes again.
        while let Ok(stream) = accept(&self.listener) {
            let mut connection = Box::new(Connection { stream, exchange: Exchange::new() });
            if !connection.serve().unwrap_or(false) {
                continue;
            }
            let descriptor = connection.stream.as_raw_fd();
            if self.register(descriptor).is_err() {
                continue;
            }
            let index = descriptor as usize;
            if self.connections.len() <= index {
                self.connections.resize_with(index + 1, || None);
            }
            self.connections[index] = Some(connection);
        }
    }

    /// Asks for an event whenever there is something to read.
    fn register(&self, descriptor: RawFd) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: descriptor as u64 };
        // SAFETY: `event` is valid for the call, which copies it.
        let done = unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, descriptor, &raw mut event) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Connection {
    /// Reads once and answers; says whether the connection lives on.
    fn serve(&mut self) -> io::Result<bool> {
        let count = match self.stream.read(self.exchange.space()) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        self.exchange.received(count);
        while let Some(answer) = self.exchange.answer().map_err(io::Error::other)? {
            // A hundred bytes always fit while the client waits for them; if not, the connection is given up.
            self.stream.write_all(answer.bytes)?;
            if answer.close {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A nonblocking listener on loopback that shares its port with others.
fn listen(port: u16) -> io::Result<TcpListener> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the call takes no pointers.
    let socket = owned(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    let on: libc::c_int = 1;
    // SAFETY: the option's value is a `c_int`, which `on` is, and the length is that of a `c_int`.
    succeeded(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_REUSEPORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    })?;
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: `address` is a whole `sockaddr_in`, the family says so, and the length is its own.
    succeeded(unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
    })?;
    // SAFETY: the call takes no pointers.
    succeeded(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(socket.into())
}

/// The next connection, nonblocking from the start. Who it is from is not asked.
fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: both pointers may be null, which says that the peer's address is not wanted.
    Ok(owned(unsafe { libc::accept4(listener.as_raw_fd(), null_mut(), null_mut(), flags) })?.into())
}

/// The descriptor that a system call has just made, or its error.
fn owned(descriptor: RawFd) -> io::Result<OwnedFd> {
    succeeded(descriptor)?;
    // SAFETY: the callers pass what the kernel has just returned to them: an open descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The error of a system call that returned -1.
fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
