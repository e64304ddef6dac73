//! The half that sends.

use super::cell::Cell;
use crate::SendError;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tasklets_park::{PolledWaiter, Reason, Ticket, Waited, Waiter};

/// Sends the one value, or says by being dropped that there is none.
pub struct Sender<T> {
    cell: NonNull<Cell<T>>,
    values: PhantomData<T>,
}

// SAFETY: a value moves from the sender's thread to the receiver's, or back to be returned; a sender gives no access to it. The
// words they share are atomic.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: by a shared reference one can only ask whether the receiver is gone.
unsafe impl<T: Send> Sync for Sender<T> {}

// A sender that a panic has passed by is as good as before: its changes are single atomic steps.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    /// # Safety
    /// The cell has no other sender.
    pub(super) unsafe fn new(cell: NonNull<Cell<T>>) -> Self {
        Self { cell, values: PhantomData }
    }

    fn cell(&self) -> &Cell<T> {
        // SAFETY: the cell is there until this half has taken its last step, which consumes it.
        unsafe { self.cell.as_ref() }
    }

    /// Sends `message`. Never waits.
    ///
    /// `Ok` says that the receiver was there and can take it, not that it will.
    ///
    /// ```
    /// use tasklets_channels::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send("unheard").unwrap_err().into_inner(), "unheard");
    /// ```
    ///
    /// # Errors
    /// With the message, if the receiver is gone or has [closed](super::Receiver::close).
    pub fn send(self, message: T) -> Result<(), SendError<T>> {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: this half ends here, and its destructor does not run.
        match unsafe { Cell::end_sender(this.cell, Some(message)) } {
            None => Ok(()),
            Some(message) => Err(SendError(message)),
        }
    }

    /// Whether the receiver is gone or has closed. Once true it stays so.
    pub fn is_closed(&self) -> bool {
        self.cell().is_unwanted()
    }

    /// Waits until the receiver is gone or has closed.
    ///
    /// ```
    /// use tasklets_channels::oneshot;
    ///
    /// let (mut sender, receiver) = oneshot::channel::<()>();
    /// let waits = std::thread::spawn(move || sender.closed());
    /// drop(receiver);
    /// waits.join().unwrap();
    /// ```
    pub fn closed(&mut self) {
        self.wait_until_closed(None);
    }

    /// As [`closed`](Self::closed), for at most `timeout`; returns whether it is closed.
    pub fn closed_timeout(&mut self, timeout: Duration) -> bool {
        // A time that is too far to be written down never comes.
        self.wait_until_closed(Instant::now().checked_add(timeout))
    }

    /// The [`closed`](Self::closed) of futures.
    pub fn closed_async(&mut self) -> Closed<'_, T> {
        Closed { sender: self, waiter: None }
    }

    fn wait_until_closed(&mut self, deadline: Option<Instant>) -> bool {
        if self.is_closed() {
            return true;
        }
        let waiter = Waiter::begin().because(Reason::Other);
        let left = LeftTicket { cell: self.cell(), ticket: waiter.ticket() };
        if !left.cell.await_unwanted(left.ticket) {
            return true;
        }
        match waiter.wait(deadline) {
            Waited::Signaled => true,
            Waited::TimedOut => {
                drop(left);
                self.is_closed()
            }
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
        self.cell.stop_awaiting_unwanted(self.ticket);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: this half ends here.
        let back = unsafe { Cell::end_sender(self.cell, None) };
        debug_assert!(back.is_none(), "nothing was to be sent");
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

/// Ready when the receiver is gone: made by [`Sender::closed_async`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Closed<'a, T> {
    sender: &'a mut Sender<T>,
    waiter: Option<PolledWaiter>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.sender.is_closed() {
            this.stop();
            return Poll::Ready(());
        }
        let waiter = match &mut this.waiter {
            Some(waiter) => waiter,
            None => {
                let waiter = PolledWaiter::begin();
                if !this.sender.cell().await_unwanted(waiter.ticket()) {
                    return Poll::Ready(());
                }
                this.waiter.insert(waiter)
            }
        };
        // Signalled by nothing but the receiver's closing.
        let polled = waiter.poll(cx);
        if polled.is_ready() {
            this.stop();
        }
        polled
    }
}

impl<T> Closed<'_, T> {
    fn stop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.sender.cell().stop_awaiting_unwanted(waiter.ticket());
        }
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("sender", &self.sender).finish_non_exhaustive()
    }
}
