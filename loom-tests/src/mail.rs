//! Messages for channels.

use crate::Plain;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes letters. The first of its clones, which should go last, fails the model if one of them was not dropped by then.
#[derive(Debug)]
pub struct Mail {
    tally: Arc<Tally>,
    is_first: bool,
}

/// Sets of letters, a bit each. Loom need not see them: nothing hangs on them.
#[derive(Debug, Default)]
struct Tally {
    written: AtomicU32,
    dropped: AtomicU32,
}

impl Mail {
    /// No letters yet.
    pub fn new() -> Self {
        Self { tally: Arc::default(), is_first: true }
    }

    /// A letter with this number, below 32 and not used before. Whoever reads it must have been handed what was written here.
    pub fn letter(&self, number: u32) -> Letter {
        assert!(self.tally.written.fetch_or(1 << number, Ordering::Relaxed) & 1 << number == 0, "each is written once");
        let letter = Letter { content: Plain::new(0), number, tally: self.tally.clone() };
        letter.content.set(number);
        letter
    }

    /// Whether every letter was dropped.
    pub fn is_all_gone(&self) -> bool {
        self.tally.written.load(Ordering::Relaxed) == self.tally.dropped.load(Ordering::Relaxed)
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Mail {
    fn clone(&self) -> Self {
        Self { tally: self.tally.clone(), is_first: false }
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        if self.is_first && !std::thread::panicking() {
            assert!(self.is_all_gone(), "a letter is lost");
        }
    }
}

/// A message, whose every use loom checks.
#[derive(Debug)]
pub struct Letter {
    content: Plain<u32>,
    number: u32,
    tally: Arc<Tally>,
}

impl Letter {
    /// Its number.
    pub fn number(&self) -> u32 {
        self.content.get()
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        let before = self.tally.dropped.fetch_or(1 << self.number, Ordering::Relaxed);
        // In an unwinding tasklet too; but a model that has failed is not to fail again.
        if !std::thread::panicking() {
            assert!(before & 1 << self.number == 0, "dropped twice");
            assert_eq!(self.content.replace(u32::MAX), self.number);
        }
    }
}
