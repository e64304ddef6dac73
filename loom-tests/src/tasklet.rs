//! A thread of a model that waits as a tasklet does.

use crate::Poller;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tasklets_park::context::{self, Context};
use tasklets_park::slot::Committed;

/// A context with a wake function, as the runtime's fibers have. It is suspended by putting the model's thread to sleep; a
/// deadline has always passed already, so a timed wait times out as soon as it is parked, unless it is ended before.
#[derive(Debug)]
pub struct Tasklet {
    context: Context,
    poller: Arc<Poller>,
}

loom::lazy_static! {
    /// Every poller of the execution: a winner may still be in `wake` when its tasklet has gone, as with the queue of a worker.
    static ref POLLERS: Mutex<Vec<Arc<Poller>>> = Mutex::default();
}

// SAFETY: as with a fiber: the thread that runs it uses the context, and others only what a scheduler may use.
unsafe impl Sync for Tasklet {}
// SAFETY: as above.
unsafe impl Send for Tasklet {}

impl Tasklet {
    /// One that does not run yet.
    pub fn new() -> Self {
        let poller = Arc::new(Poller::default());
        POLLERS.lock().expect("nothing panics under this lock").push(poller.clone());
        let data = std::ptr::from_ref(&*poller).cast();
        // SAFETY: `suspend` commits first and returns only when a winner has woken it, or when it has itself won by its
        // deadline; `wake` is thread-safe, and the poller is there to the end of the execution.
        let context = unsafe { Context::new(suspend, Some(wake), data) };
        Self { context, poller }
    }

    /// Runs `body` on the calling thread, in this context.
    pub fn run<T>(&self, body: impl FnOnce() -> T) -> T {
        // SAFETY: left below, or the model has failed.
        unsafe { context::enter(&raw const self.context) };
        let result = body();
        context::leave();
        result
    }

    /// Scheduler: tells it to end.
    pub fn cancel(&self) {
        if self.context.cancel() {
            self.poller.wake();
        }
    }
}

impl Default for Tasklet {
    fn default() -> Self {
        Self::new()
    }
}

unsafe fn suspend(context: &Context, _: u64, deadline: Option<Instant>) {
    if context.commit_park() == Committed::Ready || deadline.is_some() && context.time_out() {
        return;
    }
    // SAFETY: the contexts that are suspended here are those of `Tasklet`s, and this one is running.
    let tasklet =
        unsafe { &*std::ptr::from_ref(context).byte_sub(std::mem::offset_of!(Tasklet, context)).cast::<Tasklet>() };
    tasklet.poller.sleep();
}

unsafe fn wake(poller: *const ()) {
    // SAFETY: `Tasklet::new` registered its poller, which is there to the end of the execution.
    unsafe { &*poller.cast::<Poller>() }.wake();
}
