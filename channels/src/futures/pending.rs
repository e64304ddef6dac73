//! One receive operation of a future, whatever it receives from.

use crate::channel::RecvWait;
use crate::err::RecvError;
use crate::flavor::Flavor;
use std::pin::Pin;
use std::task::{Context, Poll};
#[cfg(not(tasklets_loom))]
use tasklets_park::{Alarm, Timer, TimerThread};

/// One receive operation of a future.
pub(super) enum Pending<T> {
    /// The channel's own state; pinned with this value.
    Channel(RecvWait<T>),
    /// The alarm that will wake the future, once one is set. Dropping it takes it back. A model has no clock.
    #[cfg(not(tasklets_loom))]
    Timed(Option<Alarm>),
    /// Nothing to wait for.
    Never,
}

impl<T> Pending<T> {
    /// An operation that has not begun. All further calls are given the same flavour.
    #[inline]
    pub(super) fn new(flavor: &Flavor<T>) -> Self {
        match flavor {
            Flavor::Channel(end) => Self::Channel(end.channel().recv_async()),
            #[cfg(not(tasklets_loom))]
            Flavor::Timed(_) => Self::Timed(None),
            #[cfg(tasklets_loom)]
            Flavor::Timed(_) => Self::Never,
            Flavor::Never => Self::Never,
        }
    }

    #[inline]
    pub(super) fn poll(
        self: Pin<&mut Self>,
        flavor: &Flavor<T>,
        context: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        // SAFETY: only the first variant's field is pinned, and nothing here moves it.
        match (unsafe { self.get_unchecked_mut() }, flavor) {
            (Self::Channel(wait), Flavor::Channel(end)) => {
                // SAFETY: it is a field of what is pinned, is dropped in place, and nothing moves it out.
                unsafe { Pin::new_unchecked(wait) }.poll(end.channel(), context)
            }
            #[cfg(not(tasklets_loom))]
            (Self::Timed(alarm), Flavor::Timed(timed)) => {
                if let Ok(message) = timed.try_recv() {
                    *alarm = None;
                    return Poll::Ready(Ok(message));
                }
                // Set anew at each poll: the waker may be another, and a clone may have taken a tick.
                *alarm = timed.deadline().map(|due| TimerThread.wake_at(due, context.waker().clone()));
                Poll::Pending
            }
            (Self::Never, Flavor::Never) => Poll::Pending,
            _ => unreachable!("an operation is polled with what it was made for"),
        }
    }

    /// Ends the operation where it stands. What it was about to receive goes to another receiver.
    #[inline]
    pub(super) fn abandon(self: Pin<&mut Self>, flavor: &Flavor<T>) {
        // SAFETY: as in `poll`.
        if let (Self::Channel(wait), Flavor::Channel(end)) = (unsafe { self.get_unchecked_mut() }, flavor) {
            // SAFETY: as in `poll`.
            unsafe { Pin::new_unchecked(wait) }.abandon(end.channel());
        }
    }
}
