//! What a lock guards.

use std::cell::UnsafeCell;

/// A value that others reach only under some protocol.
///
/// Loom's cell cannot hold unsized values, so the model checker watches an empty cell beside the value, at the same accesses.
pub(super) struct Guarded<T: ?Sized> {
    #[cfg(tasklets_loom)]
    watched: tasklets_park::sync::UnsafeCell<()>,
    value: UnsafeCell<T>,
}

impl<T> Guarded<T> {
    super::constructor! {
        pub(super) fn new(value: T) -> Self {
            Self {
                #[cfg(tasklets_loom)]
                watched: tasklets_park::sync::UnsafeCell::new(()),
                value: UnsafeCell::new(value),
            }
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Guarded<T> {
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// For reading; the caller upholds the aliasing rules.
    #[inline]
    pub(super) fn read(&self) -> *const T {
        #[cfg(tasklets_loom)]
        self.watched.with(|_| ());
        self.value.get()
    }

    /// For writing; the caller upholds the aliasing rules.
    #[inline]
    pub(super) fn write(&self) -> *mut T {
        #[cfg(tasklets_loom)]
        self.watched.with_mut(|_| ());
        self.value.get()
    }
}
