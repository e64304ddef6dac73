//! The wait of a select: on all its cases at once, until one is committed to.

use super::Entry;
use super::buffer::Buffer;
use super::case::Started;
use crate::channel::{Frame, Mode, Outcome, SendToken};
use std::ptr::NonNull;
use std::time::Instant;
use tasklets_park::{Reason, Waited, Waiter};

/// Frames that a select keeps without an allocation. The stacks of a model are small, and its frames large.
pub(super) const INLINE: usize = if cfg!(tasklets_loom) { 2 } else { 8 };

/// What a select waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To commit to a case.
    Choose,
    /// To know that a case is ready.
    Observe,
}

/// How a wait ended.
pub(super) enum Ended {
    /// The case with this index was committed to.
    Started(usize, Started),
    /// The case with this index was told that it may go on.
    Told(usize),
    /// Something has changed.
    Look,
    TimedOut,
}

/// Registers with every case under one ticket, looks once more, and waits.
///
/// Whoever comes to any of the cases wins the ticket, and with it the whole select: the others find it dead. Two selects that meet each
/// other in two channels may both see the other when they look; then both withdraw and begin anew, after a while that differs.
pub(super) fn wait(cases: &[Entry<'_>], purpose: Purpose, buffer: &mut Buffer, deadline: Option<Instant>) -> Ended {
    // Only one of them is ever put there, so they share the room.
    let size = cases.iter().map(|entry| entry.case.layout().size()).max().unwrap_or(0);
    let align = cases.iter().map(|entry| entry.case.layout().align()).max().unwrap_or(1);
    let layout = std::alloc::Layout::from_size_align(size, align).expect("each of the two is that of a message");
    let message = buffer.room_for(layout.pad_to_align());
    let frame = |entry: &Entry<'_>| {
        Frame::new(if purpose == Purpose::Observe { Mode::Observe } else { entry.case.mode() }, message)
    };
    if cases.len() <= INLINE {
        let frames: [Frame; INLINE] = std::array::from_fn(|i| match cases.get(i) {
            Some(entry) => frame(entry),
            None => Frame::new(Mode::Observe, message),
        });
        wait_with(cases, &frames[..cases.len()], deadline)
    } else {
        let frames: Vec<Frame> = cases.iter().map(frame).collect();
        wait_with(cases, &frames, deadline)
    }
}

/// What is registered; forsaken when the wait has ended, except for what somebody has taken out.
struct Registered<'a> {
    cases: &'a [Entry<'a>],
    frames: &'a [Frame],
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        for (entry, frame) in self.cases.iter().zip(self.frames) {
            if frame.outcome() == Outcome::Waiting {
                entry.case.forsake();
            }
        }
    }
}

fn wait_with(cases: &[Entry<'_>], frames: &[Frame], deadline: Option<Instant>) -> Ended {
    let registered = Registered { cases, frames };
    let waiter = Waiter::begin().because(Reason::Select);
    let ticket = waiter.ticket();
    for (entry, frame) in cases.iter().zip(frames) {
        entry.case.register(ticket, frame);
    }
    let timers = cases.iter().filter_map(|entry| entry.case.deadline());
    let deadline = timers.chain(deadline).min();
    // The look after registering. Who only watches has nothing for others who do.
    let telling = frames.iter().any(|frame| frame.mode() != Mode::Observe);
    if cases.iter().any(|entry| entry.case.is_ready(Some(ticket), telling)) {
        if waiter.withdraw() {
            return Ended::Look;
        }
    } else if waiter.wait(deadline) == Waited::TimedOut {
        return Ended::TimedOut;
    }
    let ended = frames.iter().enumerate().find_map(|(index, frame)| {
        Some(match frame.outcome() {
            Outcome::Waiting => return None,
            Outcome::Retry => Ended::Look,
            Outcome::Told => Ended::Told(index),
            Outcome::Done => Ended::Started(index, Started::Received),
            Outcome::Closed => Ended::Started(index, Started::Send(SendToken::Disconnected)),
            Outcome::Coming => return found(frame).map(|started| Ended::Started(index, started)),
        })
    });
    drop(registered);
    ended.unwrap_or(Ended::Look)
}

/// The two sides of a rendezvous have found each other, and the message is not there yet.
fn found(frame: &Frame) -> Option<Started> {
    match NonNull::new(frame.partner().cast_mut()) {
        Some(receiver) => Some(Started::Send(SendToken::Receiver(receiver))),
        None => frame.wait_for_message().then_some(Started::Received),
    }
}
