//! The tasklet of a server that accepts, and where it sends the connections.

use super::TcpListener;
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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// So many more than the least loaded home may a home have before connections leave it; an eighth, if that is more.
const SLACK: usize = 8;
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
}

impl<H> Drop for Open<H> {
    fn drop(&mut self) {
        let progress = &self.server.progress.0;
        progress.open[self.home].fetch_sub(1, Ordering::Relaxed);
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
        loop {
            for _ in 0..BATCH {
                let outcome = match self.accept() {
                    Ok(Some((stream, peer))) => self.hand_over(stream, peer).map_err(io::Error::from),
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
    fn hand_over(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), StackError> {
        let worker = Worker::of_thread().expect("the acceptor is a tasklet");
        let open = &self.progress().open;
        let home = place(open, worker.home.index as usize);
        open[home].fetch_add(1, Ordering::Relaxed);
        let connection = Connection { stream, peer, open: Open { server: self.server.clone(), home } };
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

/// The home for the next connection. `mine` is the acceptor's, where it costs least.
fn place(open: &[AtomicUsize], mine: usize) -> usize {
    let here = open[mine].load(Ordering::Relaxed);
    if here <= SLACK {
        return mine;
    }
    let loads = open.iter().map(|open| open.load(Ordering::Relaxed));
    let (home, least) = loads.enumerate().min_by_key(|&(_, load)| load).unwrap_or((mine, here));
    if here <= least + SLACK.max(least / 8) { mine } else { home }
}

#[cfg(test)]
mod tests {
    use super::{AtomicUsize, Ordering, SLACK, place};

    fn placed(homes: usize, connections: usize) -> Vec<usize> {
        let open: Vec<_> = (0..homes).map(|_| AtomicUsize::new(0)).collect();
        for _ in 0..connections {
            open[place(&open, 0)].fetch_add(1, Ordering::Relaxed);
        }
        open.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn few_connections_stay() {
        assert_eq!(placed(4, SLACK), [SLACK, 0, 0, 0]);
        assert_eq!(placed(1, 1000), [1000]);
    }

    #[test]
    fn many_end_up_even() {
        for homes in 2..9 {
            for connections in [200, 400, 10_000] {
                let loads = placed(homes, homes * connections);
                let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(most * 5 <= least * 6, "{loads:?}");
            }
        }
    }
}
