//! Who runs first when a message is handed over.

use crate::receiver::Receiver;
use crate::sender::Sender;

/// Which of two tasklets runs first when a message goes from one straight to the other: the hand-off preference of Stackless Python.
///
/// It is a property of a channel, set through any of its handles by [`Sender::set_preference`] or [`Receiver::set_preference`]. It
/// matters where a [`send`](Sender::send) finds a receiver that waits, or a [`recv`](Receiver::recv) finds a sender that waits. *The
/// caller* is the one that finds the other, *its partner* the one that waited.
///
/// | preference   | Stackless | `send` finds a receiver | `recv` finds a sender  |
/// |--------------|-----------|-------------------------|------------------------|
/// | none is set  |           | the caller goes on, its partner runs soon | the same |
/// | `Receiver`   | −1        | the partner runs at once | the caller goes on    |
/// | `Sender`     | +1        | the caller goes on       | the partner runs at once |
/// | `Neither`    | 0         | the caller goes on       | the caller goes on     |
///
/// *The partner runs at once*: the caller is suspended and goes to the end of the tasklets that can run; the partner is the very next to
/// run. *The caller goes on*: the partner goes to that end. *Runs soon*: before the others when the caller suspends, some times in a row;
/// in a runtime that is strictly first in, first out, at the end.
///
/// Stackless has −1 from the start. Here none is set from the start, because a hand-over without a switch is the faster one.
///
/// # When it matters
/// In the forms of `send` and `recv` that wait, with and without a time limit, also below [`send_many`](Sender::send_many) and the
/// iterators. `try_` forms never suspend; they, `select!` and futures wake whoever waits as if no preference were set. It has effect
/// only between two tasklets whose turns the same worker gives. With one worker that is always so, and the order is exact. It has none
/// between tasklets of different workers, which run at the same time, and none for OS threads, which run when the kernel lets them. A
/// tasklet that may change workers has no place in such an order either.
///
/// Buffered channels have it too: a `send` that hands its message to a waiting receiver, and a `recv` that makes room for the message of a
/// sender that waits for a full channel.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tasklets_channels::{Preference, bounded};
/// use tasklets_runtime::{Runtime, spawn, yield_now};
///
/// let order = Runtime::builder().workers(1).build()?.run(|| {
///     let order = Arc::new(Mutex::new(Vec::new()));
///     let (s, r) = bounded(0);
///     s.set_preference(Some(Preference::Receiver));
///     let its = order.clone();
///     let receiver = spawn(move || r.iter().for_each(|i| its.lock().unwrap().push(format!("{i} received"))));
///     // The receiver runs until it waits.
///     yield_now();
///     for i in 1..=2 {
///         s.send(i).unwrap();
///         order.lock().unwrap().push(format!("{i} sent"));
///     }
///     drop(s);
///     receiver.join().unwrap();
///     Arc::into_inner(order).unwrap().into_inner().unwrap()
/// });
/// assert_eq!(order, ["1 received", "1 sent", "2 received", "2 sent"]);
/// # std::io::Result::Ok(())
/// ```
///
/// # From Stackless
/// Its `channel.preference`, with the semantics of its C source: with −1 its `receive()` goes on without a switch when it finds a sender,
/// though its manual says that the sender runs. Its `schedule_all`, which always runs somebody else, is a
/// hand-over with [`Neither`](Self::Neither) and a `yield_now` of the runtime after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preference {
    /// The receiver runs first: Stackless's −1.
    Receiver,
    /// The sender runs first: Stackless's +1.
    Sender,
    /// Whoever finds the other goes on: Stackless's 0.
    Neither,
}

impl Preference {
    /// As a number above 0.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Receiver => 1,
            Self::Sender => 2,
            Self::Neither => 3,
        }
    }

    /// The inverse; none for 0.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Receiver, Self::Sender, Self::Neither].into_iter().find(|preference| preference.number() == number)
    }
}

impl<T> Sender<T> {
    /// Says which of two tasklets runs first when this channel hands over a message, or with `None` leaves it to the runtime: see
    /// [`Preference`]. It holds for hand-overs from now on, whichever handles they go through.
    ///
    /// ```
    /// use tasklets_channels::{Preference, bounded};
    ///
    /// let (s, r) = bounded::<u32>(0);
    /// assert_eq!(r.preference(), None);
    /// s.set_preference(Some(Preference::Neither));
    /// assert_eq!(r.preference(), Some(Preference::Neither));
    /// ```
    pub fn set_preference(&self, preference: Option<Preference>) {
        self.channel().set_preference(preference);
    }

    /// What was set by [`set_preference`](Self::set_preference) on either side.
    pub fn preference(&self) -> Option<Preference> {
        self.channel().preference()
    }
}

impl<T> Receiver<T> {
    /// As [`Sender::set_preference`]. On a channel without senders, such as `after`, there is nothing to prefer, and it does nothing.
    pub fn set_preference(&self, preference: Option<Preference>) {
        if let Some(channel) = self.flavor().channel() {
            channel.set_preference(preference);
        }
    }

    /// As [`Sender::preference`]; none on a channel without senders.
    pub fn preference(&self) -> Option<Preference> {
        self.flavor().channel().and_then(|channel| channel.preference())
    }
}
