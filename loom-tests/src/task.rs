//! A thread of a model that polls as an executor does.

use crate::Poller;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// What an executor keeps of a task: how to sleep until it is woken.
#[derive(Debug, Default)]
pub struct Task {
    poller: Poller,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.poller.wake();
    }
}

impl Task {
    /// A task that was not woken yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Calls `poll` until it is ready, with a sleep until the task is woken after each time that it is not.
    pub fn run<T>(self: &Arc<Self>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(result) = poll(&mut context) {
                return result;
            }
            self.poller.sleep();
            // A task may be woken to look again soon: others get their turn.
            loom::thread::yield_now();
        }
    }

    /// Calls `poll` once.
    pub fn once<T>(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        poll(&mut Context::from_waker(&Waker::from(self.clone())))
    }

    /// Whether somebody still has a waker of this task.
    pub fn has_wakers(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }
}

/// Runs a future to its end on the calling thread.
pub fn as_task<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    Task::new().run(|context| future.as_mut().poll(context))
}
