//! A look at one value.

use crate::counted::Held;
use std::fmt;
use std::ops::Deref;

/// A value of the channel, which stays readable when the channel shows another.
///
/// It holds nobody up. While it is kept its value stays in memory.
pub struct Ref<'a, T> {
    held: Held<'a, T>,
}

impl<'a, T> Ref<'a, T> {
    pub(super) fn new(held: Held<'a, T>) -> Self {
        Self { held }
    }

    /// The value's number.
    pub(super) fn number(&self) -> u64 {
        self.held.stamp()
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display> fmt::Display for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
