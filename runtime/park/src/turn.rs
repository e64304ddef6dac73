//! Giving others a turn without waiting for anything.
//!
//! An operation that finds what it wants does not wait, so code that does nothing else would keep its worker for ever. It counts such
//! operations, and now and then the scheduler is asked to look whether it is somebody else's turn. A thread needs none of this.

use crate::context;

/// What a context lets others run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has done many operations: others run if it has had its time.
    IfDue,
    /// It has made one runnable that goes [first](crate::Place::First): that one runs now, and the context goes behind all that are
    /// runnable.
    Now,
    /// Nobody: it asks whether there is nobody to let run, while threads are at work that might do something for it.
    Nobody,
}

/// Lets others run before the running context, if it is their turn.
///
/// It does not unwind, whatever the context was told meanwhile: the operation that calls it has succeeded. Returns the answer to
/// [`Turn::Nobody`], otherwise `true`.
pub type TurnFn = fn(Turn) -> bool;

/// Operations from one look of the scheduler to the next.
#[cfg(not(tasklets_loom))]
const OPERATIONS: u32 = 64;

#[cfg(not(tasklets_loom))]
std::thread_local! {
    static DONE: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Counts an operation that could have waited and did not; a tasklet gives others a turn when there have been many. Does nothing on a
/// thread.
///
/// Not to be called with anything half done: others run meanwhile.
// Not inlined with tasklets that may change threads, or the optimiser would keep the thread-local's address across a suspension.
#[cfg(not(tasklets_loom))]
#[cfg_attr(feature = "migrating", inline(never))]
#[cfg_attr(not(feature = "migrating"), inline(always))]
pub fn count_operation() {
    let done = DONE.get().wrapping_add(1);
    DONE.set(done);
    if done.is_multiple_of(OPERATIONS) {
        turn_if_due();
    }
}

/// Nothing in a model runs for ever.
#[cfg(tasklets_loom)]
pub fn count_operation() {}

#[cfg(not(tasklets_loom))]
#[cold]
fn turn_if_due() {
    context::take_turn(Turn::IfDue);
}

/// How long a context looks for what it wants before it waits, in steps of twice as many turns each; a microsecond or two in all.
#[cfg(not(tasklets_loom))]
const LOOKS: std::ops::Range<u32> = 3..7;

/// Before a tasklet waits: looks a few more times whether what it wants is there, if its worker has nothing else to do meanwhile. A worker that
/// runs dry looks around for longer than that, and to be woken by one on another worker costs both more than the message is worth. The first
/// look comes late on purpose: when there is something there is more of it.
///
/// A thread looks after it has registered ([`crate::slot`]).
#[cfg(not(tasklets_loom))]
#[inline]
pub fn look_before_waiting(mut is_there: impl FnMut() -> bool) -> bool {
    for step in LOOKS {
        if !context::take_turn(Turn::Nobody) {
            return false;
        }
        (0..1 << step).for_each(|_| crate::sync::spin());
        if is_there() {
            return true;
        }
    }
    false
}

/// Nobody has patience in a model.
#[cfg(tasklets_loom)]
pub fn look_before_waiting(_: impl FnMut() -> bool) -> bool {
    false
}

/// The running tasklet gives way to the one that it has just had put [first](crate::Place::First). Does nothing on a thread.
#[cold]
pub fn give_way() {
    context::take_turn(Turn::Now);
}
