//! How a tasklet that was told to end is unwound.

use crate::context::{self, Context};

/// The payload with which a cancelled tasklet unwinds.
///
/// Code that catches panics may see it. It should let it pass (`std::panic::resume_unwind`); a tasklet that swallows it
/// is unwound again at its next wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// Unwinds the running tasklet to its root, running its destructors.
///
/// This is an ordinary unwind, without the panic hook, so destructors on the way may wait.
#[cold]
pub(crate) fn unwind() -> ! {
    std::panic::resume_unwind(Box::new(Cancelled))
}

/// Unwinds the running tasklet if it was told to end and is not unwinding already: for operations that give others a turn
/// without waiting for anything.
#[inline]
pub fn unwind_if_cancelled(context: &Context) {
    if context.is_cancelled() && !std::thread::panicking() {
        unwind();
    }
}

/// Runs `f` as if the running tasklet had not been told to end: no wait in it is cancelled.
///
/// For dropping what was told to end before it had begun. A tasklet that has begun unwinds, and waits in its destructors are
/// not cancelled because it does; those of one that has not deserve the same, but nothing unwinds there.
pub fn shielded<R>(f: impl FnOnce() -> R) -> R {
    struct Lower<'a>(&'a Context, bool);
    impl Drop for Lower<'_> {
        fn drop(&mut self) {
            self.0.set_shielded(self.1);
        }
    }
    // SAFETY: the current context is valid while its code runs, which is longer than this function.
    let context = unsafe { &*context::current() };
    let _lower = Lower(context, context.set_shielded(true));
    f()
}
