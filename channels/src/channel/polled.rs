//! Sending and receiving in futures.
//!
//! A future may be dropped at any time, so on a buffered channel a waiting receiver is only told that there is something, and takes it
//! when it is polled: nothing can get lost in a future that is not there any more. One that was told and is dropped tells the next. On a
//! rendezvous channel the message must go into its hands; if it is dropped before it says so, it gives the message back.
//!
//! A future must not wait in its `poll` for somebody who is stopped. On a rendezvous channel it therefore looks, after it has registered, for
//! those of the other side who *have* registered, not for those who are about to: these look for it when they have.

use super::{Channel, Frame, Mode, Outcome};
use crate::err::{RecvError, SendError, TryRecvError, TrySendError};
use std::cell::UnsafeCell;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};
use tasklets_park::PolledWaiter;

impl<T> Channel<T> {
    /// Begins to receive. Does nothing until it is polled.
    pub(crate) fn recv_async(&self) -> RecvWait<T> {
        RecvWait {
            waiter: None,
            frame: Frame::new_polled(Mode::Poke, ptr::null_mut()),
            message: UnsafeCell::new(MaybeUninit::uninit()),
            _pinned: PhantomPinned,
        }
    }

    /// Begins to send `message`. Does nothing until it is polled.
    pub(crate) fn send_async(&self, message: T) -> SendWait<T> {
        SendWait {
            waiter: None,
            frame: Frame::new_polled(Mode::Message, ptr::null_mut()),
            message: UnsafeCell::new(MaybeUninit::new(message)),
            has_message: true,
            _pinned: PhantomPinned,
        }
    }
}

/// One receive operation of a future. All calls are given the same channel, and [`abandon`](Self::abandon) is the last.
pub(crate) struct RecvWait<T> {
    /// Registered with `frame`, which points to `message`.
    waiter: Option<PolledWaiter>,
    frame: Frame,
    message: UnsafeCell<MaybeUninit<T>>,
    _pinned: PhantomPinned,
}

// SAFETY: while it waits the frame and the message belong to whoever holds the waiter, in order (see `Frame`); otherwise to whoever has
// the operation. The message goes from one thread to another.
unsafe impl<T: Send> Send for RecvWait<T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: Send> Sync for RecvWait<T> {}

impl<T> RecvWait<T> {
    pub(crate) fn poll(self: Pin<&mut Self>, channel: &Channel<T>, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        loop {
            if let Some(waiter) = &mut this.waiter {
                if waiter.poll(cx).is_pending() {
                    return Poll::Pending;
                }
                if let Some(message) = this.end() {
                    return Poll::Ready(Ok(message));
                }
            }
            match channel.try_recv() {
                Ok(message) => return Poll::Ready(Ok(message)),
                Err(TryRecvError::Disconnected) => return Poll::Ready(Err(RecvError)),
                Err(TryRecvError::Empty) => {}
            }
            let mode = if channel.is_rendezvous() { Mode::Message } else { Mode::Poke };
            this.frame = Frame::new_polled(mode, this.message.get().cast());
            let waiter = PolledWaiter::begin();
            channel.receivers.push(waiter.ticket(), this.frame.note());
            this.waiter = Some(waiter);
            // The look after registering.
            if channel.is_recv_ready(None, true) {
                let (withdrawn, message) = this.withdraw();
                if withdrawn {
                    channel.receivers.forsake();
                }
                if let Some(message) = message {
                    return Poll::Ready(Ok(message));
                }
            }
        }
    }

    /// Ends the operation where it stands.
    pub(crate) fn abandon(self: Pin<&mut Self>, channel: &Channel<T>) {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        if this.waiter.is_none() {
            return;
        }
        match this.withdraw() {
            (true, _) => channel.receivers.forsake(),
            (false, Some(message)) => channel.take_back(message),
            // Told of a message that it will not take.
            (false, None) => channel.serve_receivers(),
        }
    }

    /// Ends a wait. Whether it was still in the queue, and the message if it got one.
    fn withdraw(&mut self) -> (bool, Option<T>) {
        let waiter = self.waiter.take().expect("a wait is under way");
        if waiter.withdraw() { (true, None) } else { (false, self.received()) }
    }

    /// Ends a wait that was signalled.
    fn end(&mut self) -> Option<T> {
        self.waiter = None;
        self.received()
    }

    fn received(&mut self) -> Option<T> {
        let has_message = match self.frame.outcome() {
            Outcome::Done => true,
            Outcome::Coming => self.frame.wait_for_message(),
            _ => false,
        };
        // SAFETY: both say that a message was put there, for us.
        has_message.then(|| unsafe { self.message.get_mut().assume_init_read() })
    }
}

/// One send operation of a future. All calls are given the same channel, and [`abandon`](Self::abandon) is the last but the drop.
pub(crate) struct SendWait<T> {
    /// Registered with `frame`, which points to `message`.
    waiter: Option<PolledWaiter>,
    frame: Frame,
    message: UnsafeCell<MaybeUninit<T>>,
    /// Whether the message is there, while no wait is under way.
    has_message: bool,
    _pinned: PhantomPinned,
}

// SAFETY: as for `RecvWait`.
unsafe impl<T: Send> Send for SendWait<T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: Send> Sync for SendWait<T> {}

impl<T> SendWait<T> {
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        channel: &Channel<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        loop {
            if let Some(waiter) = &mut this.waiter {
                if waiter.poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.waiter = None;
                if let Some(result) = this.sent() {
                    return Poll::Ready(result);
                }
            }
            match channel.try_send(this.take_message()) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TrySendError::Disconnected(message)) => return Poll::Ready(Err(SendError(message))),
                Err(TrySendError::Full(message)) => {
                    this.message.get_mut().write(message);
                    this.has_message = true;
                }
            }
            this.frame = Frame::new_polled(Mode::Message, this.message.get().cast());
            let waiter = PolledWaiter::begin();
            channel.senders.push(waiter.ticket(), this.frame.note());
            // The look after registering.
            if !channel.is_send_ready(None, true) {
                this.waiter = Some(waiter);
            } else if waiter.withdraw() {
                channel.senders.forsake();
            } else if let Some(result) = this.sent() {
                return Poll::Ready(result);
            }
        }
    }

    /// Ends the operation where it stands. The message is dropped with it, unless it is gone.
    pub(crate) fn abandon(self: Pin<&mut Self>, channel: &Channel<T>) {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        let Some(waiter) = this.waiter.take() else { return };
        if waiter.withdraw() {
            channel.senders.forsake();
        } else {
            this.has_message = this.frame.outcome() != Outcome::Done;
        }
    }

    /// After a wait that was signalled: how the send ended, or `None` if it is to be tried again.
    fn sent(&mut self) -> Option<Result<(), SendError<T>>> {
        match self.frame.outcome() {
            Outcome::Done => {
                self.has_message = false;
                Some(Ok(()))
            }
            Outcome::Closed => Some(Err(SendError(self.take_message()))),
            _ => None,
        }
    }

    fn take_message(&mut self) -> T {
        assert!(std::mem::take(&mut self.has_message), "polled after it was ready");
        // SAFETY: it is there, and is not again until it is written anew.
        unsafe { self.message.get_mut().assume_init_read() }
    }
}

impl<T> Drop for SendWait<T> {
    fn drop(&mut self) {
        if self.has_message {
            // SAFETY: it is there, and no wait is under way after `abandon`.
            unsafe { self.message.get_mut().assume_init_drop() }
        }
    }
}
