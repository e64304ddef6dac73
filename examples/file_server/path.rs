//! From the target of a request to a path below the served directory.
//!
//! What comes out cannot name anything outside by itself: it holds no `..`, does not start at the
//! root, and each of its names is one name, whatever was hidden in escapes. Symbolic links are
//! another matter, see [`root`](crate::root).

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// What a path in a link must have escaped: all but the unreserved characters and the slash.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path below the served directory.
#[derive(Debug, PartialEq)]
pub(crate) struct SitePath {
    /// Decoded names with a slash between each two; empty for the directory itself. Without NUL.
    names: Vec<u8>,
    /// The target ended with a slash.
    directory: bool,
}

/// Why a target is no path.
#[derive(Debug, PartialEq)]
pub(crate) enum BadTarget {
    /// Neither `/path` nor `http://host/path`.
    NotAPath,
    /// A `%` without two hexadecimal digits.
    Escape,
    /// A name is `.` or `..`, which clients resolve themselves.
    Dots,
    /// A name would hold a slash or a NUL, which no file's name can.
    Character,
}

impl SitePath {
    /// Takes a request target apart: the path, and the query with its question mark.
    pub(crate) fn from_target(target: &str) -> Result<(SitePath, &str), BadTarget> {
        let target = without_origin(target)?;
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let mut names = Vec::with_capacity(path.len() + b"/index.html\0".len());
        // Empty names are left out: `//a///b` is `/a/b`, as for the kernel.
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if !names.is_empty() {
                names.push(b'/');
            }
            let start = names.len();
            push_decoded(&mut names, name)?;
            match &names[start..] {
                b"." | b".." => return Err(BadTarget::Dots),
                name if name.iter().any(|byte| matches!(byte, b'/' | 0)) => {
                    return Err(BadTarget::Character);
                }
                _ => {}
            }
        }
        let directory = names.is_empty() || path.ends_with('/');
        Ok((SitePath { names, directory }, query))
    }

    /// Does the target ask for a directory, by the slash at its end?
    pub(crate) fn is_directory(&self) -> bool {
        self.directory
    }

    /// The path for the kernel, relative to the served directory. With a slash at the end if there
    /// was one, so that a file is not taken for a directory.
    pub(crate) fn to_open(&self) -> CString {
        let path = match (&*self.names, self.directory) {
            (b"", _) => b".".to_vec(),
            (names, true) => [names, b"/"].concat(),
            (names, false) => names.to_vec(),
        };
        without_nul(path)
    }

    /// The path of the file `name` in this directory.
    pub(crate) fn to_open_within(&self, name: &str) -> CString {
        let separator = if self.names.is_empty() { "" } else { "/" };
        without_nul([&self.names, separator.as_bytes(), name.as_bytes()].concat())
    }

    /// Where a client should ask instead, if this turned out to be a directory.
    pub(crate) fn with_slash(&self, query: &str) -> String {
        // One slash at the start and no more: `//name/` would send the client to the host `name`.
        format!("/{}/{query}", encode(&self.names))
    }

    /// The path for people, from the root of the site.
    pub(crate) fn title(&self) -> String {
        let slash = if self.directory && !self.names.is_empty() { "/" } else { "" };
        format!("/{}{slash}", String::from_utf8_lossy(&self.names))
    }

    /// The path as its type is guessed from.
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.names))
    }

    /// Is it the served directory itself?
    pub(crate) fn is_root(&self) -> bool {
        self.names.is_empty()
    }
}

/// Bytes of a path as a link spells them.
pub(crate) fn encode(path: &[u8]) -> impl std::fmt::Display {
    percent_encode(path, ESCAPED)
}

/// The target from its path on. Proxies are asked for whole URLs, and servers must know that form.
fn without_origin(target: &str) -> Result<&str, BadTarget> {
    if target.starts_with('/') {
        return Ok(target);
    }
    let (scheme, rest) = target.split_once("://").ok_or(BadTarget::NotAPath)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(BadTarget::NotAPath);
    }
    Ok(rest.find(['/', '?']).map_or("/", |start| &rest[start..]))
}

