//! A thread of a model that waits as an OS thread does.

use tasklets_park::context::{self, Context};

/// Runs `body`, which may wait, in a context as every OS thread has one; the context, and with it its slot, is gone when
/// this returns, as at a thread's end.
pub fn as_os_thread<T>(body: impl FnOnce() -> T) -> T {
    let thread = Context::of_model_thread();
    // SAFETY: left below, or the model has failed.
    unsafe { context::enter(&raw const thread) };
    let result = body();
    context::leave();
    result
}
