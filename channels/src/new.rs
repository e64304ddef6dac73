//! Making channels.

use crate::channel::Channel;
use crate::flavor::Flavor;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::shared;
use crate::time::{At, Schedule, Tick, Timed};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A channel that holds any number of messages: sending never waits.
///
/// Nothing but memory bounds it, so a receiver that falls behind for good takes all there is; [`bounded`] does not let it.
///
/// ```
/// let (s, r) = tasklets_channels::unbounded();
/// for i in 0..1000 {
///     s.send(i).unwrap();
/// }
/// assert_eq!(r.len(), 1000);
/// assert_eq!(r.recv(), Ok(0));
/// ```
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    handles(Channel::new(None))
}

/// A channel that holds at most `capacity` messages: sending into a full one waits.
///
/// With capacity 0 it holds none, and is a *rendezvous*: sending waits until a receiver has taken the message.
///
/// ```
/// use tasklets_channels::{TrySendError, bounded};
///
/// let (s, r) = bounded(1);
/// s.send("one").unwrap();
/// assert_eq!(s.try_send("two"), Err(TrySendError::Full("two")));
/// assert_eq!(r.recv(), Ok("one"));
///
/// let (s, r) = bounded(0);
/// assert_eq!(s.try_send("nobody receives"), Err(TrySendError::Full("nobody receives")));
/// let receiver = std::thread::spawn(move || r.recv());
/// s.send("taken").unwrap();
/// assert_eq!(receiver.join().unwrap(), Ok("taken"));
/// ```
#[must_use]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    handles(Channel::new(Some(capacity)))
}

fn handles<T>(channel: Channel<T>) -> (Sender<T>, Receiver<T>) {
    let (sending, receiving) = shared::share(channel);
    (Sender::new(sending), Receiver::new(Flavor::Channel(receiving)))
}

/// A receiver that gets one message after `duration`: the moment at which it was due.
///
/// The clones of the receiver get that message once between them. It is never disconnected: once the message is taken, receiving
/// waits for ever. A duration too long to express is like [`never()`].
///
/// Its use is a timeout in a select over several channels; for one operation there is
/// [`recv_timeout`](Receiver::recv_timeout). It costs nothing while nobody receives from it: no timer runs.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tasklets_channels::{TryRecvError, after};
///
/// let began = Instant::now();
/// let timeout = after(Duration::from_millis(5));
/// let due = timeout.recv().unwrap();
/// assert!(due >= began + Duration::from_millis(5) && Instant::now() >= due);
/// assert_eq!(timeout.try_recv(), Err(TryRecvError::Empty));
/// ```
#[must_use]
pub fn after(duration: Duration) -> Receiver<Instant> {
    Instant::now().checked_add(duration).map_or_else(never, at)
}

/// A receiver that gets one message, `when`, at that moment; at once if it has passed. As [`after`] otherwise.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let when = Instant::now() + Duration::from_millis(5);
/// assert_eq!(tasklets_channels::at(when).recv(), Ok(when));
/// ```
#[must_use]
pub fn at(when: Instant) -> Receiver<Instant> {
    timed(Schedule::At(At::new(when)))
}

/// A receiver that gets a message each `period`, the first one after one period: the moments at which they were due.
///
/// The moments are fixed from the start, a period apart. The channel holds one message, so a receiver that is late gets the oldest
/// it has missed and then the next that is still to come: what lay between is left out and no burst follows. The clones of the
/// receiver share the messages. It is never disconnected. A period of zero is taken as a nanosecond; one too long to express is
/// like [`never()`].
///
/// ```
/// use std::time::Duration;
///
/// let period = Duration::from_millis(2);
/// let ticks = tasklets_channels::tick(period);
/// let first = ticks.recv().unwrap();
/// let second = ticks.recv().unwrap();
/// assert_eq!((second - first).as_nanos() % period.as_nanos(), 0);
/// ```
#[must_use]
pub fn tick(period: Duration) -> Receiver<Instant> {
    match Instant::now().checked_add(period) {
        Some(first) => timed(Schedule::Tick(Tick::new(first, period))),
        None => never(),
    }
}

fn timed(schedule: Schedule) -> Receiver<Instant> {
    Receiver::new(Flavor::Timed(Arc::new(Timed::new(schedule))))
}

/// A receiver that never gets a message and is never disconnected.
///
/// Its use is a select whose case is there or not. It needs no memory.
///
/// ```
/// use std::time::Duration;
/// use tasklets_channels::{RecvTimeoutError, never};
///
/// let r = never::<u32>();
/// assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
/// ```
#[must_use]
pub const fn never<T>() -> Receiver<T> {
    Receiver::new(Flavor::Never)
}