fn push_decoded(names: &mut Vec<u8>, name: &str) -> Result<(), BadTarget> {
    if !name.contains('%') {
        names.extend_from_slice(name.as_bytes());
        return Ok(());
    }
    // The decoder lets malformed escapes through as they are.
    let well_formed = name.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !well_formed {
        return Err(BadTarget::Escape);
    }
    names.extend(percent_decode(name.as_bytes()));
    Ok(())
}

fn without_nul(path: Vec<u8>) -> CString {
    CString::new(path).expect("no name of a SitePath has a NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(target: &str) -> Result<String, BadTarget> {
        let (path, _) = SitePath::from_target(target)?;
        Ok(path.to_open().into_string().expect("the tests' paths are UTF-8"))
    }

    #[test]
    fn plain_paths_lose_their_first_slash() {
        assert_eq!(path("/"), Ok(".".into()));
        assert_eq!(path("/a"), Ok("a".into()));
        assert_eq!(path("/a/b.txt"), Ok("a/b.txt".into()));
        assert_eq!(path("/a/b/"), Ok("a/b/".into()));
        assert_eq!(path("/..."), Ok("...".into()));
        assert_eq!(path("/.hidden"), Ok(".hidden".into()));
    }

    #[test]
    fn escapes_are_decoded_once() {
        assert_eq!(path("/a%20b"), Ok("a b".into()));
        assert_eq!(path("/%C3%BC"), Ok("\u{fc}".into()));
        assert_eq!(path("/%2541"), Ok("%41".into()));
        assert_eq!(path("/%252e%252e/x"), Ok("%2e%2e/x".into()));
        assert_eq!(path("/a+b"), Ok("a+b".into()));
        assert_eq!(path("/a%3Fb"), Ok("a?b".into()));
    }

    #[test]
    fn slashes_in_a_row_count_once() {
        assert_eq!(path("//etc/passwd"), Ok("etc/passwd".into()));
        assert_eq!(path("///a//b//"), Ok("a/b/".into()));
        assert_eq!(path("//"), Ok(".".into()));
    }

    #[test]
    fn there_is_no_way_up() {
        for target in ["/..", "/../x", "/a/../b", "/a/..", "/%2e%2e/x", "/.%2E/x", "/./x", "/%2e"] {
            assert_eq!(path(target), Err(BadTarget::Dots), "{target}");
        }
        for target in ["/..%2f..", "/..%2F", "/%2fetc%2fpasswd", "/a%00", "/%00", "/a%00.txt"] {
            assert_eq!(path(target), Err(BadTarget::Character), "{target}");
        }
        for target in ["/%", "/%2", "/a%zz", "/%%32%65", "/%+1", "/%2/e"] {
            assert_eq!(path(target), Err(BadTarget::Escape), "{target}");
        }
        for target in ["", "*", "etc/passwd", "../x", "file:///etc/passwd", "host:80"] {
            assert_eq!(path(target), Err(BadTarget::NotAPath), "{target}");
        }
    }

    #[test]
    fn whole_urls_are_cut_to_their_path() {
        assert_eq!(path("http://host/a"), Ok("a".into()));
        assert_eq!(path("HTTP://host:80"), Ok(".".into()));
        assert_eq!(path("http://host?q"), Ok(".".into()));
        assert_eq!(path("http://host/../x"), Err(BadTarget::Dots));
    }

    #[test]
    fn queries_are_kept_apart() {
        let (path, query) = SitePath::from_target("/a%20b?c=/../d").expect("a path");
        assert_eq!(path.to_open().as_bytes(), b"a b");
        assert_eq!(query, "?c=/../d");
        assert_eq!(path.with_slash(query), "/a%20b/?c=/../d");
    }

    #[test]
    fn a_redirect_stays_on_the_host() {
        let (path, query) = SitePath::from_target("//host.example").expect("a path");
        assert_eq!(path.with_slash(query), "/host.example/");
    }

    #[test]
    fn names_need_not_be_text() {
        let (path, _) = SitePath::from_target("/%ff/%fe/").expect("a path");
        assert_eq!(path.to_open().as_bytes(), b"\xff/\xfe/");
        assert_eq!(path.to_open_within("index.html").as_bytes(), b"\xff/\xfe/index.html");
        assert_eq!(path.with_slash(""), "/%FF/%FE/");
        assert_eq!(path.title(), "/\u{fffd}/\u{fffd}/");
    }
}
