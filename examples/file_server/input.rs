//! The bytes received on a connection and not yet used.

use std::io::{self, Read};

/// The room an idle connection keeps. Enough for most requests, so that they take one read; small,
/// because most connections of a server do nothing most of the time.
const IDLE_ROOM: usize = 512;

/// The most room, and so the longest head of a request.
const MAX_ROOM: usize = 16 * 1024;

/// A buffer between a connection and the parser.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its length is the room there is. `start..end` of it are the unread bytes.
    room: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Input {
    pub(crate) fn new() -> Input {
        Input { room: room(IDLE_ROOM), start: 0, end: 0 }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.room[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The unread bytes take all the room an input may have.
    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start == MAX_ROOM
    }

    /// Marks the first `count` bytes as used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "no more is used than was received");
    }

    /// Passes over the empty lines that some clients send between requests.
    pub(crate) fn skip_empty_lines(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        self.consume(self.unread().iter().take_while(blank).count());
    }

    /// Gives back what room an idle connection does not need.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() && self.room.len() > IDLE_ROOM {
            *self = Input::new();
        }
    }

    /// Reads once, making room if there is none. Returns 0 at the end of the stream.
    pub(crate) fn fill(&mut self, mut source: impl Read) -> io::Result<usize> {
        debug_assert!(!self.is_full(), "there must be room to read into");
        if self.start > 0 {
            self.room.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.room.len() {
            let mut larger = room((2 * self.room.len()).min(MAX_ROOM));
            larger[..self.end].copy_from_slice(&self.room);
            self.room = larger;
        }
        loop {
            match source.read(&mut self.room[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn room(length: usize) -> Box<[u8]> {
    vec![0; length].into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let sent: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        let mut source = &*sent;
        let mut input = Input::new();
        let mut received = Vec::new();
        for take in (1..).map(|i| i * 7919 % 3000) {
            if !input.is_full() && input.fill(&mut source).expect("slices do not fail") == 0 {
                break;
            }
            let take = input.unread().len().min(take);
            received.extend_from_slice(&input.unread()[..take]);
            input.consume(take);
        }
        received.extend_from_slice(input.unread());
        assert_eq!(received, sent);
    }

    #[test]
    fn it_grows_to_its_limit_and_shrinks_when_idle() {
        let mut source = io::repeat(b'x');
        let mut input = Input::new();
        while !input.is_full() {
            input.fill(&mut source).expect("repeat does not fail");
        }
        assert_eq!(input.unread().len(), MAX_ROOM);
        input.shrink();
        assert_eq!(input.unread().len(), MAX_ROOM, "unread bytes are kept");
        input.consume(MAX_ROOM);
        input.shrink();
        assert_eq!(input.room.len(), IDLE_ROOM);
    }

    #[test]
    fn empty_lines_are_passed_over() {
        let mut input = Input::new();
        input.fill(&b"\r\n\r\nGET"[..]).expect("slices do not fail");
        input.skip_empty_lines();
        assert_eq!(input.unread(), b"GET");
    }
}
