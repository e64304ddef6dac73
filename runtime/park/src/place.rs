//! Where the scheduler puts a tasklet that another has made runnable.
//!
//! It decides that itself, unless the waker asks for a place. The request is in a thread-local while the wait is ended, because what lies
//! between the two, the [slot](crate::slot) and its wake function, is the same for all that wait and all that wake.

use crate::ticket::Held;
use std::cell::Cell;

/// A place that a waker may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others, as soon as the waker [gives way](crate::give_way).
    First,
    /// Behind all that can run.
    Last,
}

/// What is asked of the scheduler on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    Nothing,
    For(Place),
    Granted,
}

#[cfg(not(tasklets_loom))]
std::thread_local! {
    static REQUEST: Cell<Request> = const { Cell::new(Request::Nothing) };
}

#[cfg(tasklets_loom)]
loom::thread_local! {
    static REQUEST: Cell<Request> = Cell::new(Request::Nothing);
}

/// Not inlined, because a waker that is called in between may suspend its caller, who may then be on another thread: the optimiser must
/// not keep the thread-local's address.
#[inline(never)]
fn replace(request: Request) -> Request {
    REQUEST.with(|cell| cell.replace(request))
}

/// Scheduler, in a wake function, about to put what is woken into the queue that the waker itself is to go to: the place that was asked
/// for, if any. The scheduler gives it that place.
#[inline]
pub fn grant_place() -> Option<Place> {
    REQUEST.with(|cell| match cell.get() {
        Request::For(place) => {
            cell.set(Request::Granted);
            Some(place)
        }
        Request::Nothing | Request::Granted => None,
    })
}

/// Takes the request back, also when a waker panics.
struct Asking;

impl Drop for Asking {
    fn drop(&mut self) {
        replace(Request::Nothing);
    }
}

impl Held {
    /// As [`release`](Self::release), and asks the scheduler to put the owner in this place. Returns whether it has: not if the owner is a
    /// thread or a future, or belongs to another scheduler, or to another thread of this one.
    pub fn release_to(self, place: Place) -> bool {
        replace(Request::For(place));
        let asking = Asking;
        self.release();
        std::mem::forget(asking);
        replace(Request::Nothing) == Request::Granted
    }
}
