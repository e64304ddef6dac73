//! Memory without any synchronisation of its own.

use loom::cell::UnsafeCell;

/// A value that threads share without synchronisation: loom fails a model in which two accesses, one of them a write, are
/// not ordered by something else.
#[derive(Debug)]
pub struct Plain<T>(UnsafeCell<T>);

// SAFETY: loom checks every access and fails the model before two of them race.
unsafe impl<T: Send> Sync for Plain<T> {}

impl<T> Plain<T> {
    /// Holds `value`.
    pub fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Writes.
    pub fn set(&self, value: T) {
        // SAFETY: loom has checked that nobody else accesses the cell now.
        self.0.with_mut(|cell| unsafe { *cell = value });
    }

    /// Reads.
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        // SAFETY: loom has checked that nobody writes the cell now.
        self.0.with(|cell| unsafe { *cell })
    }

    /// Writes `value` and returns what was there.
    pub fn replace(&self, value: T) -> T {
        // SAFETY: loom has checked that nobody else accesses the cell now.
        self.0.with_mut(|cell| unsafe { std::mem::replace(&mut *cell, value) })
    }
}
