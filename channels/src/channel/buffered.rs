//! Channels that store messages.

use super::{Carried, Channel, Form, Frame, Mode, Outcome, is_past, sent};
use crate::err::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use crate::preference::Preference;
use std::mem::MaybeUninit;
use std::time::Instant;
use tasklets_park::fifo::Refused;
use tasklets_park::{Held, Reason, Wait, give_way, look_before_waiting};

/// What became of an attempt to give a message to a waiting receiver.
enum Given<T> {
    Yes,
    /// Nobody waits, or others come first. The one to be told once the message is in the queue, if any.
    No(T, Option<Held>),
    Closed(T),
}

fn refused_as_error<T>((refused, message): (Refused, T)) -> TrySendError<T> {
    match refused {
        Refused::Full => TrySendError::Full(message),
        Refused::Closed => TrySendError::Disconnected(message),
    }
}

impl<T> Channel<T> {
    /// Sends if there is room.
    #[inline]
    pub(super) fn try_append(&self, message: T, form: Form) -> Result<(), TrySendError<T>> {
        if !self.receivers.is_empty() || self.is_bounded() && !self.senders.is_empty() {
            return self.try_append_among_others(message, form);
        }
        self.messages.push(message, self.limit).map_err(refused_as_error)?;
        if !self.receivers.is_empty() {
            self.serve_receivers();
        }
        Ok(())
    }

    /// As [`try_append`](Self::try_append), where others wait.
    #[inline(never)]
    fn try_append_among_others(&self, message: T, form: Form) -> Result<(), TrySendError<T>> {
        // Those who wait for room come first.
        if self.is_bounded() && !self.senders.is_empty() {
            self.serve_senders();
        }
        let (message, poked) = match self.give(message, form) {
            Given::Yes => return Ok(()),
            Given::Closed(message) => return Err(TrySendError::Disconnected(message)),
            Given::No(message, poked) => (message, poked),
        };
        self.messages.push(message, self.limit).map_err(refused_as_error)?;
        drop(poked);
        if !self.receivers.is_empty() {
            self.serve_receivers();
        }
        Ok(())
    }

    /// Gives the message to whoever has waited longest, unless there are messages before it.
    ///
    /// This sending and that receiving take effect together, at a moment when the queue was empty: when we looked, or if the receiver came
    /// later, when it looked before it registered.
    fn give(&self, message: T, form: Form) -> Given<T> {
        while self.messages.is_empty() {
            let Some((held, note)) = self.receivers.pop() else { break };
            // SAFETY: held until the end of the round, or of the send.
            let frame = unsafe { Frame::of(note) };
            if self.is_closed() {
                // It finds that out by itself.
                frame.let_go(held, Outcome::Retry);
                return Given::Closed(message);
            }
            match frame.mode() {
                Mode::Message => {
                    // SAFETY: a receiver's frame of this channel, held, and not given anything.
                    unsafe { frame.put(message) };
                    self.hand_over(held, Preference::Receiver, form);
                    return Given::Yes;
                }
                Mode::Observe => frame.let_go(held, Outcome::Told),
                Mode::Poke | Mode::Late => {
                    frame.end(Outcome::Told);
                    return Given::No(message, Some(held));
                }
            }
        }
        Given::No(message, None)
    }

    /// After a message came into the queue: gives messages to those who wait for them.
    pub(crate) fn serve_receivers(&self) {
        // Some messages are for those who were only told, and who may leave them there for a while. Whoever brings several at once serves
        // once, so those who wait behind are not left to others.
        let mut told = 0;
        while self.messages.is_ready() && (told == 0 || self.messages.len() > told) {
            let Some((held, note)) = self.receivers.pop() else { return };
            // SAFETY: held until the end of the round.
            let frame = unsafe { Frame::of(note) };
            match frame.mode() {
                Mode::Message => {
                    let Some(message) = self.messages.pop() else {
                        frame.let_go(held, Outcome::Retry);
                        continue;
                    };
                    // SAFETY: a receiver's frame of this channel, held, and not given anything.
                    unsafe { frame.put(message) };
                    held.release();
                    if self.is_bounded() && !self.senders.is_empty() {
                        self.serve_senders();
                    }
                }
                Mode::Observe => frame.let_go(held, Outcome::Told),
                // It takes a message itself.
                Mode::Poke | Mode::Late => {
                    told += 1;
                    frame.let_go(held, Outcome::Told);
                }
            }
        }
    }

    /// After there came to be room in the queue: moves messages of those who wait for it. Returns whether any were moved.
    pub(super) fn serve_senders(&self) -> bool {
        self.serve_senders_in(Form::Trying)
    }

