//! A task: the one allocation that a spawn makes, and everything that may point to it.
//!
//! [`state`] is its life in one word, [`header`] what all tasks have in common, [`cell`] the whole allocation with closure
//! and result. [`JoinHandle`] waits for it, [`Tasklet`] names it, [`future`] polls and wakes a stackless one.

// Public for the loom models.
#[allow(unreachable_pub)]
pub mod state;

#[cfg(not(tasklets_loom))]
pub(crate) mod cell;
#[cfg(not(tasklets_loom))]
pub(crate) mod children;
#[cfg(not(tasklets_loom))]
pub(crate) mod future;
#[cfg(not(tasklets_loom))]
pub(crate) mod header;
#[cfg(not(tasklets_loom))]
mod join_error;
#[cfg(not(tasklets_loom))]
mod join_handle;
#[cfg(not(tasklets_loom))]
mod magazine;
#[cfg(not(tasklets_loom))]
pub(crate) mod memory;
#[cfg(not(tasklets_loom))]
mod tasklet;

#[cfg(not(tasklets_loom))]
pub use self::{join_error::JoinError, join_handle::JoinHandle, tasklet::Tasklet};

/// Tells a task that has not started to end, on the calling thread, and gives up what the runtime holds of it.
///
/// # Safety
/// The caller took it out of its queue, and it is no started fiber.
#[cfg(not(tasklets_loom))]
pub(crate) unsafe fn end_unstarted(runnable: crate::node::Runnable, shared: &crate::shared::Shared) {
    use crate::node::Kind;
    use header::{Header, TaskRef, Told};

    let Some(task) = std::ptr::NonNull::new(runnable.as_ptr().cast::<Header>()) else { return };
    match runnable.node().kind() {
        Kind::Fresh => {
            // SAFETY: a header by its kind, and ours to run; afterwards we give up the runtime's reference and its place.
            unsafe {
                (task.as_ref().vtable.run)(task, Told::End);
                match task.as_ref().extras.as_ref().and_then(|extras| extras.stacks.as_ref()) {
                    Some(pool) => pool.unreserve(1),
                    None => shared.stacks.unreserve(1),
                }
                drop(TaskRef::from_raw(task));
            }
        }
        // SAFETY: a header by its kind, and ours to poll.
        Kind::Future => unsafe { (task.as_ref().vtable.poll)(task, Told::End) },
        Kind::Started => unreachable!("says the caller"),
    }
}
