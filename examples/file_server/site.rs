//! The answer to each request.

use std::ffi::CString;
use std::fs::{File, Metadata};
use std::io;
use std::sync::Arc;

use mime_guess::MimeGuess;

use crate::content::Content;
use crate::listing;
use crate::path::SitePath;
use crate::range::{self, Wanted};
use crate::request::{Method, Request};
use crate::response::Response;
use crate::root::Root;
use crate::status::Status;
use crate::validators::Validators;

/// The file that stands for its directory.
const INDEX: &str = "index.html";

/// A directory as HTTP shows it.
#[derive(Debug)]
pub(crate) struct Site {
    root: Arc<Root>,
}

impl Site {
    pub(crate) fn new(root: Root) -> Site {
        Site { root: Arc::new(root) }
    }

    /// Answers a request. May suspend the tasklet, but does not block its worker.
    pub(crate) fn respond(&self, request: &Request<'_>) -> Response {
        if request.method == Method::Other {
            return Response::plain(Status::MethodNotAllowed).with("Allow", "GET, HEAD");
        }
        let Ok((path, query)) = SitePath::from_target(request.line.target) else {
            return Response::plain(Status::BadRequest);
        };
        let found = if path.is_directory() { self.directory(&path, request) } else { self.file(&path, query, request) };
        found.unwrap_or_else(|error| Response::plain(status_of(&error)))
    }

    fn file(&self, path: &SitePath, query: &str, request: &Request<'_>) -> io::Result<Response> {
        let (file, metadata) = self.open(path.to_open())?;
        if metadata.is_dir() {
            let location = path.with_slash(query);
            return Ok(Response::plain(Status::MovedPermanently).with("Location", location));
        }
        send_file(file, &metadata, content_type(mime_guess::from_path(path.as_path())), request)
    }

    fn directory(&self, path: &SitePath, request: &Request<'_>) -> io::Result<Response> {
        match self.open(path.to_open_within(INDEX)) {
            Ok((file, metadata)) if metadata.is_file() => {
                let kind = content_type(mime_guess::from_path(INDEX));
                return send_file(file, &metadata, kind, request);
            }
            Err(error) if status_of(&error) != Status::NotFound => return Err(error),
            _ => {}
        }
        let (directory, metadata) = self.open(path.to_open())?;
        if !metadata.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (title, is_root) = (path.title(), path.is_root());
        let page = tasklets::unblock(move || listing::page(&directory, &title, is_root))?;
        Ok(Response::page(page))
    }

    /// Opens what is at `path`, here if that takes no waiting.
    fn open(&self, path: CString) -> io::Result<(File, Metadata)> {
        let file = match self.root.open_without_waiting(&path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let root = Arc::clone(&self.root);
                tasklets::unblock(move || root.open(&path))
            }
            result => result,
        }?;
        // Of the open file, not of the path: what is at the path can have changed.
        let metadata = file.metadata()?;
        Ok((file, metadata))
    }
}

fn send_file(
    file: File,
    metadata: &Metadata,
    content_type: &'static str,
    request: &Request<'_>,
) -> io::Result<Response> {
    // Pipes, sockets and devices are not for reading by strangers.
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let length = metadata.len();
    let validators = Validators::of(metadata);
    if validators.already_known(request) {
        return Ok(Response::not_modified(validators));
    }
    // Only GET has ranges.
    let range = request.range.filter(|_| request.method == Method::Get);
    let wanted = match range {
        Some(range) if validators.range_applies(request) => range::wanted(range, length),
        _ => Wanted::Whole,
    };
    Ok(match wanted {
        Wanted::Whole => {
            let content = Content::new(file, 0, length);
            Response::file(Status::Ok, content_type, validators, content)
        }
        Wanted::Part(part) => {
            let content = Content::new(file, part.start, part.end - part.start);
            Response::file(Status::PartialContent, content_type, validators, content)
                .with("Content-Range", format_args!("bytes {}-{}/{length}", part.start, part.end - 1))
        }
        Wanted::Nothing => {
            Response::plain(Status::RangeNotSatisfiable).with("Content-Range", format_args!("bytes */{length}"))
        }
    })
}

/// The value of `Content-Type`. Text is declared to be UTF-8, as most of it is today; without a
/// word browsers take it for an older encoding.
fn content_type(guess: MimeGuess) -> &'static str {
    match guess.first_raw().unwrap_or("application/octet-stream") {
        "text/html" => "text/html; charset=utf-8",
        "text/plain" => "text/plain; charset=utf-8",
        "text/css" => "text/css; charset=utf-8",
        "text/javascript" => "text/javascript; charset=utf-8",
        "text/markdown" => "text/markdown; charset=utf-8",
        "text/csv" => "text/csv; charset=utf-8",
        "text/xml" => "text/xml; charset=utf-8",
        other => other,
    }
}

/// What to tell a client of a file that could not be opened or read.
fn status_of(error: &io::Error) -> Status {
    match error.raw_os_error() {
        // Also a path that leads out of the directory (EXDEV) and one that is no file at all
        // (ENXIO): a client is not told what there is that it may not have.
        Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENAMETOOLONG | libc::EXDEV | libc::ENXIO) => {
            Status::NotFound
        }
        Some(libc::EACCES | libc::EPERM) => Status::Forbidden,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EAGAIN) => Status::ServiceUnavailable,
        None if error.kind() == io::ErrorKind::NotFound => Status::NotFound,
        _ => Status::InternalServerError,
    }
}
