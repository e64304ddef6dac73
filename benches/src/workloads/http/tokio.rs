//! The server on tokio: a task for each connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::exchange::Exchange;
use crate::failure::Failure;
use crate::runtimes;

/// Starts the server on a thread of its own and returns its address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    let runtime = runtimes::tokio(workers)?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let accepting = runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that breaks off ends its connection and nothing else.
            tokio::spawn(answer(stream));
        }
    });
    std::thread::spawn(move || runtime.block_on(accepting));
    Ok(address)
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
