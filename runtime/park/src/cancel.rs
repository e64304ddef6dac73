//! How a tasklet that was told to end is unwound.

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
pub fn unwind_if_cancelled(context: &crate::context::Context) {
    if context.is_cancelled() && !std::thread::panicking() {
        unwind();
    }
}
