//! What each operation may do to a channel, and what it may answer: a sequential machine without threads or time.
//!
//! An operation takes effect at one instant of its interval, with one relaxation. **A send in progress may hold its place in the
//! buffer before its message can be seen.** It then takes effect in two instants, both inside its interval:
//!
//! * `reserve`: it takes the next place. The channel may be full because of it, and `len` may count it.
//! * `publish`: its message is there, at that place.
//!
//! A receive never waits for a message that is not published. It may, at any instant of its interval, *skip* the foremost place if
//! that is only reserved: the place is gone, and the send must reserve another. So a send that was overtaken is ordered as late as
//! its last place, and one that fails may have held a place for a while. A receive that finds nothing has skipped all that was
//! reserved. Receives have no such freedom: a message and its room go at the same instant.
//!
//! | operation                        | may take effect when                                      | and then                               |
//! |----------------------------------|-----------------------------------------------------------|----------------------------------------|
//! | send, not holding a place        | open, and fewer places taken than the capacity            | holds the last place                   |
//! | send -> accepted                 | it holds a place                                          | the message there can be seen          |
//! | send -> full                     | open, all places taken, none by it                        |                                        |
//! | send, receive -> timed out       | (a send holds no place)                                   |                                        |
//! | send -> disconnected             | closed, and it holds no place                             |                                        |
//! | receive                          | the foremost place is only reserved                       | that place is gone                     |
//! | receive -> message               | it is at the foremost place                               | message and place are gone             |
//! | receive -> empty                 | open, no place taken                                      |                                        |
//! | receive -> disconnected          | closed, no place taken                                    |                                        |
//! | close                            | answers whether it was open                               | closed                                 |
//! | length -> n                      | n is between the published and all places taken           |                                        |
//! | emptiness -> e                   | as for length                                             |                                        |
//! | hang-up of the last sender       |                                                           | closed                                 |
//! | hang-up of the last receiver     | in steps: close, remove the foremost place, and so on; it ends when there is none | closed, empty  |
//!
//! With capacity zero there are no places. An accepted send and a receive of its message take effect together, at an instant of both
//! intervals, while the channel is open. One of the two must be of the kind that waits: `try_send` succeeds only if a receiver
//! waits, and `try_recv` only if a sender does. The two may answer "full" and "empty" at any time while the channel is open, since
//! no history shows from when on the other side waits.

use std::collections::VecDeque;

/// How a send ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    Yes,
    Full,
    TimedOut,
    Disconnected,
}

/// How a receive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Message(u32),
    Empty,
    TimedOut,
    Disconnected,
}

/// An operation and what it answered. `waits`: whether it is of the kind that waits for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// No two sends of a history have the same message.
    Send {
        message: u32,
        waits: bool,
        accepted: Accepted,
    },
    Receive {
        waits: bool,
        received: Received,
    },
    /// Whether it was this call that closed.
    Close(bool),
    Length(usize),
    Emptiness(bool),
    HangUpSender,
    HangUpReceiver,
}

/// The state of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Specification {
    capacity: usize,
    places: VecDeque<Place>,
    closed: bool,
    senders: usize,
    receivers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    message: u32,
    published: bool,
}

/// Something that may happen next.
pub(crate) struct Step {
    pub(crate) state: Specification,
    /// The operations whose effect is complete with it: none, one, or the two of a rendezvous.
    pub(crate) completed: Vec<usize>,
}

impl Specification {
    /// A channel with this many ends on each side. No capacity: unbounded.
    pub(crate) fn new(capacity: Option<usize>, senders: usize, receivers: usize) -> Self {
        let closed = senders == 0 || receivers == 0;
        Self { capacity: capacity.unwrap_or(usize::MAX), places: VecDeque::new(), closed, senders, receivers }
    }

