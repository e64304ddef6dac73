//! The server on hyper and tokio: its HTTP/1 connection with a service function, a task for each connection, as in its own examples.
//!
//! hyper parses the request and makes the response itself; nothing of `exchange.rs` takes part. It would add a `Date`, which the
//! others do not send, so that is switched off; the names of headers are in lower case, and `connection` comes first.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::exchange::BODY;
use crate::failure::Failure;
use crate::runtimes;

/// Starts the server on a thread of its own and returns its address.
pub(super) fn serve(workers: usize) -> Result<SocketAddr, Failure> {
    runtimes::serve_on_tokio(workers, |stream| {
        http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service_fn(hello))
    })
}

/// The answer to every request. hyper adds the length, and what becomes of the connection.
async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}
