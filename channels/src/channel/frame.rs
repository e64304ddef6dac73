//! What a waiting sender or receiver shows to whoever takes it out of the queue.

use super::cell::Cell;
use std::cell::UnsafeCell;
use std::ptr;
use tasklets_park::{Held, Note, Reason, Token, Unwoken};

/// What is to be done with a waiter that was taken out of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A receiver: put the message there. A sender: take the message from there.
    Message,
    /// A receiver or sender that is only told to try again, and takes or sends one message then.
    Poke,
    /// Somebody who wants to know and takes or sends nothing.
    Observe,
    /// A sender that makes its message once it has found a receiver.
    Late,
}

/// What has happened to a waiter that was taken out of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not taken out yet.
    Waiting,
    /// Nothing: try again.
    Retry,
    /// There is something for it: try at once.
    Told,
    /// The message was handed over.
    Done,
    /// The two have found each other; the message is on its way, and `coming` will tell when there is one, or will not be.
    Coming,
    /// The channel was closed.
    Closed,
}

/// A waiter's side of a hand-over.
///
/// It belongs to the waiter until it is in a queue, then to whoever holds the waiter until the release, then to the waiter again: see
/// [`Held`](tasklets_park::Held), which orders the accesses.
///
/// With [`Outcome::Coming`] the receiver wakes up while the sender still has to do with its frame: `outcome` is the receiver's from the
/// release on, and tells it to wait; the message, `arrived` and `coming` are the sender's until it notifies `coming`. So the sender leaves
/// `outcome` alone, or a receiver could take it for the end and be gone before that.
///
/// All of it is in a cell, also what never changes, and the padding. For whoever lets a waiter go is still in a function that was given a
/// reference to the frame, which may be gone before that returns, and of what is not in a cell the language wants that it stays so long.
#[derive(Debug)]
pub(crate) struct Frame(UnsafeCell<Fields>);

#[derive(Debug)]
struct Fields {
    mode: Mode,
    /// The waiter is a future, whose drop blocks its thread while the waiter is held.
    polled: bool,
    outcome: Cell<Outcome>,
    /// Where the message is or is to go: memory for one of the channel's type.
    message: Cell<*mut ()>,
    /// A late sender's: the frame of the receiver that it has found.
    partner: Cell<*const Frame>,
    /// The message of a late sender is there.
    arrived: Cell<bool>,
    coming: Token,
}

impl Frame {
    pub(crate) fn new(mode: Mode, message: *mut ()) -> Self {
        Self::make(mode, false, message)
    }

    /// A future's.
    pub(crate) fn new_polled(mode: Mode, message: *mut ()) -> Self {
        Self::make(mode, true, message)
    }

    fn make(mode: Mode, polled: bool, message: *mut ()) -> Self {
        Self(UnsafeCell::new(Fields {
            mode,
            polled,
            outcome: Cell::new(Outcome::Waiting),
            message: Cell::new(message),
            partner: Cell::new(ptr::null()),
            arrived: Cell::new(false),
            coming: Token::new(),
        }))
    }

