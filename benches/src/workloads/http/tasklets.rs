//! The server on ours: a tasklet for each connection, in blocking style.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};

use tasklets::net::{TcpListener, TcpStream};

use super::exchange::Exchange;
use crate::failure::Failure;
use crate::runtimes;

/// Starts the server on a thread of its own and returns its address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    let runtime = runtimes::tasklets(workers)?;
    let (sender, address) = channel();
    std::thread::spawn(move || {
        runtime.run(|| {
            if let Err(error) = listen(&sender) {
                let _ = sender.send(Err(error));
            }
        });
    });
    Ok(address.recv()??)
}

/// Listens, tells where, and serves until the process ends.
fn listen(address: &Sender<io::Result<SocketAddr>>) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let local = listener.local_addr()?;
    let serving = tasklets::net::serve(listener, |stream, _| {
        // A client that breaks off ends its connection and nothing else.
        let _ = answer(stream);
    })?;
    let _ = address.send(Ok(local));
    serving.join()
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
