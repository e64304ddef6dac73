//! One connection, from its first byte to its last.
//!
//! The code reads as if it had a thread to itself: it reads, answers and writes, and where the
//! client lets it wait, it waits. That is what tasklets are for.
//!
//! What an idle connection costs is what its tasklet keeps while it waits in [`run`](Connection::run):
//! a small input buffer, and of its stack as much as was touched. Whatever needs more, of heap or of
//! stack, is kept out of that function and of the one it waits in.

use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::time::Instant;

use crate::connections::Served;
use crate::content::Content;
use crate::goodbye;
use crate::input::Input;
use crate::log;
use crate::request::{self, Method, Parsed, Request};
use crate::response::{Persistence, Response};
use crate::server::Server;
use crate::status::Status;

/// How much is gathered before it is written: files are sent in pieces of this size, and the
/// answers to pipelined requests together.
const WRITE_SIZE: usize = 64 * 1024;

/// How it goes on after some requests were answered.
enum Next {
    /// With the next request, when it comes.
    Wait,
    /// The client knows that this is the end.
    Close,
    /// The client may be sending still.
    SayGoodbye,
}

/// What waiting for more of a request led to.
enum Received {
    Some,
    /// The end of the stream.
    End,
    /// The deadline, and not enough before it.
    TooLate,
}

/// A connection that is served.
pub(crate) struct Connection<'s> {
    server: &'s Server,
    place: Served<'s>,
    client: IpAddr,
    input: Input,
    /// Written, but not sent.
    output: Vec<u8>,
    /// When no more requests are answered; known once the server is stopping.
    end: Option<Instant>,
}

