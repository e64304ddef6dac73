//! The channel behind the handles.
//!
//! | part        | what it is                                                              |
//! |-------------|-------------------------------------------------------------------------|
//! | `messages`  | the messages that were sent and not received: a lock-free queue          |
//! | `receivers` | who waits for a message                                                 |
//! | `senders`   | who waits for room, or on a rendezvous channel for a receiver; each with its message |
//!
//! # Buffered channels
//!
//! A sender that finds receivers waiting and no message before its own gives it to the one who has waited longest. Otherwise it appends
//! it, and *then* looks for receivers; a receiver that finds nothing registers, and *then* looks for messages: one of the two sees the
//! other (see [`WaitQueue`]). With bounds the same goes the other way round: whoever takes a message then looks for waiting senders, and
//! moves the message of the one who has waited longest into the queue *for* it. So a sender that waits for a full channel does not need to
//! run for its message to be received, and whoever waits is served in the order of arrival.
//!
//! *Capacity is one thing.* How full the channel is follows from the queue's two counters alone, and every operation that finds senders
//! waiting beside free room first moves their messages, whoever made the room: a receiver that is stopped between taking a message and
//! serving the senders leaves nothing that others could not do. So "full" and "empty" cannot both be seen on its
//! account. A *sender* that is stopped between its place and its message is another matter: it holds the room (see [`Fifo`]).
//!
//! *Taken out in vain.* Whoever serves takes a waiter out first and then finds that the message, or the room, has gone to somebody else:
//! it lets the waiter go with [`Outcome::Retry`]. A waiter that was told to try again and gives up instead serves others first.
//!
//! # Rendezvous
//!
//! Nothing is stored. Whoever finds one of the other side waiting takes it out and hands over; otherwise it registers, and *then* looks for
//! the other side. If both look at once, each may take out the other:
//!
//! 1. Sender S registers and takes out receiver R. R registers and takes out S. Both are held now, each by the other.
//! 2. Each tries to end its own wait, which only its holder can now.
//! 3. The receiver gives in: it lets S go with `Retry` and waits. The sender waits for that while it holds R.
//! 4. S is free, holds R, and hands over.
//!
//! Only senders wait while they hold somebody, and what they wait for is done by receivers, which never do: no circle.
//!
//! *Futures.* One that is dropped while it is held blocks its thread until it is released, and the holder may be a tasklet of that very
//! thread. So whoever holds a future does not wait: a sender that is held itself lets it go with `Retry`, and waits then. No conflict is
//! left undecided by that, for a future takes nobody out while it is registered. And the waker of a future is foreign code, which may
//! wait: who is registered calls it when its own wait has ended.
//!
//! # Close
//!
//! A bit in the word that counts the messages sent: a send either precedes it or is refused. Then everybody who waits is taken out; who
//! registers later sees the bit when it looks. A message in somebody's hand goes to a waiting receiver only if the bit is not set after that
//! receiver was taken out, so nobody receives one after somebody else has found the channel closed and empty.

mod buffered;
mod cell;
mod frame;
mod handover;
mod polled;
mod rendezvous;
mod select;

use crate::err::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
pub(crate) use frame::{Frame, Mode, Outcome};
use handover::Form;
pub(crate) use polled::{RecvWait, SendWait};
pub(crate) use select::SendToken;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU8;
use std::time::Instant;
use tasklets_park::fifo::Fifo;
use tasklets_park::{WaitQueue, count_operation};

/// See the [module](self).
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Channel<T> {
    messages: Fifo<T>,
    /// `u64::MAX` if there is no bound.
    limit: u64,
    /// Who runs first, as a number, 0 if that is not said. Not from `sync`: settles nothing, so loom need not see it.
    preference: AtomicU8,
    /// Away from what receivers change all the time: senders look here at every message.
    apart: [u64; 4],
    receivers: WaitQueue,
    senders: WaitQueue,
}

