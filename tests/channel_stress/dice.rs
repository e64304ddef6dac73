//! Cheap random numbers, the same in every run.

use std::time::Duration;

/// A xorshift generator.
pub(crate) struct Dice(u64);

impl Dice {
    /// Throws of its own for every seed.
    pub(crate) fn new(seed: usize) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// One of 0 to `sides - 1`.
    pub(crate) fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// A timeout that is over before, during or after what the others do.
    pub(crate) fn short(&mut self) -> Duration {
        Duration::from_micros(self.throw(100))
    }
}
