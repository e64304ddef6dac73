//! What a select needs of a channel.

use super::{Channel, Frame};
use std::ptr::NonNull;
use tasklets_park::fifo::{RawPlace, Refused};
use tasklets_park::{Note, Ticket};

/// A send that a select has committed to before the message is there.
#[derive(Debug)]
pub(crate) enum SendToken {
    /// A place in the queue.
    Place(RawPlace),
    /// A receiver that waits for the message, by its frame.
    Receiver(NonNull<Frame>),
    /// The channel is closed.
    Disconnected,
}

impl<T> Channel<T> {
    /// Commits to a send if that needs no waiting.
    pub(crate) fn start_send(&self) -> Option<SendToken> {
        let started = if self.is_rendezvous() {
            self.find_receiver().map(|(held, receiver)| {
                receiver.promise(held);
                SendToken::Receiver(NonNull::from(receiver))
            })
        } else {
            if self.is_bounded() && !self.senders.is_empty() {
                self.serve_senders();
            }
            self.messages.reserve(self.limit).map(|place| SendToken::Place(place.into_raw()))
        };
        match started {
            Ok(token) => Some(token),
            Err(Refused::Closed) => Some(SendToken::Disconnected),
            Err(Refused::Full) => None,
        }
    }

    /// Carries out a send that was committed to. Gives the message back if the channel is closed, or with `true` if the place was lost,
    /// because the message took too long: the send must start again.
    ///
    /// # Safety
    /// The token came from [`start_send`](Self::start_send) of this channel, or from the frame of a late sender in its queue, and is used
    /// once.
    pub(crate) unsafe fn finish_send(&self, token: SendToken, message: T) -> Result<(), (T, bool)> {
        match token {
            SendToken::Disconnected => Err((message, false)),
            SendToken::Receiver(frame) => {
                // SAFETY: the receiver waits for us until then; its frame is one of this channel, and the token is used once.
                unsafe { frame.as_ref().arrive(message) };
                Ok(())
            }
            SendToken::Place(place) => {
                // SAFETY: it is a place of this queue, used once.
                unsafe { self.messages.place_from_raw(place) }.fill(message).map_err(|message| (message, true))?;
                if !self.receivers.is_empty() {
                    self.serve_receivers();
                }
                Ok(())
            }
        }
    }

    /// Takes back a send that was committed to.
    ///
    /// # Safety
    /// As [`finish_send`](Self::finish_send).
    pub(crate) unsafe fn give_up_send(&self, token: SendToken) {
        match token {
            SendToken::Disconnected => {}
            SendToken::Receiver(frame) => {
                // SAFETY: as in `finish_send`.
                unsafe { frame.as_ref().stay_away() };
            }
            SendToken::Place(place) => {
                // SAFETY: as in `finish_send`.
                drop(unsafe { self.messages.place_from_raw(place) });
                // The head goes over it first, if it is there: until then the queue looks as if there were something for a receiver, who would
                // be taken out in vain and lose its turn.
                self.messages.front();
                if self.is_bounded() && !self.senders.is_empty() {
                    self.serve_senders();
                }
                if !self.receivers.is_empty() {
                    self.serve_receivers();
                }
            }
        }
    }

    pub(crate) fn register_sender(&self, ticket: Ticket, frame: &Frame) {
        self.senders.push(ticket, frame.note());
    }

    pub(crate) fn register_receiver(&self, ticket: Ticket, frame: &Frame) {
        self.receivers.push(ticket, frame.note());
    }

    pub(crate) fn forsake_sender(&self) {
        self.senders.forsake();
    }

    pub(crate) fn forsake_receiver(&self) {
        self.receivers.forsake();
    }

    /// Whether a send would not wait. `own` has registered with this channel too, and does not count. Observers count with `telling` only: they
    /// are nobody to meet, but who is about to wait must tell them first.
    pub(crate) fn is_send_ready(&self, own: Option<Ticket>, telling: bool) -> bool {
        if self.is_rendezvous() {
            return self.is_closed() || self.receivers.any(|ticket, note| counts(own, telling, ticket, note));
        }
        self.has_room() || self.is_closed()
    }

    /// As [`is_send_ready`](Self::is_send_ready), for a receive.
    pub(crate) fn is_recv_ready(&self, own: Option<Ticket>, telling: bool) -> bool {
        if self.messages.is_ready() || self.is_closed() {
            return true;
        }
        self.is_rendezvous() && self.senders.any(|ticket, note| counts(own, telling, ticket, note))
    }
}

/// Whether somebody on the other side of a rendezvous counts for whoever asks.
fn counts(own: Option<Ticket>, telling: bool, ticket: Ticket, note: Note) -> bool {
    own != Some(ticket) && (telling || !Frame::observes(note))
}
