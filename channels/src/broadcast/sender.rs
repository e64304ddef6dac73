//! The handles that send.

use super::receiver::Receiver;
use super::shared::{Arc, Shared};
use crate::SendError;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use tasklets_park::sync::atomic::Ordering;

/// Sends to all receivers. Cloneable; the channel is disconnected when the last sender is dropped.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

// What a panic can pass by are single atomic steps.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    /// The first sender.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared }
    }

    /// Sends `message` to all receivers there are now. Never waits.
    ///
    /// `Ok` says that there was a receiver, not that all will get it: see the [module](super) on those that fall behind.
    ///
    /// ```
    /// let (sender, receiver) = tasklets_channels::broadcast::channel(4);
    /// drop(receiver);
    /// assert_eq!(sender.send("unheard").unwrap_err().into_inner(), "unheard");
    /// ```
    ///
    /// # Errors
    /// With the message, if there is no receiver. [`subscribe`](Self::subscribe) makes one.
    ///
    /// # Panics
    /// If more than 2^23 receivers are cloning different messages at this moment. If dropping an old message panics; this one is
    /// sent then.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        if self.receiver_count() == 0 {
            return Err(SendError(message));
        }
        self.shared.send(message);
        Ok(())
    }

    /// A receiver of all that is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::subscribe(self.shared.clone())
    }

    /// How many receivers there are: a snapshot.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Ordering::SeqCst)
    }

    /// How many messages the channel keeps.
    pub fn capacity(&self) -> usize {
        self.shared.capacity() as usize
    }

    /// Whether both are senders of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // First the fact, then whoever waits for it; all that was sent before is visible with it.
        if self.shared.senders.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.wake_receivers();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("receiver_count", &self.receiver_count()).finish_non_exhaustive()
    }
}
