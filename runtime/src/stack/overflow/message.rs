//! A text of fixed size, for writing in a signal handler.

use std::fmt;

/// A text that neither allocates nor fails: what does not fit is cut off.
pub(crate) struct Message {
    bytes: [u8; Message::CAPACITY],
    len: usize,
    limit: usize,
}

impl Message {
    /// Bytes that a message holds.
    pub(super) const CAPACITY: usize = 512;

    /// An empty message.
    pub(super) const fn new() -> Message {
        Message { bytes: [0; Message::CAPACITY], len: 0, limit: Message::CAPACITY }
    }

    /// From now on the message ends at `limit` bytes, no more than its capacity.
    pub(super) fn limit_to(&mut self, limit: usize) {
        self.limit = limit.min(Message::CAPACITY);
    }

    /// Appends as much of the text as fits, in whole characters.
    pub(crate) fn push_str(&mut self, text: &str) {
        let room = self.limit.saturating_sub(self.len);
        let mut fits = text.len().min(room);
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
    }

    /// Writes it to standard error, by nothing but `write(2)`.
    pub(super) fn write_to_stderr(&self) {
        let mut rest = &self.bytes[..self.len];
        while !rest.is_empty() {
            // SAFETY: the pointer and the length are those of `rest`.
            let written = unsafe { libc::write(libc::STDERR_FILENO, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => rest = &rest[written.min(rest.len())..],
                // Nobody is there to read; the process ends anyway.
                _ => return,
            }
        }
    }
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.bytes[..self.len]);
        f.debug_tuple("Message").field(&text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Message;
    use std::fmt::Write;

    #[test]
    fn cuts_off_between_characters() {
        let mut text = Message::new();
        text.limit_to(4);
        text.push_str("abcä");
        text.push_str("xy");
        text.limit_to(Message::CAPACITY);
        assert!(write!(text, " {}", 17).is_ok());
        assert_eq!(format!("{text:?}"), "Message(\"abcx 17\")");
        text.push_str(&"z".repeat(2 * Message::CAPACITY));
        assert_eq!(text.len, Message::CAPACITY);
    }
}
