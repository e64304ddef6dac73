//! What all connections share, and the place where each one starts.

use std::io::{self, Write};
use std::net::SocketAddr;

use tasklets::net::TcpStream;

use crate::connection::Connection;
use crate::connections::{Admission, Connections};
use crate::goodbye;
use crate::log::AccessLog;
use crate::options::Timeouts;
use crate::response::{Persistence, Response};
use crate::site::Site;
use crate::status::Status;

/// A server without its listener.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) site: Site,
    pub(crate) connections: Connections,
    pub(crate) timeouts: Timeouts,
    pub(crate) log: Option<AccessLog>,
}

impl Server {
    /// Serves a new connection until it ends.
    pub(crate) fn serve(&self, stream: TcpStream, client: SocketAddr) {
        // What fails below is a read or a write: the client is gone, and nobody is left to be told.
        let _ = match self.connections.admit(stream) {
            Admission::Served(place) => Connection::new(self, place, client.ip()).run(),
            Admission::TurnedAway(place) => self.turn_away(place.stream()),
            Admission::Dropped => Ok(()),
        };
    }

    #[cold]
    #[inline(never)]
    fn turn_away(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut output = Vec::new();
        let response = Response::plain(Status::ServiceUnavailable).with("Retry-After", 1);
        response.write(&mut output, Persistence::Close, false);
        stream.set_write_timeout(Some(self.timeouts.write))?;
        stream.write_all(&output)?;
        goodbye::close(stream)
    }
}
