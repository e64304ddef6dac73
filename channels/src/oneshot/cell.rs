//! What the two halves share, and who of them frees it.
//!
//! # The words
//!
//! `state` says where the value is and how far the two are:
//!
//! | `state`  | meaning                            | left by                                              |
//! |----------|------------------------------------|------------------------------------------------------|
//! | EMPTY    | both are there, nothing is sent    | the sender, a receiver that waits or closes          |
//! | a ticket | the same, and the receiver waits   | the sender, who signals it; a receiver giving up: EMPTY |
//! | VALUE    | sent; the sender is gone           | nobody: the cell is the receiver's                   |
//! | DROPPED  | nothing will be sent, the sender is gone | nobody: the cell is the receiver's             |
//! | CLOSED   | the receiver is gone               | nobody: the cell is the sender's                     |
//!
//! `interest` is for a sender that waits until nobody wants the value any more:
//!
//! | `interest` | meaning                            | left by                                                    |
//! |------------|------------------------------------|------------------------------------------------------------|
//! | WANTED     | the receiver may still take it     | the receiver: UNWANTED; a sender that waits: its ticket    |
//! | a ticket   | the same, and the sender waits     | the receiver, who signals it; a sender giving up: WANTED   |
//! | UNWANTED   | the receiver has closed            | nobody                                                     |
//!
//! # Who frees
//!
//! The sender's last step is a swap of `state`, to VALUE or DROPPED; the receiver's is an exchange of EMPTY for CLOSED. One of
//! them comes second, finds the other's, and has the cell for itself. Nobody touches the cell after its last step: tickets are
//! taken out by that step or before, and signalled afterwards from a copy.
//!
//! # The races
//!
//! *Send against going to sleep.* Both change `state`: the receiver's exchange of EMPTY for its ticket fails if the sender was
//! first; the sender finds the ticket if it was second.
//!
//! *Send against giving up.* A receiver whose time is over takes its ticket out by an exchange. If that fails the value is there,
//! and the receiver takes it instead of saying that its time is over.
//!
//! *Send against close.* (1) The receiver sets UNWANTED; from here on senders say closed. (2) It makes `state` CLOSED. (3) It
//! signals the sender that waits. A sender that looks at `interest` before (1) may still send between (1) and (2): then (2) fails,
//! the receiver has the cell, and the value is there to be taken, for the send came first. A sender that looks after (1) refuses
//! and leaves DROPPED, and whether (2) then finds it or it finds CLOSED says who frees. So nobody can see that the channel is
//! closed and then send with success.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use tasklets_park::Ticket;
use tasklets_park::sync::UnsafeCell;
use tasklets_park::sync::atomic::{AtomicU64, Ordering};

const EMPTY: u64 = 0;
const VALUE: u64 = 1;
const DROPPED: u64 = 2;
const CLOSED: u64 = 3;

const WANTED: u64 = 0;
const UNWANTED: u64 = 1;

/// See the [module](self).
pub(super) struct Cell<T> {
    state: AtomicU64,
    interest: AtomicU64,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// What the receiver finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// A value: the cell is the receiver's.
    Value,
    /// There will be none: the cell is the receiver's.
    Dropped,
}

impl<T> Cell<T> {
    /// A new cell, with a sender and a receiver.
    pub(super) fn allocate() -> NonNull<Self> {
        NonNull::from(Box::leak(Box::new(Self {
            state: AtomicU64::new(EMPTY),
            interest: AtomicU64::new(WANTED),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        })))
    }

    /// # Safety
    /// Nobody uses the cell after this.
    unsafe fn free(this: NonNull<Self>) {
        // SAFETY: it came from a box, and the caller is the last to use it. The value is not dropped with it.
        #[cfg_attr(not(tasklets_loom), expect(unused_mut, reason = "for the model"))]
        let mut cell = unsafe { Box::from_raw(this.as_ptr()) };
        // The memory goes away: the model fails if any access did not happen before.
        #[cfg(tasklets_loom)]
        {
            cell.state.with_mut(|_| ());
            cell.interest.with_mut(|_| ());
        }
        drop(cell);
    }

