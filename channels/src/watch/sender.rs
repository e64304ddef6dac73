//! The handles that show values.

use super::receiver::Receiver;
use super::reference::Ref;
use super::shared::{Arc, Shared};
use crate::SendError;
use crate::queued::Queued;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tasklets_park::sync::atomic::Ordering;
use tasklets_park::{Note, Reason, Wait};

/// Shows values. Cloneable; the channel is disconnected when the last sender is dropped.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

// What a panic can pass by are single atomic steps.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    /// A sender that is already counted.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Shows `value` and wakes the receivers that wait for a change. Never waits.
    ///
    /// ```
    /// use tasklets_channels::watch;
    ///
    /// let (sender, receiver) = watch::channel(1);
    /// sender.send(2).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(3).unwrap_err().into_inner(), 3);
    /// assert_eq!(sender.get(), 2);
    /// ```
    ///
    /// # Errors
    /// With the value, which is not shown, if there is no receiver.
    ///
    /// # Panics
    /// If 2^24 - 2 values are still [borrowed](Ref). If dropping the value before panics; the new one is shown then.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Shows `value`, whether or not there is a receiver, and returns the value before.
    ///
    /// ```
    /// let (sender, _) = tasklets_channels::watch::channel(1);
    /// assert_eq!(*sender.send_replace(2), 1);
    /// assert_eq!(sender.get(), 2);
    /// ```
    ///
    /// # Panics
    /// As [`send`](Self::send).
    pub fn send_replace(&self, value: T) -> Ref<'_, T> {
        Ref::new(self.shared.show(value))
    }

    /// Changes the value by `change`, whether or not there is a receiver.
    ///
    /// `change` gets a copy, so that receivers can look meanwhile. If another sender shows a value before it is done, it is called
    /// again with a copy of that, so no change is lost.
    ///
    /// ```
    /// let (sender, receiver) = tasklets_channels::watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    ///
    /// # Panics
    /// As [`send`](Self::send), and if `change` does; nothing has changed then.
    pub fn send_modify(&self, mut change: impl FnMut(&mut T))
    where
        T: Clone,
    {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// As [`send_modify`](Self::send_modify), but shows nothing if `change` says false. Returns what it said last.
    ///
    /// # Panics
    /// As [`send_modify`](Self::send_modify).
    pub fn send_if_modified(&self, change: impl FnMut(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        self.shared.show_changed(change)
    }

    /// The newest value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.shared.latest())
    }

    /// A copy of the newest value.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        T::clone(&self.borrow())
    }

    /// Another receiver, which counts the newest value as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::subscribe(self.shared.clone())
    }

    /// How many receivers there are: a snapshot.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Ordering::Relaxed)
    }

    /// Whether there is no receiver. [`subscribe`](Self::subscribe) changes that.
    pub fn is_closed(&self) -> bool {
        self.shared.is_unwatched()
    }

    /// Waits until there is no receiver.
    pub fn closed(&self) {
        self.wait_until_closed(None);
    }

    /// As [`closed`](Self::closed), for at most `timeout`; returns whether there is no receiver.
    pub fn closed_timeout(&self, timeout: Duration) -> bool {
        // A time that is too far to be written down never comes.
        self.wait_until_closed(Instant::now().checked_add(timeout))
    }

    /// The [`closed`](Self::closed) of futures.
    pub fn closed_async(&self) -> Closed<'_, T> {
        Closed { sender: self, queued: Queued::default() }
    }

    /// Whether both are senders of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn wait_until_closed(&self, deadline: Option<Instant>) -> bool {
        while !self.is_closed() {
            if self.shared.closed.wait(Note::NONE, Reason::Other, deadline, || self.is_closed()) == Wait::TimedOut {
                return self.is_closed();
            }
        }
        true
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // First the fact, then whoever waits for it; all that was shown before is visible with it.
        if self.shared.senders.fetch_sub(1, Ordering::SeqCst) == 1 && !self.shared.changed.is_empty() {
            self.shared.changed.wake_all();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("value", &self.borrow()).field("is_closed", &self.is_closed()).finish()
    }
}

/// Ready when there is no receiver: made by [`Sender::closed_async`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Closed<'a, T> {
    sender: &'a Sender<T>,
    queued: Queued,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let closed = |sender: &mut &Sender<T>| sender.is_closed().then_some(());
        this.queued.poll_until(&mut this.sender, |sender| &sender.shared.closed, cx, closed)
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.queued.leave(&self.sender.shared.closed);
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("is_closed", &self.sender.is_closed()).finish_non_exhaustive()
    }
}
