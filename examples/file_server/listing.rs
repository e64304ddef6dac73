//! A directory as a page of links.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use crate::path::encode;

/// The most entries a page shows, so that a huge directory does not become a huge page.
const MAX_ENTRIES: usize = 10_000;

struct Entry {
    name: OsString,
    is_directory: bool,
}

/// Reads `directory` and writes its page. Waits for the disk.
pub(crate) fn page(directory: &File, title: &str, is_root: bool) -> io::Result<String> {
    // By its descriptor, which is the directory that was found to be inside, wherever its path may
    // lead by now.
    let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
    let mut entries = Vec::new();
    let mut is_complete = true;
    for entry in fs::read_dir(path)? {
        if entries.len() == MAX_ENTRIES {
            is_complete = false;
            break;
        }
        let entry = entry?;
        // Of a link only a visit tells; the redirect there adds the slash.
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        entries.push(Entry { name: entry.file_name(), is_directory });
    }
    entries.sort_by(|a, b| (!a.is_directory, &a.name).cmp(&(!b.is_directory, &b.name)));
    Ok(render(&entries, is_complete, title, is_root))
}

fn render(entries: &[Entry], is_complete: bool, title: &str, is_root: bool) -> String {
    let title = escape(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<ul>\n"
    );
    if !is_root {
        page.push_str("<li><a href=\"../\">../</a></li>\n");
    }
    for Entry { name, is_directory } in entries {
        let slash = if *is_directory { "/" } else { "" };
        let link = encode(name.as_bytes());
        let text = escape(&name.to_string_lossy());
        writeln!(page, "<li><a href=\"{link}{slash}\">{text}{slash}</a></li>").expect("a String takes everything");
    }
    if !is_complete {
        page.push_str("<li>and more</li>\n");
    }
    page.push_str("</ul>\n</body>\n</html>\n");
    page
}

/// Text as HTML has it, also inside quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn entry(name: &[u8], is_directory: bool) -> Entry {
        Entry { name: OsString::from_vec(name.to_vec()), is_directory }
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let entries = [entry(b"<script>\"'&\xff", false), entry(b"a:b/?#%", true)];
        let page = render(&entries, true, "/<b>/", false);
        assert!(page.contains("<title>/&lt;b&gt;/</title>"));
        assert!(page.contains("<a href=\"../\">"));
        assert!(page.contains("<a href=\"%3Cscript%3E%22%27%26%FF\">&lt;script&gt;&quot;&#39;&amp;\u{fffd}</a>"));
        assert!(page.contains("href=\"a%3Ab/%3F%23%25/\""));
    }

    #[test]
    fn the_root_has_no_parent_and_a_cut_is_told() {
        let page = render(&[], false, "/", true);
        assert!(!page.contains("../"));
        assert!(page.contains("and more"));
        assert!(!render(&[], true, "/", true).contains("and more"));
    }
}