    /// Sender: its end, with a message to send or without. The message comes back if the receiver has closed.
    ///
    /// # Safety
    /// The sender has not ended before, and does not use the cell after this.
    pub(super) unsafe fn end_sender(this: NonNull<Self>, mut message: Option<T>) -> Option<T> {
        // SAFETY: the cell is there until both halves have taken their last steps, and ours is below.
        let cell = unsafe { this.as_ref() };
        let refused = if cell.is_unwanted() { message.take() } else { None };
        let last = match message {
            None => DROPPED,
            Some(message) => {
                // SAFETY: the receiver reads the value only after VALUE, and there is one sender.
                cell.value.with_mut(|value| unsafe { *value = MaybeUninit::new(message) });
                VALUE
            }
        };
        // Release: the value, or that we are done. Acquire: that the receiver is, if we free.
        match cell.state.swap(last, Ordering::AcqRel) {
            EMPTY => refused,
            CLOSED => {
                // SAFETY: we have just written the value, and nobody reads VALUE over CLOSED.
                let back = (last == VALUE).then(|| unsafe { cell.take() });
                // SAFETY: the receiver took its last step, and this is the sender's.
                unsafe { Self::free(this) };
                back.or(refused)
            }
            ticket => {
                // SAFETY: nothing but a receiver's ticket is there otherwise. The cell is not used any more.
                unsafe { Ticket::from_bits(ticket) }.signal();
                refused
            }
        }
    }

    /// Sender: whether the receiver has closed.
    pub(super) fn is_unwanted(&self) -> bool {
        self.interest.load(Ordering::Acquire) == UNWANTED
    }

    /// Sender: leaves a ticket to be signalled when the receiver closes. False if it has.
    pub(super) fn await_unwanted(&self, ticket: Ticket) -> bool {
        let mut seen = WANTED;
        // Release: the wait has begun, for the signaller. Acquire on failure: what the receiver did before it closed.
        while let Err(now) =
            self.interest.compare_exchange(seen, ticket.into_bits(), Ordering::Release, Ordering::Acquire)
        {
            if now == UNWANTED {
                return false;
            }
            // Of a wait that was forgotten (`std::mem::forget`); at most two rounds, since only the sender leaves tickets.
            seen = now;
        }
        true
    }

    /// Sender: takes its ticket back, if the receiver has not taken it out.
    pub(super) fn stop_awaiting_unwanted(&self, ticket: Ticket) {
        let _ = self.interest.compare_exchange(ticket.into_bits(), WANTED, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Receiver: how far the sender is.
    pub(super) fn found(&self) -> Found {
        // Acquire: the value, and that the sender is done.
        match self.state.load(Ordering::Acquire) {
            VALUE => Found::Value,
            DROPPED => Found::Dropped,
            _ => Found::Empty,
        }
    }

    /// Receiver: leaves a ticket to be signalled when the sender ends. False if it has.
    pub(super) fn await_end(&self, ticket: Ticket) -> bool {
        // Release: the wait has begun, for the signaller. Whoever sees this fail looks again, by `found`.
        let left = self.state.compare_exchange(EMPTY, ticket.into_bits(), Ordering::Release, Ordering::Relaxed);
        left.is_ok()
    }

    /// Receiver: takes its ticket back, if the sender has not taken it out.
    pub(super) fn stop_awaiting_end(&self, ticket: Ticket) {
        let _ = self.state.compare_exchange(ticket.into_bits(), EMPTY, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Receiver, without a ticket in the cell: wants nothing more. Empty if the cell was left to the sender; otherwise what is in
    /// the cell, which is the receiver's.
    ///
    /// # Safety
    /// If the answer is [`Found::Empty`], the receiver does not use the cell after this.
    pub(super) unsafe fn close(this: NonNull<Self>) -> Found {
        // SAFETY: the cell is there until both halves have taken their last steps, and ours is below.
        let cell = unsafe { this.as_ref() };
        // Acquire: the sender's wait, which is signalled below. Release: what we did before, for the sender that sees it.
        let interested = cell.interest.swap(UNWANTED, Ordering::AcqRel);
        // Release: we are done. Acquire on failure: the value, and that the sender is done.
        let last = cell.state.compare_exchange(EMPTY, CLOSED, Ordering::Release, Ordering::Acquire);
        // The cell is not used any more, unless it is ours now.
        if interested > UNWANTED {
            // SAFETY: nothing but a sender's ticket is there otherwise.
            unsafe { Ticket::from_bits(interested) }.signal();
        }
        match last {
            Ok(_) => Found::Empty,
            Err(VALUE) => Found::Value,
            Err(_) => Found::Dropped,
        }
    }

    /// Receiver: takes out what was found and frees the cell.
    ///
    /// # Safety
    /// `found` or `close` has just returned this, and it is not Empty; the receiver does not use the cell after this.
    pub(super) unsafe fn end_receiver(this: NonNull<Self>, found: Found) -> Option<T> {
        // SAFETY: the sender is gone and the cell is ours until it is freed below.
        let message = (found == Found::Value).then(|| unsafe { this.as_ref().take() });
        // SAFETY: the sender has taken its last step, and this is the receiver's.
        unsafe { Self::free(this) };
        message
    }

    /// # Safety
    /// There is a value, it is the caller's, and it is taken out once.
    unsafe fn take(&self) -> T {
        // SAFETY: as the caller promises.
        self.value.with_mut(|value| unsafe { (*value).assume_init_read() })
    }
}