impl<T> Channel<T> {
    /// `None`: no bound. `Some(0)`: rendezvous.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self {
            messages: Fifo::new(),
            limit: capacity.map_or(u64::MAX, |capacity| capacity as u64),
            preference: AtomicU8::new(0),
            apart: [0; 4],
            receivers: WaitQueue::new(),
            senders: WaitQueue::new(),
        }
    }

    #[inline]
    pub(crate) fn is_rendezvous(&self) -> bool {
        self.limit == 0
    }

    #[inline]
    fn is_bounded(&self) -> bool {
        self.limit != u64::MAX
    }

    #[inline]
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.send_if_ready(message, Form::Trying)
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.recv_if_ready(Form::Trying)
    }

    #[inline]
    fn send_if_ready(&self, message: T, form: Form) -> Result<(), TrySendError<T>> {
        if self.is_rendezvous() { self.try_meet_receiver(message, form) } else { self.try_append(message, form) }
    }

    #[inline]
    fn recv_if_ready(&self, form: Form) -> Result<T, TryRecvError> {
        if self.is_rendezvous() { self.try_meet_sender(form) } else { self.try_take(form) }
    }

    #[inline]
    pub(crate) fn send(&self, message: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        match self.send_if_ready(message, Form::Blocking) {
            Ok(()) => {
                // A send that never waits is done under locks of std's, over which nobody may be suspended.
                if self.is_bounded() {
                    count_operation();
                }
                Ok(())
            }
            Err(TrySendError::Disconnected(message)) => Err(SendTimeoutError::Disconnected(message)),
            Err(TrySendError::Full(message)) if self.is_rendezvous() => self.meet_receiver(message, deadline),
            Err(TrySendError::Full(message)) => self.append(message, deadline),
        }
    }

    #[inline]
    pub(crate) fn recv(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        match self.recv_if_ready(Form::Blocking) {
            Ok(message) => {
                count_operation();
                Ok(message)
            }
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) if self.is_rendezvous() => self.meet_sender(deadline),
            Err(TryRecvError::Empty) => self.take(deadline),
        }
    }

    /// Takes up to `limit` messages that are there.
    pub(crate) fn recv_many(&self, into: &mut Vec<T>, limit: usize) -> usize {
        let mut taken = 0;
        while taken < limit {
            let Ok(message) = self.try_recv() else { break };
            into.push(message);
            taken += 1;
        }
        taken
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len() as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= self.limit
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        self.is_bounded().then_some(self.limit as usize)
    }

    /// Senders waiting, or receivers as a negative number; a snapshot.
    pub(crate) fn balance(&self) -> isize {
        self.senders.len() as isize - self.receivers.len() as isize
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.messages.is_closed()
    }

    /// No message is sent any more; those in the channel can be received. Returns whether this was the first call.
    pub(crate) fn close(&self) -> bool {
        let first = self.messages.close();
        while let Some((held, note)) = self.senders.pop() {
            // SAFETY: held until the end of the block.
            let frame = unsafe { Frame::of(note) };
            // Who only watches sends nothing that could fail.
            frame.let_go(held, if frame.mode() == Mode::Observe { Outcome::Told } else { Outcome::Closed });
        }
        while let Some((held, note)) = self.receivers.pop() {
            // SAFETY: as above. It finds out by itself.
            unsafe { Frame::of(note) }.let_go(held, Outcome::Retry);
        }
        first
    }

    /// The last receiver has gone: closes, and drops what nobody will receive.
    pub(crate) fn disconnect_receivers(&self) {
        self.close();
        self.messages.clear();
    }

    /// Gives back a message that was handed to somebody who is not there any more: to the next who waits, or to the end of the queue beyond
    /// any bound. A closed channel drops it.
    fn take_back(&self, message: T) {
        if self.messages.push(message, u64::MAX).is_ok() && !self.receivers.is_empty() {
            self.serve_receivers();
        }
    }
}

/// Whether it is too late to wait.
pub(crate) fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// A message that a frame points to while its sender waits; dropped with it unless it was handed over.
struct Carried<T> {
    message: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Carried<T> {
    fn new(message: T) -> Self {
        Self { message: UnsafeCell::new(MaybeUninit::new(message)) }
    }

    fn pointer(&self) -> *mut () {
        self.message.get().cast()
    }

    /// The message was not handed over.
    fn into_inner(self) -> T {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: it is there until `forget`, and `this` is not dropped.
        unsafe { (*this.message.get()).assume_init_read() }
    }

    /// The message was handed over.
    fn forget(self) {
        std::mem::forget(self);
    }
}

impl<T> Drop for Carried<T> {
    fn drop(&mut self) {
        // SAFETY: whoever hands the message over calls `forget`, so it is still there.
        unsafe { self.message.get_mut().assume_init_drop() }
    }
}

/// How a send ended whose waiter was taken out by somebody who has not told it to try again.
fn sent<T>(frame: &Frame, carried: Carried<T>) -> Result<(), SendTimeoutError<T>> {
    if frame.outcome() == Outcome::Done {
        carried.forget();
        Ok(())
    } else {
        Err(SendTimeoutError::Disconnected(carried.into_inner()))
    }
}
