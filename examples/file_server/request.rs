//! Reading the head of a request.

use std::mem::MaybeUninit;

use crate::status::Status;

/// The most header fields a request may have.
const MAX_FIELDS: usize = 64;

/// The longest body that is read and thrown away; this server has no use for any.
const MAX_BODY: u64 = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    /// One that files do not have.
    Other,
}

/// What a client wants, as it stands in the bytes received.
#[derive(Debug)]
pub(crate) struct Request<'b> {
    pub(crate) method: Method,
    /// The method, target and version as they were sent.
    pub(crate) line: RequestLine<'b>,
    /// The client wants to use the connection again.
    pub(crate) keep_alive: bool,
    /// How many bytes follow the head. At most [`MAX_BODY`].
    pub(crate) body_length: u64,
    /// The client sends its body only when it is told to.
    pub(crate) expects_continue: bool,
    pub(crate) range: Option<&'b str>,
    pub(crate) if_range: Option<&'b str>,
    pub(crate) if_none_match: Option<&'b str>,
    pub(crate) if_modified_since: Option<&'b str>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLine<'b> {
    pub(crate) method: &'b str,
    pub(crate) target: &'b str,
    /// The `x` of `HTTP/1.x`: 0 or 1.
    pub(crate) minor_version: u8,
}

/// What the bytes received so far amount to.
#[derive(Debug)]
pub(crate) enum Parsed<'b> {
    /// The start of a head.
    Partial,
    /// A head of `length` bytes.
    Complete { request: Request<'b>, length: usize },
    /// No request this server can go on after: where the next one starts is not known.
    Refused(Status),
}

/// Parses the head at the start of `received`.
pub(crate) fn parse(received: &[u8]) -> Parsed<'_> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut []);
    match head.parse_with_uninit_headers(received, &mut fields) {
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Ok(httparse::Status::Complete(length)) => match interpret(&head) {
            Ok(request) => Parsed::Complete { request, length },
            Err(status) => Parsed::Refused(status),
        },
        Err(error) => Parsed::Refused(refusal(error, received)),
    }
}

/// The answer to a head that fills all the room there is without ending.
pub(crate) fn too_long(received: &[u8]) -> Status {
    if received.contains(&b'\n') { Status::RequestHeaderFieldsTooLarge } else { Status::UriTooLong }
}

fn refusal(error: httparse::Error, received: &[u8]) -> Status {
    match error {
        httparse::Error::TooManyHeaders => Status::RequestHeaderFieldsTooLarge,
        httparse::Error::Version => {
            let line = received.split(|&byte| byte == b'\n').find(|line| line.len() > 1);
            let version = line.and_then(|line| line.rsplit(|&byte| byte == b' ').next());
            match version {
                Some(version) if version.starts_with(b"HTTP/") => Status::VersionNotSupported,
                _ => Status::BadRequest,
            }
        }
        _ => Status::BadRequest,
    }
}

fn interpret<'b>(head: &httparse::Request<'_, 'b>) -> Result<Request<'b>, Status> {
    let (Some(method), Some(target), Some(minor_version)) = (head.method, head.path, head.version) else {
        return Err(Status::BadRequest);
    };
    let mut request = Request {
        method: match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        },
        line: RequestLine { method, target, minor_version },
        keep_alive: minor_version == 1,
        body_length: 0,
        expects_continue: false,
        range: None,
        if_range: None,
        if_none_match: None,
        if_modified_since: None,
    };
    let mut hosts = 0;
    let mut length = None;
    let mut encoded = false;
    let mut close = false;
    for field in &*head.headers {
        let text = str::from_utf8(field.value).ok();
        let is = |name| field.name.eq_ignore_ascii_case(name);
        // By length first: each name is then compared with one or two others.
        match field.name.len() {
            4 if is("Host") => hosts += 1,
            5 if is("Range") => request.range = text,
            6 if is("Expect") => {
                request.expects_continue = text.is_some_and(|text| text.eq_ignore_ascii_case("100-continue"));
            }
            8 if is("If-Range") => request.if_range = text,
            10 if is("Connection") => {
                for option in text.unwrap_or_default().split(',').map(str::trim) {
                    close |= option.eq_ignore_ascii_case("close");
                    request.keep_alive |= option.eq_ignore_ascii_case("keep-alive");
                }
            }
            13 if is("If-None-Match") => request.if_none_match = text,
            // A length given twice may mean two things to two readers, so that what one takes for
            // a body is a request to the other.
            14 if is("Content-Length") && length.is_some() => return Err(Status::BadRequest),
            14 if is("Content-Length") => length = Some(body_length(field.value)?),
            17 if is("If-Modified-Since") => request.if_modified_since = text,
            17 if is("Transfer-Encoding") => encoded = true,
            _ => {}
        }
    }
    if hosts > 1 || (hosts == 0 && minor_version == 1) {
        return Err(Status::BadRequest);
    }
    if encoded {
        // Both at once is how requests are smuggled; HTTP/1.0 knows no encodings.
        let ambiguous = length.is_some() || minor_version == 0;
        return Err(if ambiguous { Status::BadRequest } else { Status::NotImplemented });
    }
    request.body_length = length.unwrap_or(0);
    if request.body_length > MAX_BODY {
        return Err(Status::ContentTooLarge);
    }
    request.keep_alive &= !close;
    Ok(request)
}

