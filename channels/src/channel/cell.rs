//! The cells of a frame: std's, or in a model some that fail it if two sides have a frame at once.

#[cfg(not(tasklets_loom))]
pub(super) use std::cell::Cell;

#[cfg(tasklets_loom)]
pub(super) use self::model::Cell;

#[cfg(tasklets_loom)]
mod model {
    use loom::cell::UnsafeCell;

    #[derive(Debug)]
    pub(in crate::channel) struct Cell<T>(UnsafeCell<T>);

    impl<T: Copy> Cell<T> {
        pub(in crate::channel) fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }

        pub(in crate::channel) fn get(&self) -> T {
            // SAFETY: no reference to the value is handed out; loom has checked that nobody else writes it now.
            self.0.with(|value| unsafe { *value })
        }

        pub(in crate::channel) fn set(&self, to: T) {
            // SAFETY: as above, and that nobody else reads it.
            self.0.with_mut(|value| unsafe { *value = to });
        }
    }
}
