//! The channel with one lock, for any capacity, simple enough to be obviously right.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tasklets::channel::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// How long an operation may wait.
#[derive(Clone, Copy)]
enum Patience {
    /// It does not.
    None,
    Until(Option<Instant>),
}

/// Who waits, in the order of arrival.
type Ticket = u64;

struct State<T> {
    /// All messages that were offered and not yet taken, oldest first. The first `capacity` of them are in the buffer; the others
    /// belong to senders that wait, which is the whole difference between the flavours.
    offered: VecDeque<(Ticket, T)>,
    /// Offers that closing sent back.
    refused: HashMap<Ticket, T>,
    /// Receivers that wait. There are none while something is offered.
    wanting: VecDeque<Ticket>,
    /// What was given to receivers that waited.
    given: HashMap<Ticket, T>,
    tickets: Ticket,
    senders: usize,
    receivers: usize,
    closed: bool,
}

/// A channel of which every operation happens under one lock.
pub(crate) struct Locked<T> {
    capacity: usize,
    state: Mutex<State<T>>,
    /// Something changed: every waiter looks again.
    changed: Condvar,
}

impl<T> Locked<T> {
    /// A channel with this many ends on each side. No capacity: unbounded; zero: rendezvous.
    pub(crate) fn new(capacity: Option<usize>, senders: usize, receivers: usize) -> Self {
        let state = State {
            offered: VecDeque::new(),
            refused: HashMap::new(),
            wanting: VecDeque::new(),
            given: HashMap::new(),
            tickets: 0,
            senders,
            receivers,
            closed: senders == 0 || receivers == 0,
        };
        Self { capacity: capacity.unwrap_or(usize::MAX), state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.offer(message, Patience::None).map_err(|error| match error {
            SendTimeoutError::Timeout(message) => TrySendError::Full(message),
            SendTimeoutError::Disconnected(message) => TrySendError::Disconnected(message),
        })
    }

    pub(crate) fn send(&self, message: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        self.offer(message, Patience::Until(deadline))
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.take(Patience::None).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    pub(crate) fn recv(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        self.take(Patience::Until(deadline))
    }

    fn offer(&self, message: T, patience: Patience) -> Result<(), SendTimeoutError<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(SendTimeoutError::Disconnected(message));
        }
        if let Some(receiver) = state.wanting.pop_front() {
            state.given.insert(receiver, message);
            self.changed.notify_all();
            return Ok(());
        }
        if state.offered.len() >= self.capacity && matches!(patience, Patience::None) {
            return Err(SendTimeoutError::Timeout(message));
        }
        let ticket = state.ticket();
        state.offered.push_back((ticket, message));
        let mut in_time = true;
        loop {
            if let Some(message) = state.refused.remove(&ticket) {
                return Err(SendTimeoutError::Disconnected(message));
            }
            let place = state.offered.iter().position(|offer| offer.0 == ticket);
            let Some(place) = place.filter(|place| *place >= self.capacity) else { return Ok(()) };
            if !in_time && let Some((_, message)) = state.offered.remove(place) {
                return Err(SendTimeoutError::Timeout(message));
            }
            (state, in_time) = self.wait(state, patience);
        }
    }

    fn take(&self, patience: Patience) -> Result<T, RecvTimeoutError> {
        let mut state = self.lock();
        if let Some((_, message)) = state.offered.pop_front() {
            self.changed.notify_all();
            return Ok(message);
        }
        if state.closed {
            return Err(RecvTimeoutError::Disconnected);
        }
        if matches!(patience, Patience::None) {
            return Err(RecvTimeoutError::Timeout);
        }
        let ticket = state.ticket();
        state.wanting.push_back(ticket);
        loop {
            let in_time;
            (state, in_time) = self.wait(state, patience);
            if let Some(message) = state.given.remove(&ticket) {
                return Ok(message);
            }
            if state.closed || !in_time {
                state.wanting.retain(|other| *other != ticket);
                let closed = state.closed;
                return Err(if closed { RecvTimeoutError::Disconnected } else { RecvTimeoutError::Timeout });
            }
        }
    }

    /// No more sends. Whether this call did it.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        let first = !state.closed;
        self.close_locked(&mut state);
        first
    }

    fn close_locked(&self, state: &mut State<T>) {
        state.closed = true;
        if state.offered.len() > self.capacity {
            let waiting = state.offered.split_off(self.capacity);
            state.refused.extend(waiting);
        }
        self.changed.notify_all();
    }

    /// One sender less; the last one closes the channel.
    pub(crate) fn drop_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        if state.senders == 0 {
            self.close_locked(&mut state);
        }
    }

    /// One receiver less; the last one closes the channel and drops what is left in it.
    pub(crate) fn drop_receiver(&self) {
        let mut state = self.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            self.close_locked(&mut state);
            state.offered.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().offered.len().min(self.capacity)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.capacity
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change. Whether there is still time.
    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>, patience: Patience) -> (MutexGuard<'a, State<T>>, bool) {
        match patience {
            Patience::None => (state, false),
            Patience::Until(None) => (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), true),
            Patience::Until(Some(deadline)) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let (state, wait) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
                (state, !wait.timed_out())
            }
        }
    }
}

impl<T> State<T> {
    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }
}
