//! The one switch between std's primitives and loom's.
//!
//! Everything whose interleavings are model-checked takes its atomics from here and from nowhere else. The switch is
//! `cfg(tasklets_loom)`, because the global `cfg(loom)` also changes other crates of the same build.

#[cfg(not(tasklets_loom))]
pub use std::sync::atomic;

#[cfg(tasklets_loom)]
pub use loom::sync::atomic;

/// A cell whose every access is visible to the model checker.
///
/// Loom's interface (access through closures) is the narrower one, so std's cell is wrapped to look like it.
#[cfg(tasklets_loom)]
pub use loom::cell::UnsafeCell;

#[cfg(not(tasklets_loom))]
pub use self::cell::UnsafeCell;

#[cfg(not(tasklets_loom))]
mod cell {
    /// `std::cell::UnsafeCell` with access through closures.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer for reading; the caller upholds the aliasing rules.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer for writing; the caller upholds the aliasing rules.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// How often to look again at something that another thread is about to do, before going another way.
#[cfg(not(tasklets_loom))]
pub const SPINS: u32 = 128;

/// Under loom not at all: a peer that stops in the middle is the interesting case.
#[cfg(tasklets_loom)]
pub const SPINS: u32 = 0;

/// One turn of a bounded wait for another thread.
#[inline]
pub fn spin() {
    #[cfg(not(tasklets_loom))]
    std::hint::spin_loop();
    #[cfg(tasklets_loom)]
    loom::thread::yield_now();
}

/// Looks up to [`SPINS`] times whether another thread has done what it was about to. False: not yet, or not looked.
#[inline]
pub(crate) fn spin_until(mut done: impl FnMut() -> bool) -> bool {
    let mut patience = SPINS;
    while patience > 0 {
        if done() {
            return true;
        }
        spin();
        patience -= 1;
    }
    false
}

/// Orders a sequentially consistent read-modify-write before a sequentially consistent load of another word that follows.
///
/// Two threads that each change one word and then read the other's cannot both miss the change (Dekker). The language promises that for
/// `SeqCst` accesses alone, so on real hardware there is nothing to do here. Loom takes such accesses for acquire and release, and is
/// told by a fence.
#[inline(always)]
pub fn order_after_rmw() {
    #[cfg(tasklets_loom)]
    atomic::fence(atomic::Ordering::SeqCst);
}
