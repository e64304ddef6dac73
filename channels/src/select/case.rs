//! One operation that a select may choose.

use super::buffer::Buffer;
use crate::channel::{Frame, Mode, SendToken};
use crate::err::TryRecvError;
use crate::receiver::Receiver;
use crate::sender::Sender;
use std::alloc::Layout;
use std::ptr;
use std::time::Instant;
use tasklets_park::Ticket;

/// What a select has committed to.
#[derive(Debug)]
pub(super) enum Started {
    Send(SendToken),
    /// The message is in the select's buffer.
    Received,
    /// There is no message, and there will be none.
    Disconnected,
}

/// Which side of which channel a handle is of, by the channel's address: equal for clones of a handle, and for nothing else while one of them is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Send(*const ()),
    Receive(*const ()),
}

/// A sender or a receiver, of whatever type of message.
pub(super) trait Case {
    fn identity(&self) -> Identity;
    /// Of the message to receive; nothing for a sender.
    fn layout(&self) -> Layout;
    /// Commits to the operation if that needs no waiting.
    fn try_start(&self, buffer: &mut Buffer) -> Option<Started>;
    /// How the case waits.
    fn mode(&self) -> Mode;
    fn register(&self, ticket: Ticket, frame: &Frame);
    /// What was registered is not needed any more, and nobody has taken it out.
    fn forsake(&self);
    /// Whether the operation would not wait; with a ticket, asked by one that has registered with it. With `telling` also whether somebody
    /// watches for it, on a rendezvous channel.
    fn is_ready(&self, own: Option<Ticket>, telling: bool) -> bool;
    /// When it will become ready by itself.
    fn deadline(&self) -> Option<Instant>;
    /// Takes back what was started, except for a message that was received.
    fn give_up(&self, token: SendToken);
}

impl<T> Case for Sender<T> {
    fn identity(&self) -> Identity {
        Identity::Send(ptr::from_ref(self.channel()).cast())
    }

    fn layout(&self) -> Layout {
        Layout::new::<()>()
    }

    #[inline]
    fn try_start(&self, _: &mut Buffer) -> Option<Started> {
        self.channel().start_send().map(Started::Send)
    }

    fn mode(&self) -> Mode {
        if self.channel().is_rendezvous() { Mode::Late } else { Mode::Poke }
    }

    fn register(&self, ticket: Ticket, frame: &Frame) {
        self.channel().register_sender(ticket, frame);
    }

    fn forsake(&self) {
        self.channel().forsake_sender();
    }

    fn is_ready(&self, own: Option<Ticket>, telling: bool) -> bool {
        self.channel().is_send_ready(own, telling)
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn give_up(&self, token: SendToken) {
        // SAFETY: a select gives up what this case, or its frame in this channel, has started, once.
        unsafe { self.channel().give_up_send(token) }
    }
}

impl<T> Case for Receiver<T> {
    fn identity(&self) -> Identity {
        Identity::Receive(self.flavor().address())
    }

    fn layout(&self) -> Layout {
        Layout::new::<T>()
    }

    #[inline]
    fn try_start(&self, buffer: &mut Buffer) -> Option<Started> {
        match self.flavor().try_recv() {
            Ok(message) => {
                // SAFETY: the buffer has room for one, at an address that is good for now.
                unsafe { buffer.room_for(Layout::new::<T>()).cast::<T>().write(message) };
                Some(Started::Received)
            }
            Err(TryRecvError::Disconnected) => Some(Started::Disconnected),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn mode(&self) -> Mode {
        Mode::Message
    }

    fn register(&self, ticket: Ticket, frame: &Frame) {
        if let Some(channel) = self.flavor().channel() {
            channel.register_receiver(ticket, frame);
        }
    }

    fn forsake(&self) {
        if let Some(channel) = self.flavor().channel() {
            channel.forsake_receiver();
        }
    }

    fn is_ready(&self, own: Option<Ticket>, telling: bool) -> bool {
        match self.flavor().channel() {
            Some(channel) => channel.is_recv_ready(own, telling),
            None => !self.flavor().is_empty(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.flavor().deadline()
    }

    fn give_up(&self, _: SendToken) {
        unreachable!("receivers send nothing")
    }
}