fn body_length(value: &[u8]) -> Result<u64, Status> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Status::BadRequest);
    }
    // Digits alone fail only by being too many.
    let length = str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
    Ok(length.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str) -> Request<'_> {
        match parse(head.as_bytes()) {
            Parsed::Complete { request, length } => {
                assert_eq!(length, head.len());
                request
            }
            other => panic!("{head:?} gave {other:?}"),
        }
    }

    fn refused(head: impl AsRef<[u8]>) -> Status {
        match parse(head.as_ref()) {
            Parsed::Refused(status) => status,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_plain_request_is_understood() {
        let request = request("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(request.method, Method::Get);
        assert_eq!(request.line.target, "/a?b");
        assert_eq!((request.keep_alive, request.body_length), (true, 0));
    }

    #[test]
    fn every_shorter_start_is_partial() {
        let head = "HEAD / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n";
        for end in 0..head.len() {
            assert!(matches!(parse(&head.as_bytes()[..end]), Parsed::Partial), "{end}");
        }
        assert_eq!(request(head).range, Some("bytes=0-1"));
    }

    #[test]
    fn what_follows_a_head_is_left_alone() {
        let two = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /next";
        assert!(matches!(parse(two), Parsed::Complete { length: 27, .. }));
    }

    #[test]
    fn connections_are_kept_as_the_client_wants() {
        for (head, kept) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive, CLOSE\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\r\n", true),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
            ("GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false),
        ] {
            assert_eq!(request(head).keep_alive, kept, "{head:?}");
        }
    }

    #[test]
    fn bodies_are_measured() {
        let length = |fields: &str| format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        let head = length("Content-Length: 11\r\nExpect: 100-continue\r\n");
        assert_eq!(request(&head).body_length, 11);
        assert!(request(&head).expects_continue);
        for (fields, status) in [
            ("Content-Length: 65537\r\n", Status::ContentTooLarge),
            ("Content-Length: 99999999999999999999999\r\n", Status::ContentTooLarge),
            ("Content-Length: -1\r\n", Status::BadRequest),
            ("Content-Length: +1\r\n", Status::BadRequest),
            ("Content-Length:\r\n", Status::BadRequest),
            ("Content-Length: 1, 1\r\n", Status::BadRequest),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Status::BadRequest),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Status::BadRequest),
            ("Transfer-Encoding: chunked\r\n", Status::NotImplemented),
        ] {
            assert_eq!(refused(length(fields)), status, "{fields:?}");
        }
    }

    #[test]
    fn a_host_is_named_once() {
        assert_eq!(refused("GET / HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"), Status::BadRequest);
    }

    #[test]
    fn versions_other_than_1_are_not_spoken() {
        assert_eq!(refused("GET / HTTP/2.0\r\n\r\n"), Status::VersionNotSupported);
        assert_eq!(refused("\r\nGET / HTTP/0.9\r\n\r\n"), Status::VersionNotSupported);
        assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Status::VersionNotSupported);
        assert_eq!(refused("GET / FTP/1.1\r\n\r\n"), Status::BadRequest);
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Status::BadRequest);
        assert_eq!(refused("GET /\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("G@T / HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("GET /\0 HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("GET / HTTP/1.1\r\nBad Name: x\r\n\r\n"), Status::BadRequest);
        assert_eq!(refused("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), Status::BadRequest);
    }

    #[test]
    fn heads_have_limits() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
        assert_eq!(refused(many), Status::RequestHeaderFieldsTooLarge);
        assert_eq!(too_long(b"GET /aaaaaaaa"), Status::UriTooLong);
        assert_eq!(too_long(b"GET / HTTP/1.1\r\nA: b"), Status::RequestHeaderFieldsTooLarge);
    }
}
