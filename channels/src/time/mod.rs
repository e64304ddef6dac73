//! Channels whose messages are moments: no sender, no queue, nothing that runs until somebody receives.
//!
//! Whoever waits for one waits for its [`deadline`](Timed::deadline) and then tries; of several, one gets the message and the
//! others go on waiting.

mod at;
pub(crate) mod never;
mod tick;

pub(crate) use at::At;
pub(crate) use tick::Tick;

use crate::err::{RecvTimeoutError, TryRecvError};
use std::time::Instant;
use tasklets_park::Waiter;

/// When the messages of a time channel come.
pub(crate) enum Schedule {
    /// Once.
    At(At),
    /// Again and again.
    Tick(Tick),
}

/// A time channel, shared by the clones of its receiver.
pub(crate) struct Timed<T> {
    schedule: Schedule,
    /// Makes the message. Receivers of every `T` have this flavour as far as the compiler knows, but only `T = Instant` is ever
    /// made, with the identity.
    message: fn(Instant) -> T,
}

impl Timed<Instant> {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self { schedule, message: std::convert::identity }
    }
}

impl<T> Timed<T> {
    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        let due = match &self.schedule {
            Schedule::At(at) => at.take(),
            Schedule::Tick(tick) => tick.take(),
        };
        due.map(self.message).ok_or(TryRecvError::Empty)
    }

    /// When the next message is due. `None` if no more will come.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.schedule {
            Schedule::At(at) => at.due(),
            Schedule::Tick(tick) => tick.due(),
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.deadline().is_some_and(|due| due <= Instant::now())
    }

    pub(crate) fn recv(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        loop {
            if let Ok(message) = self.try_recv() {
                return Ok(message);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(RecvTimeoutError::Timeout);
            }
            let until = match (self.deadline(), deadline) {
                (Some(due), Some(deadline)) => Some(due.min(deadline)),
                (due, deadline) => due.or(deadline),
            };
            wait_until(until);
        }
    }
}

/// Suspends whatever is running until then, or for ever.
fn wait_until(deadline: Option<Instant>) {
    // Nobody gets the ticket, so only the deadline (or the end of the tasklet) ends the wait.
    let _ = Waiter::begin().wait(deadline);
}
