//! A future of a model that is polled by hand, so that the model knows how far it is.

use crate::Task;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A future with a task of its own. It may be dropped at any time, on any thread.
pub struct ByHand<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    task: Arc<Task>,
}

impl<T> ByHand<T> {
    /// Not polled yet.
    pub fn begun(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Box::pin(future), task: Task::new() }
    }

    /// Polls `future` once, so that it waits, as it must.
    pub fn waiting(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut this = Self::begun(future);
        assert!(this.poll().is_none(), "there is nothing to wait for");
        this
    }

    /// Polls it once.
    pub fn poll(&mut self) -> Option<T> {
        match self.task.once(|context| self.future.as_mut().poll(context)) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// Runs it to its end.
    pub fn finish(mut self) -> T {
        self.task.run(|context| self.future.as_mut().poll(context))
    }
}

impl<T> fmt::Debug for ByHand<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByHand").finish_non_exhaustive()
    }
}