    /// As [`serve_senders`](Self::serve_senders), by a receive of this form.
    fn serve_senders_in(&self, form: Form) -> bool {
        let mut moved = false;
        let mut gives_way = false;
        while self.has_room() {
            let Some((held, note)) = self.senders.pop() else { break };
            // SAFETY: held until the end of the round.
            let frame = unsafe { Frame::of(note) };
            match frame.mode() {
                Mode::Message => {
                    // SAFETY: a sender's frame of this channel, held, with its message there.
                    let message = unsafe { frame.take::<T>() };
                    match self.messages.push(message, self.limit) {
                        Ok(()) => moved = true,
                        Err((refused, message)) => {
                            // SAFETY: we have just taken it from there, and hold the frame.
                            unsafe { frame.put_back(message) };
                            if refused == Refused::Closed {
                                frame.end(Outcome::Closed);
                            }
                        }
                    }
                    gives_way |= self.release(held, Preference::Sender, form);
                }
                Mode::Observe => frame.let_go(held, Outcome::Told),
                // It uses this room itself, and serves others first.
                Mode::Poke | Mode::Late => {
                    frame.let_go(held, Outcome::Told);
                    break;
                }
            }
        }
        if moved && !self.receivers.is_empty() {
            self.serve_receivers();
        }
        if gives_way {
            give_way();
        }
        moved
    }

    /// Receives if there is a message.
    #[inline]
    pub(super) fn try_take(&self, form: Form) -> Result<T, TryRecvError> {
        loop {
            if let Some(message) = self.messages.pop() {
                if self.is_bounded() && !self.senders.is_empty() {
                    self.serve_senders_in(form);
                }
                return Ok(message);
            }
            // Messages of those who wait for room are behind an empty queue only for moments, while somebody moves them.
            if self.is_bounded() && !self.senders.is_empty() && self.serve_senders() {
                continue;
            }
            if !self.is_closed() {
                return Err(TryRecvError::Empty);
            }
            // Closed before this look: what it does not find, nobody will.
            return self.messages.pop().ok_or(TryRecvError::Disconnected);
        }
    }

    /// Sends, waiting for room.
    #[cold]
    pub(super) fn append(&self, mut message: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        loop {
            if is_past(deadline) {
                return Err(SendTimeoutError::Timeout(message));
            }
            let look = || self.has_room() || self.is_closed();
            if self.senders.is_empty() && look_before_waiting(look) {
                match self.try_append(message, Form::Blocking) {
                    Ok(()) => return Ok(()),
                    Err(TrySendError::Disconnected(message)) => return Err(SendTimeoutError::Disconnected(message)),
                    Err(TrySendError::Full(back)) => message = back,
                }
            }
            let carried = Carried::new(message);
            let frame = Frame::new(Mode::Message, carried.pointer());
            message = match self.senders.wait(frame.note(), Reason::Send, deadline, look) {
                Wait::Ready => carried.into_inner(),
                Wait::TimedOut => return Err(SendTimeoutError::Timeout(carried.into_inner())),
                Wait::Woken => match frame.outcome() {
                    Outcome::Done | Outcome::Closed => return sent(&frame, carried),
                    _ => carried.into_inner(),
                },
            };
            message = match self.try_append(message, Form::Blocking) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(message)) => return Err(SendTimeoutError::Disconnected(message)),
                Err(TrySendError::Full(message)) => message,
            };
        }
    }

    /// Receives, waiting for a message.
    #[cold]
    pub(super) fn take(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            if is_past(deadline) {
                return Err(RecvTimeoutError::Timeout);
            }
            let look = || self.messages.is_ready() || self.is_closed();
            if self.receivers.is_empty() && look_before_waiting(|| !self.messages.is_empty() || self.is_closed()) {
                match self.try_take(Form::Blocking) {
                    Ok(message) => return Ok(message),
                    Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                    Err(TryRecvError::Empty) => {}
                }
            }
            let mut message = MaybeUninit::<T>::uninit();
            let frame = Frame::new(Mode::Message, message.as_mut_ptr().cast());
            match self.receivers.wait(frame.note(), Reason::Receive, deadline, look) {
                // SAFETY: `Done` says that a message was put there, for us.
                Wait::Woken if frame.outcome() == Outcome::Done => return Ok(unsafe { message.assume_init() }),
                Wait::Woken | Wait::Ready => {}
                Wait::TimedOut => return Err(RecvTimeoutError::Timeout),
            }
            match self.try_take(Form::Blocking) {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.messages.has_room(self.limit)
    }
}
