//! The ends of a channel that one actor holds: of the channel that is tested, or of the oracle.

use crate::channel_oracle::{Accepted, Locked, Received};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tasklets::channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, TrySendError, bounded, unbounded,
};

/// What an actor can do. An operation that needs an end which the actor does not have, or has dropped, panics.
pub(crate) trait Ends: Sized + Send {
    /// Ends of a new channel, for holders that (send, receive).
    fn of_new(capacity: Option<usize>, holders: &[(bool, bool)]) -> Vec<Self>;
    fn try_send(&self, message: u32) -> Accepted;
    fn send_timeout(&self, message: u32, timeout: Duration) -> Accepted;
    fn try_recv(&self) -> Received;
    fn recv_timeout(&self, timeout: Duration) -> Received;
    fn close(&self) -> bool;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
    fn drop_sender(&mut self);
    fn drop_receiver(&mut self);
}

/// Ends of the channel that is tested.
pub(crate) struct Tested {
    sender: Option<Sender<u32>>,
    receiver: Option<Receiver<u32>>,
}

impl Tested {
    fn sender(&self) -> &Sender<u32> {
        self.sender.as_ref().expect("this actor sends")
    }

    fn receiver(&self) -> &Receiver<u32> {
        self.receiver.as_ref().expect("this actor receives")
    }
}

impl Ends for Tested {
    fn of_new(capacity: Option<usize>, holders: &[(bool, bool)]) -> Vec<Self> {
        let (sender, receiver) = capacity.map_or_else(unbounded, bounded);
        let ends = holders.iter().map(|&(sends, receives)| Self {
            sender: sends.then(|| sender.clone()),
            receiver: receives.then(|| receiver.clone()),
        });
        ends.collect()
    }

    fn try_send(&self, message: u32) -> Accepted {
        accepted_at_once(self.sender().try_send(message), message)
    }

    fn send_timeout(&self, message: u32, timeout: Duration) -> Accepted {
        accepted_in_time(self.sender().send_timeout(message, timeout), message)
    }

    fn try_recv(&self) -> Received {
        received_at_once(self.receiver().try_recv())
    }

    fn recv_timeout(&self, timeout: Duration) -> Received {
        received_in_time(self.receiver().recv_timeout(timeout))
    }

    fn close(&self) -> bool {
        self.sender.as_ref().map_or_else(|| self.receiver().close(), Sender::close)
    }

    fn len(&self) -> usize {
        self.sender.as_ref().map_or_else(|| self.receiver().len(), Sender::len)
    }

    fn is_empty(&self) -> bool {
        self.sender.as_ref().map_or_else(|| self.receiver().is_empty(), Sender::is_empty)
    }

    fn is_full(&self) -> bool {
        self.sender.as_ref().map_or_else(|| self.receiver().is_full(), Sender::is_full)
    }

    fn drop_sender(&mut self) {
        self.sender = None;
    }

    fn drop_receiver(&mut self) {
        self.receiver = None;
    }
}

impl Ends for Arc<Locked<u32>> {
    fn of_new(capacity: Option<usize>, holders: &[(bool, bool)]) -> Vec<Self> {
        let senders = holders.iter().filter(|holder| holder.0).count();
        let receivers = holders.iter().filter(|holder| holder.1).count();
        let locked = Arc::new(Locked::new(capacity, senders, receivers));
        holders.iter().map(|_| locked.clone()).collect()
    }

    fn try_send(&self, message: u32) -> Accepted {
        accepted_at_once(Locked::try_send(self, message), message)
    }

    fn send_timeout(&self, message: u32, timeout: Duration) -> Accepted {
        accepted_in_time(self.send(message, Some(Instant::now() + timeout)), message)
    }

    fn try_recv(&self) -> Received {
        received_at_once(Locked::try_recv(self))
    }

    fn recv_timeout(&self, timeout: Duration) -> Received {
        received_in_time(self.recv(Some(Instant::now() + timeout)))
    }

    fn close(&self) -> bool {
        Locked::close(self)
    }

    fn len(&self) -> usize {
        Locked::len(self)
    }

    fn is_empty(&self) -> bool {
        Locked::is_empty(self)
    }

    fn is_full(&self) -> bool {
        Locked::is_full(self)
    }

    fn drop_sender(&mut self) {
        Locked::drop_sender(self);
    }

    fn drop_receiver(&mut self) {
        Locked::drop_receiver(self);
    }
}

fn accepted_at_once(result: Result<(), TrySendError<u32>>, message: u32) -> Accepted {
    let (accepted, given_back) = match result {
        Ok(()) => return Accepted::Yes,
        Err(TrySendError::Full(message)) => (Accepted::Full, message),
        Err(TrySendError::Disconnected(message)) => (Accepted::Disconnected, message),
    };
    assert_eq!(given_back, message, "a failed send gives back its own message");
    accepted
}

fn accepted_in_time(result: Result<(), SendTimeoutError<u32>>, message: u32) -> Accepted {
    let (accepted, given_back) = match result {
        Ok(()) => return Accepted::Yes,
        Err(SendTimeoutError::Timeout(message)) => (Accepted::TimedOut, message),
        Err(SendTimeoutError::Disconnected(message)) => (Accepted::Disconnected, message),
    };
    assert_eq!(given_back, message, "a failed send gives back its own message");
    accepted
}

fn received_at_once(result: Result<u32, TryRecvError>) -> Received {
    match result {
        Ok(message) => Received::Message(message),
        Err(TryRecvError::Empty) => Received::Empty,
        Err(TryRecvError::Disconnected) => Received::Disconnected,
    }
}

fn received_in_time(result: Result<u32, RecvTimeoutError>) -> Received {
    match result {
        Ok(message) => Received::Message(message),
        Err(RecvTimeoutError::Timeout) => Received::TimedOut,
        Err(RecvTimeoutError::Disconnected) => Received::Disconnected,
    }
}
