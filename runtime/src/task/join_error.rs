//! Why there is no result.

use std::any::Any;
use std::fmt;
use std::sync::Mutex;
use tasklets_park::Cancelled;

/// Why joining a task gave no value: it panicked, or it was told to end with its runtime.
///
/// The message names the task, and carries the panic's own message if that was a string.
pub struct JoinError(Box<Inner>);

/// Boxed, so that a result that is no error stays small.
struct Inner {
    task: Box<str>,
    /// `None`: cancelled. The mutex is there only because a payload is not `Sync` and an error should be.
    payload: Option<Mutex<Box<dyn Any + Send>>>,
}

impl JoinError {
    pub(crate) fn new(header: &super::header::Header, payload: Box<dyn Any + Send>) -> Self {
        let task = match header.name() {
            Some(name) => format!("tasklet '{name}' (id {})", header.id),
            None => format!("tasklet {} (spawned at {})", header.id, header.spawned_at),
        };
        let payload = (!payload.is::<Cancelled>()).then(|| Mutex::new(payload));
        Self(Box::new(Inner { task: task.into(), payload }))
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.0.payload.is_some()
    }

    /// Whether the task was told to end before it had a result, because its runtime ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.payload.is_none()
    }

    /// What the task panicked with, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Panics
    /// If it did not panic; see [`try_into_panic`](Self::try_into_panic).
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().expect("into_panic on the error of a task that was cancelled; is_panic tells")
    }

    /// What the task panicked with, or the error back if it did not.
    ///
    /// # Errors
    /// The error itself, if the task was cancelled.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        let Inner { task, payload } = *self.0;
        match payload {
            Some(payload) => Ok(payload.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
            None => Err(Self(Box::new(Inner { task, payload: None }))),
        }
    }

    /// Unwinds with what the task ended with.
    pub(crate) fn resume(self) -> ! {
        match self.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(_) => std::panic::resume_unwind(Box::new(Cancelled)),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(payload) = &self.0.payload else {
            return write!(f, "{} was told to end because its runtime ended", self.0.task);
        };
        let payload = payload.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let message =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        match message {
            Some(message) => write!(f, "{} panicked: {message}", self.0.task),
            None => write!(f, "{} panicked with a value that is no string", self.0.task),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}
