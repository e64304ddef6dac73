//! Giving others a turn: `yield_now`, `park`, `unpark`.

use crate::fiber::Switch;
use crate::worker::Worker;
use std::time::{Duration, Instant};
use tasklets_park::{Reason, Turn, unwind_if_cancelled};

/// Lets other runnable tasklets of this home run first. On an OS thread it is [`std::thread::yield_now`].
///
/// ```
/// tasklets_runtime::run(|| {
///     let other = tasklets_runtime::spawn(|| 1);
///     while !other.is_finished() {
///         tasklets_runtime::yield_now();
///     }
/// });
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of this call.
// Always inlined: a return right after a switch is one that the processor predicts wrongly, which costs as much as the switch.
#[inline(always)]
pub fn yield_now() {
    let Some((worker, fiber)) = Worker::current() else { return std::thread::yield_now() };
    unwind_if_cancelled(&fiber.context);
    if worker.yield_is_idle() {
        return;
    }
    fiber.switch(Switch::Yield);
    unwind_if_cancelled(&fiber.context);
}

/// Counts an operation that could have waited and did not, and lets others run when there have been many.
fn turn_if_due() {
    if let Some((worker, fiber)) = Worker::current()
        && !worker.yield_is_idle()
        && worker.turn_is_due()
    {
        fiber.switch(Switch::Yield);
    }
}

/// [`TurnFn`](tasklets_park::TurnFn) of fibers.
pub(crate) fn take_turn(turn: Turn) -> bool {
    match turn {
        Turn::IfDue => turn_if_due(),
        Turn::Now => {
            if let Some((worker, fiber)) = Worker::current() {
                worker.let_run_next_go_first();
                fiber.switch(Switch::Yield);
            }
        }
        Turn::Nobody => return Worker::of_thread().is_some_and(Worker::has_nobody_else),
    }
    true
}

/// Suspends the calling tasklet until somebody calls [`Tasklet::unpark`](crate::Tasklet::unpark) on it. If somebody has since the
/// last `park`, it returns at once. It never returns without that.
///
/// ```
/// tasklets_runtime::run(|| {
///     let me = tasklets_runtime::current();
///     tasklets_runtime::spawn(move || me.unpark());
///     tasklets_runtime::park();
/// });
/// ```
///
/// # Panics
/// Outside a runtime: an OS thread has [`std::thread::park`].
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of this call.
#[track_caller]
pub fn park() {
    park_until(None);
}

/// As [`park`], for at most `duration`. There is no telling which it was: look at what you wait for.
///
/// # Panics
/// As [`park`].
///
/// # Cancellation
/// As [`park`].
#[track_caller]
pub fn park_timeout(duration: Duration) {
    park_until(Instant::now().checked_add(duration));
}

#[track_caller]
fn park_until(deadline: Option<Instant>) {
    match crate::spawn::current_task() {
        Some(task) => {
            // SAFETY: the runtime's reference keeps the task while its own code runs, as this is.
            let permit = &unsafe { task.as_ref() }.permit;
            if permit.try_take() {
                // One that always finds a permit must not keep the worker for itself.
                turn_if_due();
            } else {
                let _ = permit.wait_because(Reason::Permit, deadline);
            }
        }
        None => crate::spawn::outside_a_runtime("park"),
    }
}
