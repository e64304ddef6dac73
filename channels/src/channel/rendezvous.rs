//! Channels that store nothing: a message goes from hand to hand.

use super::{Carried, Channel, Form, Frame, Mode, Outcome, is_past, sent};
use crate::err::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use crate::preference::Preference;
use std::mem::MaybeUninit;
use std::time::Instant;
use tasklets_park::fifo::Refused;
use tasklets_park::{Held, Reason, Wait, Waiter};

impl<T> Channel<T> {
    /// Takes out the receiver that has waited longest, telling observers on the way.
    fn pop_receiver(&self) -> Option<(Held, &Frame)> {
        loop {
            let (held, note) = self.receivers.pop()?;
            // SAFETY: the caller gets the two together, and uses the frame until it releases the other.
            let frame = unsafe { Frame::of(note) };
            if matches!(frame.mode(), Mode::Message) {
                return Some((held, frame));
            }
            frame.let_go(held, Outcome::Told);
        }
    }

    /// As [`pop_receiver`](Self::pop_receiver), for a sender.
    fn pop_sender(&self) -> Option<(Held, &Frame)> {
        loop {
            let (held, note) = self.senders.pop()?;
            // SAFETY: as above.
            let frame = unsafe { Frame::of(note) };
            if matches!(frame.mode(), Mode::Message | Mode::Late) {
                return Some((held, frame));
            }
            frame.let_go(held, Outcome::Told);
        }
    }

    /// Takes the message of a sender that is held, which may make it first. `None` if it was to be made and was not.
    fn take_from(&self, held: Held, sender: &Frame, form: Form) -> Option<T> {
        if sender.mode() == Mode::Message {
            // SAFETY: a sender's frame of this channel, held, with its message there.
            let message = unsafe { sender.take() };
            self.hand_over(held, Preference::Sender, form);
            return Some(message);
        }
        let mut message = MaybeUninit::<T>::uninit();
        let frame = Frame::new(Mode::Message, message.as_mut_ptr().cast());
        sender.found(&frame);
        held.release();
        // SAFETY: it says that a message was put there, for us.
        frame.wait_for_message().then(|| unsafe { message.assume_init() })
    }

    /// Takes out a receiver to send to. Full if none waits.
    pub(super) fn find_receiver(&self) -> Result<(Held, &Frame), Refused> {
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        if self.receivers.is_empty() {
            return Err(Refused::Full);
        }
        let (held, frame) = self.pop_receiver().ok_or(Refused::Full)?;
        if self.is_closed() {
            frame.let_go(held, Outcome::Retry);
            return Err(Refused::Closed);
        }
        Ok((held, frame))
    }

    /// Sends if a receiver waits.
    pub(super) fn try_meet_receiver(&self, message: T, form: Form) -> Result<(), TrySendError<T>> {
        let (held, frame) = match self.find_receiver() {
            Ok(found) => found,
            Err(Refused::Full) => return Err(TrySendError::Full(message)),
            Err(Refused::Closed) => return Err(TrySendError::Disconnected(message)),
        };
        // SAFETY: a receiver's frame of this channel, held, and not given anything.
        unsafe { frame.put(message) };
        self.hand_over(held, Preference::Receiver, form);
        Ok(())
    }

    /// Receives if a sender waits.
    pub(super) fn try_meet_sender(&self, form: Form) -> Result<T, TryRecvError> {
        loop {
            // What was handed to somebody who has gone.
            if !self.messages.is_empty()
                && let Some(message) = self.messages.pop()
            {
                return Ok(message);
            }
            let sender = if self.senders.is_empty() { None } else { self.pop_sender() };
            let Some((held, frame)) = sender else {
                if !self.is_closed() {
                    return Err(TryRecvError::Empty);
                }
                return self.messages.pop().ok_or(TryRecvError::Disconnected);
            };
            if self.is_closed() {
                frame.let_go(held, Outcome::Closed);
                continue;
            }
            if let Some(message) = self.take_from(held, frame, form) {
                return Ok(message);
            }
        }
    }

