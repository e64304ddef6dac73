//! All open connections: how many there may be, and how they end together.
//!
//! # Stopping
//!
//! When the server stops, a connection that is waiting for its next request must end at once, and
//! one that is in the middle of a request must finish it. The one is asleep in a read, so somebody
//! else has to end that read: by shutting down the receiving side of its socket. On Linux that
//! loses nothing. What has arrived can still be read; only where a read would wait, it returns 0.
//!
//! The race is between a connection that goes idle and the stop that looks for idle ones:
//!
//! | connection                        | stop                              |
//! | --------------------------------- | --------------------------------- |
//! | 1. store `idle = true`            | a. store `stopping = true`        |
//! | 2. load `stopping`; if true, shut | b. load `idle`; if true, shut     |
//! | 3. read                           |                                   |
//!
//! All four are sequentially consistent, so that it cannot be that 2 misses a and b misses 1: each
//! idle connection is shut by one side or the other, perhaps by both, which does no harm. Nor does
//! a shut that comes when the read has just returned bytes, unless they are only the start of a
//! request: that client began to write as the server ended, and is told nothing but the end, as
//! if it had been a moment later.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tasklets::net::TcpStream;

/// The open connections of a server.
#[derive(Debug)]
pub(crate) struct Connections {
    limit: usize,
    stopping: AtomicBool,
    // A lock of the standard library is right here: it is never held while a tasklet waits.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    served: HashMap<u64, Arc<Shared>>,
    next_key: u64,
    /// Connections over the limit that are being told so.
    turned_away: usize,
}

/// What a connection shares with the one who stops it.
#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    idle: AtomicBool,
}

/// What is done with a new connection.
#[derive(Debug)]
pub(crate) enum Admission<'c> {
    Served(Served<'c>),
    /// There are too many. This one may be told.
    TurnedAway(TurnedAway<'c>),
    /// There are too many even to tell them.
    Dropped,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Connections {
        Connections { limit, stopping: AtomicBool::new(false), table: Mutex::default() }
    }

    pub(crate) fn admit(&self, stream: TcpStream) -> Admission<'_> {
        let mut table = self.table();
        if table.served.len() < self.limit {
            let key = table.next_key;
            table.next_key += 1;
            let shared = Arc::new(Shared { stream, idle: AtomicBool::new(false) });
            table.served.insert(key, Arc::clone(&shared));
            Admission::Served(Served { connections: self, key, shared })
        } else if table.turned_away < self.limit {
            table.turned_away += 1;
            Admission::TurnedAway(TurnedAway { connections: self, stream })
        } else {
            Admission::Dropped
        }
    }

    /// Ends what is idle, and makes the rest end when it is done.
    pub(crate) fn stop(&self) {
        // Step a. Pairs with steps 1 and 2 in `Served::while_idle`.
        self.stopping.store(true, Ordering::SeqCst);
        for shared in self.table().served.values() {
            // Step b.
            if shared.idle.load(Ordering::SeqCst) {
                shared.stop_receiving();
            }
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        // Nothing is read on the strength of this; to learn of it late is to serve one more.
        self.stopping.load(Ordering::Relaxed)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No step leaves the table half changed, so a panic in one does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn stop_receiving(&self) {
        // It fails if the peer has ended the connection, which does as well.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// The place of a connection that is served. Given up when dropped.
#[derive(Debug)]
pub(crate) struct Served<'c> {
    connections: &'c Connections,
    key: u64,
    shared: Arc<Shared>,
}

impl Served<'_> {
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.shared.stream
    }

    /// Waits in `read` for what a stop may cut short.
    pub(crate) fn while_idle<T>(&self, read: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        let Shared { stream, idle } = &*self.shared;
        // Steps 1 and 2. They pair with steps a and b in `Connections::stop`.
        idle.store(true, Ordering::SeqCst);
        if self.connections.stopping.load(Ordering::SeqCst) {
            self.shared.stop_receiving();
        }
        let result = read(stream);
        // Nothing is ordered by this. A stop that misses it shuts too late, see above.
        idle.store(false, Ordering::Relaxed);
        result
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.connections.table().served.remove(&self.key);
    }
}

/// The place of a connection that is being told that there is none.
#[derive(Debug)]
pub(crate) struct TurnedAway<'c> {
    connections: &'c Connections,
    stream: TcpStream,
}

impl TurnedAway<'_> {
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for TurnedAway<'_> {
    fn drop(&mut self) {
        self.connections.table().turned_away -= 1;
    }
}
