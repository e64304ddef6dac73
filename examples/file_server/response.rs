//! What a request is answered with, and how that is written.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use crate::content::Content;
use crate::date::HttpDate;
use crate::status::Status;
use crate::validators::Validators;

/// An answer: a head to be written, and where the body comes from.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: Status,
    content_type: &'static str,
    validators: Option<Validators>,
    /// Further header fields, each with its line end.
    fields: String,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// None, and no length either: 304 says nothing of the file it does not send.
    None,
    Text(String),
    File(Content),
}

/// What becomes of the connection, as far as the client must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It stays open, which in HTTP/1.1 goes without saying.
    Open,
    /// It stays open, which an HTTP/1.0 client that asked for it must hear.
    OpenSaySo,
    Close,
}

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

impl Response {
    /// An answer that is its own explanation.
    pub(crate) fn plain(status: Status) -> Response {
        Response {
            status,
            content_type: PLAIN_TEXT,
            validators: None,
            fields: String::new(),
            body: Body::Text(format!("{status}\n")),
        }
    }

    pub(crate) fn page(html: String) -> Response {
        Response { content_type: "text/html; charset=utf-8", body: Body::Text(html), ..Response::plain(Status::Ok) }
    }

    /// A file, or a part of it.
    pub(crate) fn file(
        status: Status,
        content_type: &'static str,
        validators: Validators,
        content: Content,
    ) -> Response {
        Response {
            status,
            content_type,
            validators: Some(validators),
            fields: String::new(),
            body: Body::File(content),
        }
    }

    pub(crate) fn not_modified(validators: Validators) -> Response {
        Response {
            status: Status::NotModified,
            content_type: PLAIN_TEXT,
            validators: Some(validators),
            fields: String::new(),
            body: Body::None,
        }
    }

    /// Adds a header field.
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Response {
        write!(self.fields, "{name}: {value}\r\n").expect("a String takes everything");
        self
    }

    /// The length of the body in bytes.
    pub(crate) fn length(&self) -> u64 {
        match &self.body {
            Body::None => 0,
            Body::Text(text) => text.len() as u64,
            Body::File(content) => content.remaining(),
        }
    }

    /// Appends the head to `output`, and the body unless only the head is wanted. Of a file nothing
    /// is read yet: it is returned, to be sent after `output`.
    pub(crate) fn write(self, output: &mut Vec<u8>, persistence: Persistence, head_only: bool) -> Option<Content> {
        output.reserve(256 + self.fields.len());
        self.write_head(output, persistence).expect("a Vec takes everything");
        match self.body {
            Body::Text(text) if !head_only => output.extend_from_slice(text.as_bytes()),
            Body::File(content) if !head_only => return Some(content),
            _ => {}
        }
        None
    }

    fn write_head(&self, output: &mut Vec<u8>, persistence: Persistence) -> io::Result<()> {
        write!(output, "HTTP/1.1 {}\r\nDate: {}\r\n", self.status.line(), HttpDate::now())?;
        if !matches!(self.body, Body::None) {
            let (length, kind) = (self.length(), self.content_type);
            write!(output, "Content-Length: {length}\r\nContent-Type: {kind}\r\n")?;
        }
        if let Some(validators) = &self.validators {
            write!(output, "Accept-Ranges: bytes\r\nETag: {}\r\n", validators.etag())?;
            if let Some(date) = validators.last_modified() {
                write!(output, "Last-Modified: {date}\r\n")?;
            }
        }
        output.extend_from_slice(self.fields.as_bytes());
        output.extend_from_slice(match persistence {
            Persistence::Open => b"\r\n",
            Persistence::OpenSaySo => b"Connection: keep-alive\r\n\r\n",
            Persistence::Close => b"Connection: close\r\n\r\n",
        });
        Ok(())
    }
}