    /// Sends, waiting for a receiver.
    #[cold]
    pub(super) fn meet_receiver(&self, mut message: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        loop {
            if is_past(deadline) {
                return Err(SendTimeoutError::Timeout(message));
            }
            let carried = Carried::new(message);
            let frame = Frame::new(Mode::Message, carried.pointer());
            let waiter = Waiter::begin().because(Reason::Send);
            self.senders.push(waiter.ticket(), frame.note());
            // The look after registering.
            if self.is_closed() {
                // Before the message moves: until then somebody may be taking it.
                return match self.senders.withdraw(waiter) {
                    Wait::Woken => sent(&frame, carried),
                    _ => Err(SendTimeoutError::Disconnected(carried.into_inner())),
                };
            }
            let found = if self.receivers.is_empty() { None } else { self.pop_receiver() };
            let (waiter, unwoken) = match found {
                None => (waiter, None),
                Some((held, receiver)) if receiver.is_polled() => match waiter.try_withdraw() {
                    Ok(withdrawn) => return self.meet(held, receiver, withdrawn, &frame, carried),
                    Err(waiter) => (waiter, Some(receiver.let_go_unwoken(held, Outcome::Retry))),
                },
                // Step 3 of the conflict: may wait for a receiver that holds us.
                Some((held, receiver)) => return self.meet(held, receiver, waiter.withdraw(), &frame, carried),
            };
            let wait = self.senders.wait_pushed(waiter, deadline);
            drop(unwoken);
            message = match wait {
                Wait::TimedOut => return Err(SendTimeoutError::Timeout(carried.into_inner())),
                Wait::Woken | Wait::Ready => match frame.outcome() {
                    Outcome::Done | Outcome::Closed => return sent(&frame, carried),
                    _ => carried.into_inner(),
                },
            };
            message = match self.try_meet_receiver(message, Form::Blocking) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(message)) => return Err(SendTimeoutError::Disconnected(message)),
                Err(TrySendError::Full(message)) => message,
            };
        }
    }

    /// Hands over to a receiver that was found after registering as a sender; `withdrawn` unless a receiver has found that sender too.
    fn meet(
        &self,
        held: Held,
        receiver: &Frame,
        withdrawn: bool,
        frame: &Frame,
        carried: Carried<T>,
    ) -> Result<(), SendTimeoutError<T>> {
        if withdrawn {
            self.senders.forsake();
        }
        if !withdrawn && frame.outcome() != Outcome::Retry {
            receiver.let_go(held, Outcome::Retry);
            return sent(frame, carried);
        }
        if self.is_closed() {
            receiver.let_go(held, Outcome::Retry);
            return Err(SendTimeoutError::Disconnected(carried.into_inner()));
        }
        // SAFETY: a receiver's frame of this channel, held, and not given anything.
        unsafe { receiver.put(carried.into_inner()) };
        self.hand_over(held, Preference::Receiver, Form::Blocking);
        Ok(())
    }

    /// Receives, waiting for a sender.
    #[cold]
    pub(super) fn meet_sender(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            if is_past(deadline) {
                return Err(RecvTimeoutError::Timeout);
            }
            let mut message = MaybeUninit::<T>::uninit();
            let frame = Frame::new(Mode::Message, message.as_mut_ptr().cast());
            let waiter = Waiter::begin().because(Reason::Receive);
            self.receivers.push(waiter.ticket(), frame.note());
            // The look after registering.
            let mut unwoken = None;
            let wait = if self.is_closed() || self.messages.is_ready() {
                self.receivers.withdraw(waiter)
            } else if !self.senders.is_empty()
                && let Some((held, sender)) = self.pop_sender()
            {
                match waiter.try_withdraw() {
                    Ok(true) => {
                        self.receivers.forsake();
                        match self.take_from(held, sender, Form::Blocking) {
                            Some(message) => return Ok(message),
                            None => Wait::Ready,
                        }
                    }
                    Ok(false) => {
                        sender.let_go(held, Outcome::Retry);
                        Wait::Woken
                    }
                    Err(waiter) => {
                        // Step 3 of the conflict: give in, then wait.
                        unwoken = Some(sender.let_go_unwoken(held, Outcome::Retry));
                        self.receivers.wait_pushed(waiter, deadline)
                    }
                }
            } else {
                self.receivers.wait_pushed(waiter, deadline)
            };
            drop(unwoken);
            match wait {
                Wait::TimedOut => return Err(RecvTimeoutError::Timeout),
                Wait::Woken if frame.outcome() == Outcome::Coming => {
                    if frame.wait_for_message() {
                        // SAFETY: it says that a message was put there, for us.
                        return Ok(unsafe { message.assume_init() });
                    }
                }
                // SAFETY: as above, by `Done`.
                Wait::Woken if frame.outcome() == Outcome::Done => return Ok(unsafe { message.assume_init() }),
                Wait::Woken | Wait::Ready => {}
            }
            match self.try_meet_sender(Form::Blocking) {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
        }
    }
}
