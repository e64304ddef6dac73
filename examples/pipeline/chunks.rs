//! A file in large pieces that end between two words.

use std::io::{self, Read};

use crate::words;

/// How large chunks are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Bytes asked for at a time.
    pub(crate) read: usize,
    /// A chunk in which no word ends grows to this, and is cut there.
    pub(crate) most: usize,
}

impl Size {
    /// Large enough that handing a chunk on costs nothing beside counting it, small enough for a core's cache.
    pub(crate) const DEFAULT: Self = Self { read: 256 << 10, most: 1 << 20 };
}

/// What is left of a file.
#[derive(Debug)]
pub(crate) struct Chunks<R> {
    file: R,
    size: Size,
    /// The beginning of a word whose end was not read yet.
    rest: Vec<u8>,
    /// Why there is nothing more to read: the end, or the error that is still to be reported.
    ended: Option<io::Result<()>>,
}

impl<R: Read> Chunks<R> {
    /// All of a file.
    pub(crate) fn of(file: R, size: Size) -> Self {
        Self { file, size, rest: Vec::new(), ended: None }
    }

    /// The next chunk, which is not empty. `None` at the end of the file. What was read before an error comes before the error.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut chunk = std::mem::take(&mut self.rest);
        while self.ended.is_none() {
            chunk.reserve(self.size.read);
            let read = self.file.by_ref().take(self.size.read as u64).read_to_end(&mut chunk);
            // On an error `chunk` has what was read before it.
            match read {
                Ok(0) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
                Ok(_) => {
                    let full = (chunk.len() >= self.size.most).then_some(chunk.len());
                    if let Some(end) = words::last_gap(&chunk).or(full.map(|_| words::last_character(&chunk))) {
                        self.rest = chunk.split_off(end);
                        return Ok(Some(chunk));
                    }
                }
            }
        }
        if !chunk.is_empty() {
            return Ok(Some(chunk));
        }
        self.ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Size = Size { read: 4, most: 12 };

    fn all(mut chunks: Chunks<impl Read>) -> (Vec<Vec<u8>>, Option<io::Error>) {
        let mut all = Vec::new();
        loop {
            match chunks.next_chunk() {
                Ok(Some(chunk)) => all.push(chunk),
                Ok(None) => return (all, None),
                Err(error) => return (all, Some(error)),
            }
        }
    }

    #[test]
    fn chunks_are_the_file_and_end_between_words() {
        let text = b"some words, of different-length; and the last";
        let (chunks, error) = all(Chunks::of(text.as_slice(), TINY));
        assert_eq!(chunks.concat(), text);
        assert!(error.is_none() && chunks.len() > 3, "{chunks:?}");
        let (_, but_last) = chunks.split_last().expect("a chunk");
        assert!(but_last.iter().all(|chunk| !chunk.last().expect("a byte").is_ascii_alphanumeric()), "{chunks:?}");
    }

    #[test]
    fn words_without_end_are_cut_between_characters() {
        let text = "\u{20ac}".repeat(30);
        let (chunks, _) = all(Chunks::of(text.as_bytes(), TINY));
        assert_eq!(chunks.concat(), text.as_bytes());
        assert!(chunks.len() > 3 && chunks.iter().all(|chunk| str::from_utf8(chunk).is_ok()), "{chunks:?}");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it() {
        let bytes = [0x80; 50];
        let (chunks, _) = all(Chunks::of(bytes.as_slice(), TINY));
        assert_eq!(chunks.concat(), bytes);
    }

    #[test]
    fn what_was_read_before_an_error_comes_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let (chunks, error) = all(Chunks::of(b"good part".chain(Broken), TINY));
        assert_eq!(chunks.concat(), b"good part");
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some("broken"));
    }

    #[test]
    fn an_empty_file_has_no_chunk() {
        assert!(all(Chunks::of(io::empty(), TINY)).0.is_empty());
    }
}
