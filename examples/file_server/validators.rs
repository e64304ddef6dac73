//! `ETag` and `Last-Modified`: how a client tells that the copy it has is still good.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use crate::date::HttpDate;
use crate::request::Request;

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validators {
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Validators {
    pub(crate) fn of(metadata: &Metadata) -> Validators {
        Validators { length: metadata.len(), seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() }
    }

    /// When the file was last written, if HTTP can say it.
    pub(crate) fn last_modified(&self) -> Option<HttpDate> {
        HttpDate::from_unix_seconds(self.seconds)
    }

    /// The entity tag, in its quotes.
    pub(crate) fn etag(&self) -> EntityTag {
        EntityTag(*self)
    }

    /// Does the client, by its own word, have this version?
    pub(crate) fn already_known(&self, request: &Request<'_>) -> bool {
        // A tag says more than a date, so where there is a tag the date does not count.
        if let Some(tags) = request.if_none_match {
            let own = self.etag().to_string();
            return tags
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own);
        }
        let since = request.if_modified_since.and_then(HttpDate::parse);
        since.zip(self.last_modified()).is_some_and(|(since, modified)| modified <= since)
    }

    /// May a part of the file be sent, to be joined with what the client has?
    pub(crate) fn range_applies(&self, request: &Request<'_>) -> bool {
        // The date is compared as text: only the very date that was sent before will do.
        request.if_range.is_none_or(|validator| {
            validator == self.etag().to_string()
                || self.last_modified().is_some_and(|date| date.to_string() == validator)
        })
    }
}

/// Written as an `ETag` field has it.
#[derive(Debug)]
pub(crate) struct EntityTag(Validators);

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Validators { length, seconds, nanoseconds } = self.0;
        write!(f, "\"{seconds:x}.{nanoseconds:x}-{length:x}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{self, Parsed};

    const FILE: Validators = Validators { length: 16, seconds: 784_111_777, nanoseconds: 255 };
    const TAG: &str = "\"2ebc98a1.ff-10\"";

    fn with_request<T>(field: &str, test: impl FnOnce(&Request<'_>) -> T) -> T {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n");
        match request::parse(head.as_bytes()) {
            Parsed::Complete { request, .. } => test(&request),
            other => panic!("{head:?} gave {other:?}"),
        }
    }

    #[test]
    fn copies_that_are_good_are_known() {
        assert_eq!(FILE.etag().to_string(), TAG);
        for (field, known) in [
            ("A: b".to_owned(), false),
            (format!("If-None-Match: {TAG}"), true),
            (format!("If-None-Match: \"x\", W/{TAG}"), true),
            ("If-None-Match: *".to_owned(), true),
            ("If-None-Match: \"x\"".to_owned(), false),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), true),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT".to_owned(), false),
            ("If-Modified-Since: yesterday".to_owned(), false),
            ("If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), false),
        ] {
            assert_eq!(with_request(&field, |request| FILE.already_known(request)), known, "{field}");
        }
    }

    #[test]
    fn parts_are_sent_only_of_the_version_the_client_has() {
        for (field, applies) in [
            ("A: b".to_owned(), true),
            (format!("If-Range: {TAG}"), true),
            (format!("If-Range: W/{TAG}"), false),
            ("If-Range: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), true),
            ("If-Range: Sun, 06 Nov 1994 08:49:38 GMT".to_owned(), false),
        ] {
            assert_eq!(with_request(&field, |request| FILE.range_applies(request)), applies, "{field}");
        }
    }
}
