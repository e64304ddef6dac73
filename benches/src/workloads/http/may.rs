//! The server on may: a coroutine for each connection.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use may::net::{TcpListener, TcpStream};

use super::exchange::Exchange;
use crate::failure::Failure;
use crate::runtimes;

/// Starts the server and returns its address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    runtimes::may(workers);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    drop(may::go!(move || {
        while let Ok((stream, _)) = listener.accept() {
            // A client that breaks off ends its connection and nothing else.
            drop(may::go!(move || answer(stream)));
        }
    }));
    Ok(address)
}

/// The life of one connection.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut exchange = Exchange::new();
    loop {
        let count = stream.read(exchange.space())?;
        if count == 0 {
            return Ok(());
        }
        exchange.received(count);
        while let Some(answer) = exchange.answer().map_err(io::Error::other)? {
            stream.write_all(answer.bytes)?;
            if answer.close {
                return Ok(());
            }
        }
    }
}
