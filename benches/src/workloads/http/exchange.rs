//! The part of a server that all sides share: what arrived, and what to answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::failure::{Failure, check};

/// What every answer says.
pub(super) const BODY: &[u8] = b"Hello, world!\n";
/// The answer on a connection that is kept.
pub(super) const KEEP: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";
/// The answer on one that is closed after it.
const CLOSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nConnection: close\r\n\r\nHello, world!\n";

/// The largest request that is understood, in bytes.
const BUFFER: usize = 2048;
/// The most header lines that are understood.
const HEADERS: usize = 16;

/// The requests of one connection as they arrive.
pub(super) struct Exchange {
    bytes: [u8; BUFFER],
    filled: usize,
}

/// What to send, and what then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// All bytes of the response.
    pub(super) bytes: &'static [u8],
    /// Whether it is the connection's last.
    pub(super) close: bool,
}

impl Exchange {
    /// Nothing has arrived yet.
    pub(super) fn new() -> Self {
        Self { bytes: [0; BUFFER], filled: 0 }
    }

    /// Where to read to. Never empty after [`Exchange::answer`] returned `Ok(None)`.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// Says that `count` bytes were read into the space.
    pub(super) fn received(&mut self, count: usize) {
        self.filled += count;
    }

    /// The answer to the next whole request that has arrived, if one has.
    pub(super) fn answer(&mut self) -> Result<Option<Answer>, httparse::Error> {
        if self.filled == 0 {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(&self.bytes[..self.filled])? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if self.filled == BUFFER => return Err(httparse::Error::TooManyHeaders),
            httparse::Status::Partial => return Ok(None),
        };
        let asks_to_close = |header: &httparse::Header<'_>| {
            header.name.eq_ignore_ascii_case("connection") && header.value.eq_ignore_ascii_case(b"close")
        };
        let close = request.headers.iter().any(asks_to_close);
        self.bytes.copy_within(length..self.filled, 0);
        self.filled -= length;
        Ok(Some(Answer { bytes: if close { CLOSE } else { KEEP }, close }))
    }
}

/// Asks a server three times, the last time to close, and checks all of the answers.
pub(super) fn try_out(server: SocketAddr) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    for _ in 0..2 {
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: {server}\r\n\r\n").as_bytes())?;
        let mut answer = vec![0; KEEP.len()];
        stream.read_exact(&mut answer)?;
        check_answer(&answer, KEEP)?;
    }
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    check_answer(&answer, CLOSE)
}

/// Fails unless an answer is the expected one but for the order of its headers and their case.
fn check_answer(found: &[u8], expected: &[u8]) -> Result<(), Failure> {
    let parts = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n").map(str::to_lowercase);
        let status = lines.next();
        let mut headers: Vec<String> = lines.collect();
        headers.sort();
        (status, headers, body.to_string())
    };
    check("the answer", parts(found), parts(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_may_be_in_any_order_and_case() {
        let other = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\ncontent-type: text/plain\r\n\r\nHello, world!\n";
        assert_eq!(check_answer(other, CLOSE), Ok(()));
        assert!(check_answer(other, KEEP).is_err());
        let mut body = KEEP.to_vec();
        body.make_ascii_lowercase();
        assert!(check_answer(&body, KEEP).is_err());
        assert!(check_answer(&CLOSE[..CLOSE.len() - 1], CLOSE).is_err());
    }

    fn arrive(exchange: &mut Exchange, bytes: &[u8]) {
        exchange.space()[..bytes.len()].copy_from_slice(bytes);
        exchange.received(bytes.len());
    }

    #[test]
    fn requests_may_arrive_in_pieces_and_together() {
        let mut exchange = Exchange::new();
        arrive(&mut exchange, b"GET / HTTP/1.1\r\nHo");
        assert_eq!(exchange.answer(), Ok(None));
        arrive(&mut exchange, b"st: x\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(exchange.answer(), Ok(Some(Answer { bytes: KEEP, close: false })));
        assert_eq!(exchange.answer(), Ok(Some(Answer { bytes: CLOSE, close: true })));
        assert_eq!(exchange.answer(), Ok(None));
    }

    #[test]
    fn a_request_that_never_ends_is_refused() {
        let mut exchange = Exchange::new();
        arrive(&mut exchange, b"GET / HTTP/1.1\r\nX: ");
        let rest = exchange.space().len();
        arrive(&mut exchange, &vec![b'x'; rest]);
        assert!(exchange.answer().is_err());
    }
}
