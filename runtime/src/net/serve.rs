//! A server: a tasklet for every connection.

use super::TcpListener;
use super::acceptor;
use super::latch::Latch;
use super::placement::Load;
use super::readiness;
use super::tcp_stream::TcpStream;
use crate::spawn::outside_a_runtime;
use crate::worker::Worker;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use tasklets_park::Token;

/// Accepts connections from `listener` in the calling runtime, and runs `handler` for each on a tasklet of its own.
///
/// Short connections stay with the acceptor's worker while that keeps up, so that they cost no thread switch. Of those that stay
/// open, and of all when it does not keep up, so many go to the worker with the fewest that they end up even. Which are short is
/// judged by those before. A panic of the handler ends its connection alone.
///
/// When descriptors, memory or the runtime's limit on tasklets run out, it leaves connections waiting in the kernel and accepts
/// again when some have ended, or after a while. It goes on until [`Serving::stop`] is called or the runtime ends.
///
/// ```
/// use std::io::Write;
/// use tasklets_runtime::net::{TcpListener, TcpStream, serve};
///
/// # fn main() -> std::io::Result<()> {
/// tasklets_runtime::run(|| {
///     let server = serve(TcpListener::bind("127.0.0.1:0")?, |mut stream, _peer| {
///         let _ = stream.write_all(b"hello");
///     })?;
///     assert_eq!(std::io::read_to_string(TcpStream::connect(server.local_addr())?)?, "hello");
///     server.stop();
///     server.join()
/// })
/// # }
/// ```
///
/// # Errors
/// If there is no stack to be had for the acceptor, or `listener` is not a socket with an address.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn serve<H>(listener: TcpListener, handler: H) -> io::Result<Serving>
where
    H: Fn(TcpStream, SocketAddr) + Send + Sync + 'static,
{
    let Some(worker) = Worker::of_thread() else { outside_a_runtime("net::serve") };
    let progress = Arc::new(Progress {
        local_addr: listener.local_addr()?,
        listener: listener.socket.token(),
        stopping: AtomicBool::new(false),
        failure: AtomicI32::new(0),
        loads: worker.shared.homes.iter().map(|_| Load::default()).collect(),
        resting: AtomicBool::new(false),
        rest: Token::new(),
        closed: Latch::default(),
        ended: Latch::default(),
    });
    acceptor::start(worker, listener, handler, &progress, Location::caller())?;
    Ok(Serving { progress })
}

/// What acceptor, connections and handles share.
pub(super) struct Progress {
    local_addr: SocketAddr,
    /// How the acceptor is reached while it waits for connections.
    listener: usize,
    pub(super) stopping: AtomicBool,
    /// The error that ended the acceptor, or 0.
    pub(super) failure: AtomicI32,
    /// Connections by home. Next to each other because placement reads them all.
    pub(super) loads: Box<[Load]>,
    /// The acceptor rests, and waits for `rest`.
    pub(super) resting: AtomicBool,
    pub(super) rest: Token,
    /// The acceptor has ended and the listener is closed.
    pub(super) closed: Latch,
    /// The last connection has ended too.
    pub(super) ended: Latch,
}

/// A server made by [`serve`]. Clones stand for the same server; dropping them all lets it go on.
#[derive(Clone)]
pub struct Serving {
    progress: Arc<Progress>,
}

impl Serving {
    /// The address it listens at.
    pub fn local_addr(&self) -> SocketAddr {
        self.progress.local_addr
    }

    /// How many connections are open: accepted, and their handlers have not returned.
    pub fn connections(&self) -> usize {
        self.progress.loads.iter().map(|load| load.open.load(Ordering::Relaxed)).sum()
    }

    /// Stops accepting: closes the listener, and returns when that is done. Connections already accepted go on; those that the
    /// kernel has queued are reset, and new ones refused unless another descriptor of the listener exists.
    ///
    /// Works from tasklets and from any thread, and again and again.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call; the server stops nevertheless.
    pub fn stop(&self) {
        let progress = &self.progress;
        // Release: the reports below carry it to the acceptor, which looks at it before each accept.
        progress.stopping.store(true, Ordering::Release);
        // As if there were a connection. If the listener is closed its token means nobody any more.
        readiness::report(progress.listener, true, false, false);
        progress.rest.notify();
        progress.closed.wait();
    }

    /// Waits until somebody has called [`stop`](Self::stop) and all handlers have returned. Works from tasklets and from any
    /// thread, but of course not in a handler of its own.
    ///
    /// # Errors
    /// If accepting failed for good, which it does only if something was done to the listener's descriptor behind its back.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call.
    pub fn join(self) -> io::Result<()> {
        self.progress.ended.wait();
        match self.progress.failure.load(Ordering::Relaxed) {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("local_addr", &self.local_addr())
            .field("connections", &self.connections())
            .field("stopped", &self.progress.closed.is_open())
            .finish()
    }
}