impl<'s> Connection<'s> {
    pub(crate) fn new(server: &'s Server, place: Served<'s>, client: IpAddr) -> Connection<'s> {
        Connection { server, place, client, input: Input::new(), output: Vec::new(), end: None }
    }

    /// Answers requests until the connection ends. Fails if the client is gone before.
    pub(crate) fn run(mut self) -> io::Result<()> {
        // Responses leave in whole pieces already, so the kernel need not wait for more.
        self.place.stream().set_nodelay(true)?;
        self.place.stream().set_write_timeout(Some(self.server.timeouts.write))?;
        while self.wait_for_request()? {
            match self.answer_requests()? {
                Next::Wait => {}
                Next::Close => break,
                Next::SayGoodbye => return goodbye::close(self.place.stream()),
            }
        }
        Ok(())
    }

    /// Waits, at no great cost, until something arrives. False if nothing will.
    fn wait_for_request(&mut self) -> io::Result<bool> {
        self.input.shrink();
        self.output = Vec::new();
        self.place.stream().set_read_timeout(Some(self.server.timeouts.idle))?;
        match self.place.while_idle(|stream| self.input.fill(stream)) {
            Ok(count) => Ok(count > 0),
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Answers all that has arrived.
    // Not inlined, so that its frame is not on the stack while the connection is idle.
    #[inline(never)]
    fn answer_requests(&mut self) -> io::Result<Next> {
        loop {
            self.input.skip_empty_lines();
            if self.input.is_empty() {
                self.flush()?;
                return Ok(Next::Wait);
            }
            let deadline = Instant::now() + self.server.timeouts.request;
            match self.answer_request(deadline)? {
                Next::Wait => {}
                end => {
                    self.flush()?;
                    return Ok(end);
                }
            }
        }
    }

    /// Answers one request, of which at least a byte has arrived.
    fn answer_request(&mut self, deadline: Instant) -> io::Result<Next> {
        loop {
            match request::parse(self.input.unread()) {
                Parsed::Complete { request, length } => {
                    let response = self.server.site.respond(&request);
                    let line = self.log_line(Some(&request), &response);
                    let terms = Terms::of(&request);
                    self.input.consume(length);
                    if !self.receive_body(&terms, deadline)? {
                        return Ok(self.refuse(Status::RequestTimeout));
                    }
                    self.record(line);
                    return self.respond(response, &terms);
                }
                Parsed::Refused(status) => return Ok(self.refuse(status)),
                Parsed::Partial if self.input.is_full() => {
                    let status = request::too_long(self.input.unread());
                    return Ok(self.refuse(status));
                }
                Parsed::Partial => match self.receive(deadline)? {
                    Received::Some => {}
                    Received::End => return Ok(Next::Close),
                    Received::TooLate => return Ok(self.refuse(Status::RequestTimeout)),
                },
            }
        }
    }

    fn respond(&mut self, response: Response, terms: &Terms) -> io::Result<Next> {
        let is_last = self.server.connections.is_stopping() && self.may_end();
        let persistence = match terms.keep_alive && !terms.expects_continue && !is_last {
            false => Persistence::Close,
            true if terms.is_old => Persistence::OpenSaySo,
            true => Persistence::Open,
        };
        if let Some(content) = response.write(&mut self.output, persistence, terms.head_only) {
            self.send_file(content)?;
        }
        // Less than a full piece waits for more, or for the end of the requests at hand.
        if self.output.len() >= WRITE_SIZE {
            self.flush()?;
        }
        Ok(match persistence {
            Persistence::Open | Persistence::OpenSaySo => Next::Wait,
            // It is the client's wish, and there is nothing more to come.
            Persistence::Close if !terms.keep_alive && !terms.expects_continue && self.input.is_empty() => Next::Close,
            Persistence::Close => Next::SayGoodbye,
        })
    }

    /// When the server is stopping: can this response be the last?
    fn may_end(&mut self) -> bool {
        // Requests that have begun to arrive are answered too, but not of a client without end.
        let end = *self.end.get_or_insert_with(|| Instant::now() + self.server.timeouts.request);
        self.input.is_empty() || Instant::now() >= end
    }

    /// Answers what is no request, or none to go on after.
    fn refuse(&mut self, status: Status) -> Next {
        let response = Response::plain(status);
        self.record(self.log_line(None, &response));
        response.write(&mut self.output, Persistence::Close, false);
        Next::SayGoodbye
    }

    /// `None` unless there is a log. Made while the request is at hand, recorded when it is answered.
    fn log_line(&self, request: Option<&Request<'_>>, response: &Response) -> Option<String> {
        let request = request.map(|request| &request.line);
        let line = || log::line(self.client, request, response.status, response.length());
        self.server.log.is_some().then(line)
    }

    fn record(&self, line: Option<String>) {
        if let Some((log, line)) = self.server.log.as_ref().zip(line) {
            log.record(line);
        }
    }

    /// Sends a file in pieces. A small one is only put with its head, to leave in one write.
    fn send_file(&mut self, mut content: Content) -> io::Result<()> {
        while content.remaining() > 0 {
            if self.output.len() >= WRITE_SIZE {
                self.flush()?;
                // A client that reads fast enough would never let this tasklet wait.
                tasklets::yield_now();
            }
            let limit = WRITE_SIZE - self.output.len();
            content.read_into(&mut self.output, limit)?;
        }
        Ok(())
    }

    /// Receives the body of a request and throws it away. False if it does not come in time.
    fn receive_body(&mut self, terms: &Terms, deadline: Instant) -> io::Result<bool> {
        // A body that waits for a word of ours is not asked for: there is no use for it.
        let mut length = if terms.expects_continue { 0 } else { terms.body_length };
        loop {
            let here = self.input.unread().len();
            let used = usize::try_from(length).map_or(here, |length| length.min(here));
            self.input.consume(used);
            length -= used as u64;
            if length == 0 {
                return Ok(true);
            }
            match self.receive(deadline)? {
                Received::Some => {}
                Received::End => return Err(ErrorKind::UnexpectedEof.into()),
                Received::TooLate => return Ok(false),
            }
        }
    }

    /// Waits for some more of a request.
    fn receive(&mut self, deadline: Instant) -> io::Result<Received> {
        // The client may be waiting for these before it sends the rest.
        self.flush()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Received::TooLate);
        }
        let stream = self.place.stream();
        stream.set_read_timeout(Some(left))?;
        match self.input.fill(stream) {
            Ok(0) => Ok(Received::End),
            Ok(_) => Ok(Received::Some),
            Err(error) if is_timeout(&error) => Ok(Received::TooLate),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = self.place.stream();
        stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }
}

/// What still matters of a request when its bytes are used up.
struct Terms {
    head_only: bool,
    keep_alive: bool,
    /// HTTP/1.0.
    is_old: bool,
    body_length: u64,
    expects_continue: bool,
}

impl Terms {
    fn of(request: &Request<'_>) -> Terms {
        Terms {
            head_only: request.method == Method::Head,
            keep_alive: request.keep_alive,
            is_old: request.line.minor_version == 0,
            body_length: request.body_length,
            expects_continue: request.expects_continue,
        }
    }
}

/// Sockets report an expired timeout as one or the other.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
