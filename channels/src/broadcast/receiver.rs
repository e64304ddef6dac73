//! The handles that receive.

use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::recv::Recv;
use super::shared::{Arc, Shared};
use crate::queued::Queued;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};
use tasklets_park::sync::atomic::Ordering;
use tasklets_park::{Note, Reason, Wait, WaitQueue};

/// Receives all that is sent. Cloneable: a clone goes on where its original is, and each gets every message.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The number of the message to receive next.
    next: u64,
}

// What a panic can pass by are single atomic steps.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    /// A new receiver of all that is sent from now on.
    pub(super) fn subscribe(shared: Arc<Shared<T>>) -> Self {
        // Counted first: no sender turns a message away that this receiver is to get.
        shared.receivers.fetch_add(1, Ordering::SeqCst);
        let next = shared.tail();
        Self { shared, next }
    }

    /// How many messages it has still to receive, those included that it will learn to have missed: a snapshot.
    pub fn len(&self) -> usize {
        (self.shared.tail() - self.next) as usize
    }

    /// Whether it has received all that was sent: a snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are receivers of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Where it waits for a message.
    pub(super) fn queue(&self) -> &WaitQueue {
        &self.shared.waiting
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next message.
    ///
    /// A tasklet that is told to end unwinds out of this, and has received nothing then.
    ///
    /// # Errors
    /// If messages were missed, or if no message is left and no sender.
    ///
    /// # Panics
    /// If cloning the message does; it counts as received then.
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.receive(None).map_err(|error| match error {
            RecvTimeoutError::Lagged(missed) => RecvError::Lagged(missed),
            RecvTimeoutError::Disconnected => RecvError::Disconnected,
            RecvTimeoutError::Timeout => unreachable!("no deadline was set"),
        })
    }

    /// The next message, if it is there.
    ///
    /// # Errors
    /// If there is none now, or messages were missed, or if no message is left and no sender.
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.attempt().map_or(Err(TryRecvError::Empty), |result| result.map_err(Into::into))
    }

    /// Waits for the next message, for at most `timeout`.
    ///
    /// # Errors
    /// If none came in time, or messages were missed, or if no message is left and no sender.
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // A time that is too far to be written down never comes.
        self.receive(Instant::now().checked_add(timeout))
    }

    /// As [`recv_timeout`](Self::recv_timeout), until `deadline`.
    ///
    /// # Errors
    /// As [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.receive(Some(deadline))
    }

    /// The [`recv`](Self::recv) of futures. Dropping it before it is ready loses no message.
    ///
    /// ```
    /// use tasklets_channels::broadcast;
    ///
    /// let (sender, mut receiver) = broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert_eq!(tasklets_park::block_on(receiver.recv_async()), Ok(1));
    /// ```
    pub fn recv_async(&mut self) -> Recv<'_, T> {
        Recv { receiver: self, queued: Queued::default() }
    }

    /// The next message or why there will be none now; `None`: there is none yet.
    pub(super) fn attempt(&mut self) -> Option<Result<T, RecvError>> {
        // Cloned while it is held, so it stays whatever the senders do.
        self.shared.receive(&mut self.next).map(|received| received.map(|message| T::clone(&message)))
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            if let Some(result) = self.attempt() {
                return result.map_err(Into::into);
            }
            let ready = || self.shared.has_something(self.next);
            if self.shared.waiting.wait(Note::NONE, Reason::Receive, deadline, ready) == Wait::TimedOut {
                return self.attempt().map_or(Err(RecvTimeoutError::Timeout), |result| result.map_err(Into::into));
            }
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        shared.receivers.fetch_add(1, Ordering::SeqCst);
        Self { shared, next: self.next }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}
