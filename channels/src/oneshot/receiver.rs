//! The half that receives.

use super::cell::{Cell, Found};
use crate::{RecvError, RecvTimeoutError, TryRecvError};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tasklets_park::{PolledWaiter, Reason, Ticket, Waiter};

/// Receives the one value. It is a future too, and may be polled and then received from otherwise, or the other way round.
///
/// Once the value was taken, or there is none to come, every further attempt says disconnected.
#[must_use = "a sender's value is lost when the receiver is dropped"]
pub struct Receiver<T> {
    /// `None`: the end was reached, or the cell was left to the sender.
    cell: Option<NonNull<Cell<T>>>,
    /// The wait begun by polling. Its ticket is in the cell.
    polled: Option<PolledWaiter>,
    values: PhantomData<T>,
}

// SAFETY: a value moves from the sender's thread to the receiver's. The words they share are atomic.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: a shared reference gives no access to anything but the words.
unsafe impl<T: Send> Sync for Receiver<T> {}

// A receiver that a panic has passed by is as good as before: its changes are single atomic steps.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

// No field is ever pinned.
impl<T> Unpin for Receiver<T> {}

impl<T> Receiver<T> {
    /// # Safety
    /// The cell has no other receiver.
    pub(super) unsafe fn new(cell: NonNull<Cell<T>>) -> Self {
        Self { cell: Some(cell), polled: None, values: PhantomData }
    }

    /// Waits for the value.
    ///
    /// # Errors
    /// If the sender was dropped without sending, or the value was taken before.
    pub fn recv(mut self) -> Result<T, RecvError> {
        self.receive(None).map_err(|_| RecvError)
    }

    /// Takes the value if it is there.
    ///
    /// ```
    /// use tasklets_channels::{TryRecvError, oneshot};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    ///
    /// # Errors
    /// If it is not there yet, or will never be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // SAFETY: the cell is there until the receiver has taken its last step, with which it forgets it.
        let found = self.cell.map_or(Found::Dropped, |cell| unsafe { cell.as_ref() }.found());
        if found == Found::Empty { Err(TryRecvError::Empty) } else { self.end(found).ok_or(TryRecvError::Disconnected) }
    }

    /// Waits for the value, for at most `timeout`. After that one may try again.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasklets_channels::{RecvTimeoutError, oneshot};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Ok(1));
    /// ```
    ///
    /// # Errors
    /// If it did not come in time, or will never.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // A time that is too far to be written down never comes.
        self.receive(Instant::now().checked_add(timeout))
    }

    /// As [`recv_timeout`](Self::recv_timeout), until `deadline`.
    ///
    /// # Errors
    /// If it did not come in time, or will never.
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.receive(Some(deadline))
    }

    /// Lets nothing more be sent. What was sent before can still be taken.
    ///
    /// ```
    /// let (sender, mut receiver) = tasklets_channels::oneshot::channel();
    /// receiver.close();
    /// assert!(sender.is_closed());
    /// assert!(sender.send(1).is_err());
    /// assert!(receiver.try_recv().is_err());
    /// ```
    pub fn close(&mut self) {
        self.stop_polling();
        // SAFETY: it is forgotten if it is left to the sender.
        let found = self.cell.map(|cell| unsafe { Cell::close(cell) });
        if found == Some(Found::Empty) {
            self.cell = None;
        }
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            match self.try_recv() {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => self.stop_polling(),
            }
            let Some(cell) = self.cell else { return Err(RecvTimeoutError::Disconnected) };
            // SAFETY: as in `try_recv`.
            let cell = unsafe { cell.as_ref() };
            let waiter = Waiter::begin().because(Reason::Receive);
            let left = LeftTicket { cell, ticket: waiter.ticket() };
            if !cell.await_end(left.ticket) {
                continue;
            }
            // However it ends, the value may be there.
            let _ = waiter.wait(deadline);
            drop(left);
            return self.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            });
        }
    }

    /// The sender is gone: takes out what was found, and ends. A second time there is nothing.
    fn end(&mut self, found: Found) -> Option<T> {
        self.stop_polling();
        let cell = self.cell.take()?;
        // SAFETY: `found` was found in the cell, which is forgotten.
        unsafe { Cell::end_receiver(cell, found) }
    }

    /// Ends the wait begun by polling.
    fn stop_polling(&mut self) {
        if let (Some(waiter), Some(cell)) = (self.polled.take(), self.cell) {
            // SAFETY: as in `try_recv`.
            unsafe { cell.as_ref() }.stop_awaiting_end(waiter.ticket());
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.try_recv() {
                Ok(message) => return Poll::Ready(Ok(message)),
                Err(TryRecvError::Disconnected) => return Poll::Ready(Err(RecvError)),
                Err(TryRecvError::Empty) => {}
            }
            if let Some(waiter) = &mut self.polled {
                if waiter.poll(cx).is_pending() {
                    return Poll::Pending;
                }
                // Signalled since: there is something to find.
                continue;
            }
            let waiter = PolledWaiter::begin();
            // SAFETY: as in `try_recv`.
            let left = self.cell.is_some_and(|cell| unsafe { cell.as_ref() }.await_end(waiter.ticket()));
            self.polled = left.then_some(waiter);
        }
    }
}

/// Takes the ticket back when the wait ends, also by unwinding.
struct LeftTicket<'a, T> {
    cell: &'a Cell<T>,
    ticket: Ticket,
}

impl<T> Drop for LeftTicket<'_, T> {
    fn drop(&mut self) {
        self.cell.stop_awaiting_end(self.ticket);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
        // What was sent and not taken is dropped here, after the cell is gone.
        let _ = self.try_recv();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("is_finished", &self.cell.is_none()).finish_non_exhaustive()
    }
}