    #[inline(always)]
    fn fields(&self) -> &Fields {
        // SAFETY: nobody ever has a `&mut` to the fields of a frame that is shared; they are changed through cells of their own.
        unsafe { &*self.0.get() }
    }

    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        self.fields().mode
    }

    /// Whether it is a future's. Its holder must not wait for anybody.
    pub(crate) fn is_polled(&self) -> bool {
        self.fields().polled
    }

    /// What is registered: where it is, and whether it only observes.
    #[inline]
    pub(crate) fn note(&self) -> Note {
        Note::to(self, self.mode() == Mode::Observe)
    }

    /// Whether the frame with this note only observes.
    pub(crate) fn observes(note: Note) -> bool {
        note.flag()
    }

    /// The frame of a waiter that is held.
    ///
    /// # Safety
    /// `note` was registered, and popped together with a `Held` that is released only after the last use of the frame.
    #[inline]
    pub(crate) unsafe fn of<'a>(note: Note) -> &'a Self {
        // SAFETY: whoever registers a frame keeps it where it is until its wait has ended, and a held wait ends by the release.
        unsafe { note.follow() }
    }

    #[inline]
    pub(crate) fn outcome(&self) -> Outcome {
        self.fields().outcome.get()
    }

    #[inline]
    pub(crate) fn end(&self, outcome: Outcome) {
        self.fields().outcome.set(outcome);
    }

    /// Lets a waiter go that is held.
    pub(crate) fn let_go(&self, held: Held, outcome: Outcome) {
        self.end(outcome);
        held.release();
    }

    /// As [`let_go`](Self::let_go), by one that has a wait of its own under way: the result is to be dropped after that.
    pub(crate) fn let_go_unwoken(&self, held: Held, outcome: Outcome) -> Unwoken {
        self.end(outcome);
        held.release_unwoken()
    }

    /// Hands over: puts `message` there.
    ///
    /// # Safety
    /// The frame is a receiver's on a channel of `T`, the caller holds it, and nothing was put there.
    #[inline]
    pub(crate) unsafe fn put<T>(&self, message: T) {
        // SAFETY: the receiver has memory for one `T` there, as the caller promises.
        unsafe { self.fields().message.get().cast::<T>().write(message) };
        self.fields().outcome.set(Outcome::Done);
    }

    /// Hands over: takes the message.
    ///
    /// # Safety
    /// The frame is a sender's on a channel of `T` with its message there, and the caller holds it.
    #[inline]
    pub(crate) unsafe fn take<T>(&self) -> T {
        self.fields().outcome.set(Outcome::Done);
        // SAFETY: the sender's message is there, and it leaves it alone once the outcome is `Done`.
        unsafe { self.fields().message.get().cast::<T>().read() }
    }

    /// Undoes [`take`](Self::take).
    ///
    /// # Safety
    /// The caller has taken `message` from there, and still holds the frame.
    pub(crate) unsafe fn put_back<T>(&self, message: T) {
        // SAFETY: the memory is the sender's for one `T`, and empty.
        unsafe { self.fields().message.get().cast::<T>().write(message) };
        self.fields().outcome.set(Outcome::Retry);
    }

    /// A receiver that is held: it has found a late sender.
    pub(crate) fn promise(&self, held: Held) {
        self.let_go(held, Outcome::Coming);
    }

    /// A late sender that is held: it has found a receiver, whose frame this is.
    pub(crate) fn found(&self, receiver: &Self) {
        self.fields().partner.set(receiver);
        self.fields().outcome.set(Outcome::Coming);
    }

    /// A late sender's: the receiver that it has found.
    pub(crate) fn partner(&self) -> *const Self {
        self.fields().partner.get()
    }

    /// Receiver, found by a late sender: waits until the sender has done with it. Whether the message is there; otherwise the sender has
    /// changed its mind.
    pub(crate) fn wait_for_message(&self) -> bool {
        // Firmly: the sender writes to this frame.
        self.fields().coming.wait_firmly_because(Reason::Receive);
        self.fields().arrived.get()
    }

    /// Late sender: puts `message` there, for [`wait_for_message`](Self::wait_for_message) to find, and lets the receiver go.
    ///
    /// # Safety
    /// The frame is a receiver's on a channel of `T`, the caller is the sender that it waits for, and this is the end of that.
    pub(crate) unsafe fn arrive<T>(&self, message: T) {
        // SAFETY: the receiver has memory for one `T` there, as the caller promises.
        unsafe { self.fields().message.get().cast::<T>().write(message) };
        self.fields().arrived.set(true);
        self.fields().coming.notify();
    }

    /// Late sender: lets the receiver go without a message.
    ///
    /// # Safety
    /// As [`arrive`](Self::arrive).
    pub(crate) unsafe fn stay_away(&self) {
        self.fields().coming.notify();
    }
}
