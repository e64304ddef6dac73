//! The handles that look.

use super::changed::Changed;
use super::reference::Ref;
use super::shared::{Arc, Shared};
use crate::queued::Queued;
use crate::{RecvError, RecvTimeoutError};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};
use tasklets_park::sync::atomic::Ordering;
use tasklets_park::{Note, Reason, Wait, WaitQueue};

/// Looks at the newest value, and waits for another one. Cloneable: a clone has seen what its original has.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The number of the value seen last.
    seen: u64,
}

// What a panic can pass by are single atomic steps.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    /// A new receiver, which has seen the newest value.
    pub(super) fn subscribe(shared: Arc<Shared<T>>) -> Self {
        shared.receivers.fetch_add(1, Ordering::SeqCst);
        let seen = Ref::new(shared.latest()).number();
        Self { shared, seen }
    }

    /// The newest value, which is not counted as seen.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.shared.latest())
    }

    /// The newest value, which is counted as seen.
    ///
    /// ```
    /// let (sender, mut receiver) = tasklets_channels::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert!(!receiver.has_changed());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let latest = Ref::new(self.shared.latest());
        self.seen = latest.number();
        latest
    }

    /// A copy of the newest value, which is not counted as seen.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        T::clone(&self.borrow())
    }

    /// Whether the newest value is one that this receiver has not seen.
    pub fn has_changed(&self) -> bool {
        self.shared.has_changed(self.seen)
    }

    /// Whether there is no sender left, so that nothing will change any more.
    pub fn is_disconnected(&self) -> bool {
        self.shared.is_disconnected()
    }

    /// Waits until there is a value that this receiver has not seen, and counts it as seen.
    ///
    /// Of several changes since the last call the newest value alone is left, so this returns once for all of them.
    ///
    /// # Errors
    /// If the last sender is gone and its last value was seen.
    pub fn changed(&mut self) -> Result<(), RecvError> {
        self.wait_until_changed(None).map_err(|_| RecvError)
    }

    /// As [`changed`](Self::changed), for at most `timeout`.
    ///
    /// # Errors
    /// If nothing changed in time, or never will.
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<(), RecvTimeoutError> {
        // A time that is too far to be written down never comes.
        self.wait_until_changed(Instant::now().checked_add(timeout))
    }

    /// As [`changed`](Self::changed), until `deadline`.
    ///
    /// # Errors
    /// If nothing changed in time, or never will.
    pub fn changed_deadline(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        self.wait_until_changed(Some(deadline))
    }

    /// The [`changed`](Self::changed) of futures. Dropping it before it is ready changes nothing.
    ///
    /// ```
    /// use tasklets_channels::watch;
    ///
    /// let (sender, mut receiver) = watch::channel(1);
    /// sender.send(2).unwrap();
    /// tasklets_park::block_on(async {
    ///     receiver.changed_async().await.unwrap();
    ///     assert_eq!(receiver.get(), 2);
    /// });
    /// ```
    pub fn changed_async(&mut self) -> Changed<'_, T> {
        Changed { receiver: self, queued: Queued::default() }
    }

    /// Whether both are receivers of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Counts the newest value as seen if there is a change; says if there can be none. `None`: nothing yet.
    pub(super) fn see_change(&mut self) -> Option<Result<(), RecvError>> {
        // The senders first: what they showed before they went is visible then.
        let disconnected = self.is_disconnected();
        if self.has_changed() {
            self.borrow_and_update();
            return Some(Ok(()));
        }
        disconnected.then_some(Err(RecvError))
    }

    /// Where it waits for a change.
    pub(super) fn queue(&self) -> &WaitQueue {
        &self.shared.changed
    }

    fn wait_until_changed(&mut self, deadline: Option<Instant>) -> Result<(), RecvTimeoutError> {
        loop {
            if let Some(result) = self.see_change() {
                return result.map_err(RecvTimeoutError::from);
            }
            let ready = || self.is_disconnected() || self.has_changed();
            if self.shared.changed.wait(Note::NONE, Reason::Receive, deadline, ready) == Wait::TimedOut {
                return self.see_change().map_or(Err(RecvTimeoutError::Timeout), |result| result.map_err(Into::into));
            }
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        shared.receivers.fetch_add(1, Ordering::SeqCst);
        Self { shared, seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // First the fact, then whoever waits for it.
        if self.shared.receivers.fetch_sub(1, Ordering::SeqCst) == 1 && !self.shared.closed.is_empty() {
            self.shared.closed.wake_all();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("value", &self.borrow()).field("has_changed", &self.has_changed()).finish()
    }
}
