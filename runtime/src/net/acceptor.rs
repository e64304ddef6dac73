//! The tasklet of a server that accepts, and where it sends the connections.

use super::TcpListener;
use super::placement::{Placement, SLACK};
use super::readiness::Direction;
use super::serve::Progress;
use super::tcp_listener::accept_one;
use super::tcp_stream::TcpStream;
use crate::spawn::{Destination, spawn_task};
use crate::stack::StackError;
use crate::task::header::Extras;
use crate::worker::Worker;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many connections are accepted in a row before the handlers get their turn: enough to share the cost of a switch, and no more
/// than may stay, so that a burst of short ones does.
const BATCH: usize = SLACK;
/// How long to rest when something has run out: at first, and at most.
const FIRST_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_millis(64);

/// What the connections of a server share. Fields are dropped in order.
struct Server<H> {
    handler: H,
    progress: Ending,
}

/// Says at its drop that the server has ended: the acceptor and all connections are gone, and the handler too.
struct Ending(Arc<Progress>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.open();
    }
}

/// Says at its drop that the listener is closed.
struct Closing(Arc<Progress>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closed.open();
    }
}

/// Fields are dropped in order, when it ends or is cancelled, or if it never ran.
struct Acceptor<H> {
    listener: TcpListener,
    closing: Closing,
    server: Arc<Server<H>>,
    /// Where `serve` was called, for its tasklets' name tags.
    at: &'static Location<'static>,
}

/// One connection. Fields are dropped in order.
struct Connection<H> {
    stream: TcpStream,
    peer: SocketAddr,
    open: Open<H>,
}

/// Counts a connection until it has ended, however that happens.
struct Open<H> {
    server: Arc<Server<H>>,
    home: usize,
    /// Since when, if there is a choice of homes for which it matters.
    since: Option<Instant>,
}

impl<H> Drop for Open<H> {
    fn drop(&mut self) {
        let progress = &self.server.progress.0;
        progress.loads[self.home].close(self.since);
        // A hint: if it comes too late the acceptor's rest is over soon anyway.
        if progress.resting.load(Ordering::Relaxed) {
            progress.rest.notify();
        }
    }
}

/// Starts the acceptor of a server at the calling worker's home.
pub(super) fn start<H>(
    worker: &Worker,
    listener: TcpListener,
    handler: H,
    progress: &Arc<Progress>,
    at: &'static Location<'static>,
) -> io::Result<()>
where
    H: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    // The acceptor is to wait, whatever its listener was used for before.
    listener.set_nonblocking(false)?;
    let name = format!("acceptor of {}", listener.local_addr()?).into_boxed_str();
    let server = Arc::new(Server { handler, progress: Ending(progress.clone()) });
    let acceptor = Acceptor { listener, closing: Closing(progress.clone()), server, at };
    let extras = Extras { name: Some(name), ..Extras::default() };
    spawn_at(worker, extras, at, worker.home.index, move || acceptor.run())?;
    Ok(())
}

/// Spawns `f` at a home, detached.
fn spawn_at<F>(
    worker: &Worker,
    extras: Extras,
    at: &'static Location<'static>,
    home: u32,
    f: F,
) -> Result<(), StackError>
where
    F: FnOnce() + Send + 'static,
{
    // SAFETY: `f` is `Send` and `'static`.
    unsafe { spawn_task(&worker.shared, extras, at, f, Destination::Home(home)) }.map(drop)
}

impl<H> Acceptor<H>
where
    H: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    fn run(self) {
        let mut rest = FIRST_REST;
        let mut placement = Placement::new(Instant::now());
        loop {
            for _ in 0..BATCH {
                let outcome = match self.accept() {
                    Ok(Some((stream, peer))) => self.hand_over(stream, peer, &mut placement).map_err(io::Error::from),
                    Ok(None) => return,
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(()) => rest = FIRST_REST,
                    Err(error) => {
                        if let Some(failure) = final_failure(&error) {
                            self.progress().failure.store(failure, Ordering::Relaxed);
                            return;
                        }
                        self.rest(rest);
                        rest = LONGEST_REST.min(2 * rest);
                    }
                }
            }
            crate::yield_now();
        }
    }

    fn progress(&self) -> &Progress {
        &self.closing.0
    }

    /// Waits for a connection; `None` if the server was told to stop.
    fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        let next = |listener: &_| {
            if self.progress().stopping.load(Ordering::Acquire) {
                return Ok(None);
            }
            // While there is no stack for a handler, connections are better off in the kernel's queue.
            has_place()?;
            accept_one(listener).map(Some)
        };
        self.listener.socket.run(Direction::Read, next, |_| false)
    }

    /// Gives a connection a tasklet. If there is no stack, because others were faster, it is closed.
    fn hand_over(&self, stream: TcpStream, peer: SocketAddr, placement: &mut Placement) -> Result<(), StackError> {
        let worker = Worker::of_thread().expect("the acceptor is a tasklet");
        let loads = &self.progress().loads;
        let mut home = worker.home.index as usize;
        let mut since = None;
        if loads.len() > 1 {
            let now = Instant::now();
            home = placement.choose(loads, home, worker.times_dry(), now);
            since = Some(now);
        }
        loads[home].open.fetch_add(1, Ordering::Relaxed);
        let connection = Connection { stream, peer, open: Open { server: self.server.clone(), home, since } };
        spawn_at(worker, Extras::default(), self.at, home as u32, move || connection.run())
    }

    /// Waits until a connection ends, the server is told to stop, or some time has passed.
    fn rest(&self, duration: Duration) {
        let progress = self.progress();
        progress.resting.store(true, Ordering::Relaxed);
        let _ = progress.rest.wait(Instant::now().checked_add(duration));
        progress.resting.store(false, Ordering::Relaxed);
    }
}

impl<H: Fn(TcpStream, SocketAddr)> Connection<H> {
    fn run(self) {
        let Self { stream, peer, open } = self;
        (open.server.handler)(stream, peer);
    }
}

/// Whether a tasklet could be spawned now.
fn has_place() -> Result<(), StackError> {
    let worker = Worker::of_thread().expect("the acceptor is a tasklet");
    worker.shared.stacks.reserve(1)?;
    worker.shared.stacks.unreserve(1);
    Ok(())
}

/// The error number, if accepting again cannot help.
fn final_failure(error: &io::Error) -> Option<i32> {
    let finally = [libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EOPNOTSUPP];
    error.raw_os_error().filter(|number| finally.contains(number))
}