    /// All that may happen next while the operations `active` (indices into `events`) are in progress.
    pub(crate) fn steps(&self, events: &[Event], active: &[usize]) -> Vec<Step> {
        let mut steps = Vec::new();
        for &index in active {
            match events[index] {
                Event::Send { message, waits, accepted } if self.capacity > 0 => {
                    self.send(index, message, waits, accepted, &mut steps);
                }
                Event::Receive { received, .. } if self.capacity > 0 => self.receive(index, received, &mut steps),
                Event::Send { accepted: Accepted::Yes, .. } => self.meet(index, events, active, &mut steps),
                Event::Send { accepted, .. } => {
                    if (accepted == Accepted::Disconnected) == self.closed || accepted == Accepted::TimedOut {
                        steps.push(self.completing(index));
                    }
                }
                // A receive of a message is completed by its send.
                Event::Receive { received: Received::Message(_), .. } => {}
                Event::Receive { received, .. } => {
                    if (received == Received::Disconnected) == self.closed || received == Received::TimedOut {
                        steps.push(self.completing(index));
                    }
                }
                Event::Close(first) => {
                    if first != self.closed {
                        steps.push(Step { state: Self { closed: true, ..self.clone() }, completed: vec![index] });
                    }
                }
                Event::Length(length) => {
                    if (self.published()..=self.places.len()).contains(&length) {
                        steps.push(self.completing(index));
                    }
                }
                Event::Emptiness(empty) => {
                    if if empty { self.published() == 0 } else { !self.places.is_empty() } {
                        steps.push(self.completing(index));
                    }
                }
                Event::HangUpSender => {
                    let mut step = self.completing(index);
                    step.state.senders -= 1;
                    step.state.closed |= step.state.senders == 0;
                    steps.push(step);
                }
                Event::HangUpReceiver => self.hang_up_receiver(index, &mut steps),
            }
        }
        steps
    }

    fn send(&self, index: usize, message: u32, waits: bool, accepted: Accepted, steps: &mut Vec<Step>) {
        let place = self.places.iter().position(|place| place.message == message);
        if place.is_none() && !self.closed && self.places.len() < self.capacity {
            let mut step = Step { state: self.clone(), completed: Vec::new() };
            step.state.places.push_back(Place { message, published: false });
            steps.push(step);
        }
        match (place, accepted) {
            (Some(place), Accepted::Yes) => {
                let mut step = self.completing(index);
                step.state.places[place].published = true;
                steps.push(step);
            }
            (None, Accepted::Full) if !waits && !self.closed && self.places.len() >= self.capacity => {
                steps.push(self.completing(index));
            }
            (None, Accepted::TimedOut) if waits => steps.push(self.completing(index)),
            (None, Accepted::Disconnected) if self.closed => steps.push(self.completing(index)),
            _ => {}
        }
    }

    fn receive(&self, index: usize, received: Received, steps: &mut Vec<Step>) {
        let foremost = self.places.front();
        if foremost.is_some_and(|place| !place.published) {
            let mut step = Step { state: self.clone(), completed: Vec::new() };
            step.state.places.pop_front();
            steps.push(step);
        }
        let possible = match received {
            Received::Message(message) => foremost == Some(&Place { message, published: true }),
            Received::Empty => !self.closed && foremost.is_none(),
            Received::TimedOut => true,
            Received::Disconnected => self.closed && foremost.is_none(),
        };
        if possible {
            let mut step = self.completing(index);
            if matches!(received, Received::Message(_)) {
                step.state.places.pop_front();
            }
            steps.push(step);
        }
    }

    /// A send and a receive meet, without a buffer between them.
    fn meet(&self, send: usize, events: &[Event], active: &[usize], steps: &mut Vec<Step>) {
        let Event::Send { message, waits: sender_waits, .. } = events[send] else { return };
        for &receive in active {
            if let Event::Receive { waits, received } = events[receive]
                && received == Received::Message(message)
                && (waits || sender_waits)
                && !self.closed
            {
                steps.push(Step { state: self.clone(), completed: vec![send, receive] });
            }
        }
    }

    fn hang_up_receiver(&self, index: usize, steps: &mut Vec<Step>) {
        let mut step = Step { state: self.clone(), completed: Vec::new() };
        if self.receivers > 1 || (self.closed && self.places.is_empty()) {
            step.state.receivers -= 1;
            step.completed.push(index);
        } else if self.closed {
            step.state.places.pop_front();
        } else {
            step.state.closed = true;
        }
        steps.push(step);
    }

    fn published(&self) -> usize {
        self.places.iter().filter(|place| place.published).count()
    }

    fn completing(&self, index: usize) -> Step {
        Step { state: self.clone(), completed: vec![index] }
    }
}
