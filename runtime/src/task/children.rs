//! What a scope and its children share.

use crate::task::JoinError;
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tasklets_park::{Reason, Token};

/// Counts the children of a scope. It outlives the scope's frame, because a child's last step touches it.
pub(crate) struct Children {
    /// Children that have not ended, and one for the scope itself.
    running: AtomicUsize,
    all_ended: Token,
    /// The first panic of a child whose result nobody took.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Children {
    /// No child yet.
    pub(crate) fn new() -> Self {
        Self { running: AtomicUsize::new(1), all_ended: Token::new(), panic: Mutex::new(None) }
    }

    pub(crate) fn one_more(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// A child, or the scope itself, has ended.
    pub(crate) fn one_ended(&self) {
        // Release what the child did; the last acquires what all did and passes it on by the permit.
        if self.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_ended.notify();
        }
    }

    /// Scope: waits until all have ended; cannot be cancelled.
    pub(crate) fn wait_firmly(&self) {
        self.all_ended.wait_firmly_because(Reason::Children);
    }

    /// A child ended like this, and nobody took the error.
    pub(crate) fn note(&self, error: JoinError) {
        let Ok(payload) = error.try_into_panic() else { return };
        let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(payload);
        } else {
            // Unlocked first: a payload's destructor may wait, and a sibling come here meanwhile.
            drop(first);
            drop(payload);
        }
    }

    /// Scope: the panic that it must pass on.
    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("running", &self.running).finish_non_exhaustive()
    }
}
