//! How much of its stack a tasklet has used.

use crate::worker::Worker;

/// What [`stack_usage`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackUsage {
    /// Bytes that have been touched, at most, in whole pages.
    pub used: usize,
    /// Bytes that can be used before the guard.
    pub size: usize,
}

/// How much of its stack the calling tasklet has used so far, at most. `None` outside a tasklet.
///
/// Stacks are used again, so this counts what earlier tasklets on the same stack touched too, unless its memory was given back to
/// the system in between. Run it at the end of the deepest work of a fresh program to choose
/// [`stack_size`](crate::Builder::stack_size). Costs a few microseconds (a system call).
///
/// ```
/// tasklets_runtime::run(|| {
///     let stack = tasklets_runtime::stack_usage().unwrap();
///     assert!(stack.used > 0 && stack.used <= stack.size);
/// });
/// ```
pub fn stack_usage() -> Option<StackUsage> {
    let (_, fiber) = Worker::current()?;
    let stack = fiber.stack();
    Some(StackUsage { used: stack.used(), size: stack.size() })
}
