//! Making a suspended fiber runnable: where it goes.
//!
//! | the waker is                                       | the fiber goes to                                  |
//! |----------------------------------------------------|----------------------------------------------------|
//! | a tasklet of the fiber's home                      | `run_next`; what was there goes to the ready queue |
//! | the same, and it asks for a [`Place`]              | first: `run_next`; last: the ready queue           |
//! | the same, in a FIFO runtime, and it asks for none  | the ready queue                                    |
//! | the worker of that home itself (an event, a timer) | the ready queue                                    |
//! | anything else                                      | the home's inbox, and its worker is woken          |
//! | (a fiber that may migrate) a worker                | that worker's deque                                |
//! | (a fiber that may migrate) anything else           | the injector                                       |

use super::Worker;
use crate::fiber::Fiber;
use crate::shared::Shared;
use std::sync::Arc;
use tasklets_park::{Place, grant_place};

/// [`WakeFn`](tasklets_park::slot::WakeFn) of fibers.
///
/// # Safety
/// `fiber` is the address of a parked fiber, and the caller has just won its wait.
pub(super) unsafe fn wake_fiber(fiber: *const ()) {
    // SAFETY: parked, so alive until we have handed it over.
    let fiber = unsafe { &*fiber.cast::<Fiber>() };
    match Worker::of_thread() {
        Some(worker) if std::ptr::eq(&*worker.shared, fiber.shared) => worker.wake(fiber),
        _ => wake_from_outside(fiber),
    }
}

impl Worker {
    #[inline]
    fn wake(&self, fiber: &Fiber) {
        let runnable = fiber.runnable();
        if fiber.may_migrate() {
            self.fresh.push(runnable);
            if self.fresh.len() > 1 {
                self.shared.wake_one_if_any();
            }
        } else if fiber.node.home() != self.home.index {
            self.shared.send_home(fiber.node.home(), runnable);
        } else if self.current.get().is_none() || !self.goes_soon() {
            self.home.ready.push_back(runnable);
        } else if let Some(displaced) = self.home.run_next.replace(Some(runnable)) {
            self.home.ready.push_back(displaced);
        }
    }

    /// Whether what the running tasklet wakes goes before those that can run already.
    #[inline]
    fn goes_soon(&self) -> bool {
        match grant_place() {
            None => !self.shared.config.fifo,
            Some(place) => place == Place::First,
        }
    }
}

#[cold]
fn wake_from_outside(fiber: &Fiber) {
    // SAFETY: `shared` came from an `Arc` that the fiber's worker holds while the fiber lives, and it lives until it is
    // handed over below. Afterwards it may run, and its runtime end, so we keep a count of our own.
    let shared = unsafe {
        Arc::increment_strong_count(fiber.shared);
        Arc::<Shared>::from_raw(fiber.shared)
    };
    if fiber.may_migrate() {
        shared.inject(fiber.runnable());
    } else {
        shared.send_home(fiber.node.home(), fiber.runnable());
    }
}
