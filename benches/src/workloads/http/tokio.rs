//! The server on tokio: a task for each connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::exchange::Exchange;
use crate::failure::Failure;
use crate::runtimes;

/// Starts the server on a thread of its own and returns its address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    runtimes::serve_on_tokio(workers, answer)
}

/// The life of one connection.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut exchange = Exchange::new();
    loop {
        let count = stream.read(exchange.space()).await?;
        if count == 0 {
            return Ok(());
        }
        exchange.received(count);
        while let Some(answer) = exchange.answer().map_err(io::Error::other)? {
            stream.write_all(answer.bytes).await?;
            if answer.close {
                return Ok(());
            }
        }
    }
}
