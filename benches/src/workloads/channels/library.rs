//! Channels for blocking code, each as its users know it. A message is one word.

use std::time::Duration;

/// `tasklets::channel`, the side that everything here is about.
use tasklets::channel as ours;

/// A library of channels with many senders and many receivers.
pub(super) trait Library: 'static {
    /// The sending end.
    type Sender: Clone + Send + 'static;
    /// The receiving end.
    type Receiver: Clone + Send + 'static;

    /// A channel that holds so many messages; 0 is a rendezvous, and `None` no limit.
    fn channel(capacity: Option<usize>) -> (Self::Sender, Self::Receiver);

    /// Sends, and waits for room if it must.
    ///
    /// # Panics
    /// If there is no receiver: no workload drops one while it sends.
    fn send(sender: &Self::Sender, message: u64);

    /// Receives, and waits for a message if it must; `None` once there is no sender.
    fn recv(receiver: &Self::Receiver) -> Option<u64>;

    /// As [`recv`](Self::recv), but also `None` when nothing came for so long.
    fn recv_timeout(receiver: &Self::Receiver, patience: Duration) -> Option<u64>;
}

/// A library that can also receive from whichever of several channels is ready first.
pub(super) trait SelectingRx: Library {
    /// Receives from one of them.
    fn recv_any(receivers: &[Self::Receiver]) -> u64;
}

/// A library that can also send to whichever of several channels is ready first.
pub(super) trait SelectingBoth: SelectingRx {
    /// Sends to one of them.
    fn send_any(senders: &[Self::Sender], message: u64);
}

/// Implements [`Library`] for a marker, by the functions and methods that all these crates have in common.
macro_rules! library {
    ($(#[$doc:meta])* $marker:ident, $krate:ident) => {
        $(#[$doc])*
        pub(super) struct $marker;

        impl Library for $marker {
            type Sender = $krate::Sender<u64>;
            type Receiver = $krate::Receiver<u64>;

            fn channel(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
                capacity.map_or_else($krate::unbounded, $krate::bounded)
            }

            #[inline]
            fn send(sender: &Self::Sender, message: u64) {
                sender.send(message).expect("a receiver");
            }

            #[inline]
            fn recv(receiver: &Self::Receiver) -> Option<u64> {
                receiver.recv().ok()
            }

            #[inline]
            fn recv_timeout(receiver: &Self::Receiver, patience: Duration) -> Option<u64> {
                receiver.recv_timeout(patience).ok()
            }
        }
    };
}

/// Implements select for a library with crossbeam's `Select`. It is built for each operation, as in crossbeam's
/// own suite.
macro_rules! selecting {
    ($marker:ident, $krate:ident) => {
        impl SelectingRx for $marker {
            #[inline]
            fn recv_any(receivers: &[Self::Receiver]) -> u64 {
                let mut select = $krate::Select::new();
                for receiver in receivers {
                    select.recv(receiver);
                }
                let ready = select.select();
                let index = ready.index();
                ready.recv(&receivers[index]).expect("a sender")
            }
        }

        impl SelectingBoth for $marker {
            #[inline]
            fn send_any(senders: &[Self::Sender], message: u64) {
                let mut select = $krate::Select::new();
                for sender in senders {
                    select.send(sender);
                }
                let ready = select.select();
                let index = ready.index();
                ready.send(&senders[index], message).expect("a receiver");
            }
        }
    };
}

library!(
    /// Ours.
    Ours,
    ours
);
selecting!(Ours, ours);

library!(
    /// What most threaded programs use, and the API that ours extends.
    Crossbeam,
    crossbeam_channel
);
selecting!(Crossbeam, crossbeam_channel);

library!(
    /// The fastest by its own account. It has no select.
    Kanal,
    kanal
);

library!(
    /// The one without unsafe code.
    Flume,
    flume
);

impl SelectingRx for Flume {
    fn recv_any(receivers: &[Self::Receiver]) -> u64 {
        let selector = flume::Selector::new();
        let selector = receivers.iter().fold(selector, |selector, receiver| selector.recv(receiver, |message| message));
        selector.wait().expect("a sender")
    }
}
