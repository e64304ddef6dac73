//! What a context waits for, in a word, for reports.

/// What a context waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing that has a name here.
    Other,
    /// The permit of `park`.
    Permit,
    /// The end of a task.
    Join,
    /// The end of a scope's tasks, or of the other half of a join.
    Children,
    /// A future, whose waker may be anywhere.
    Future,
    /// A socket.
    Socket,
    /// A closure on a thread that may block.
    Thread,
    /// A receiver, or room in a channel.
    Send,
    /// A message.
    Receive,
    /// One of several operations on channels.
    Select,
    /// Something of `sync`: a lock, a permit, a condition, a value to come.
    Lock,
}

impl Reason {
    pub(crate) fn from_number(number: u8) -> Self {
        use Reason::*;
        let all = [Other, Permit, Join, Children, Future, Socket, Thread, Send, Receive, Select, Lock];
        all.into_iter().find(|&reason| reason as u8 == number).unwrap_or(Other)
    }

    /// Completes "waits for ..".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Other => "something",
            Self::Permit => "unpark",
            Self::Join => "another task to end",
            Self::Children => "the tasks it started to end",
            Self::Future => "a future",
            Self::Socket => "a socket",
            Self::Thread => "a closure that may block",
            Self::Lock => "a lock or the like",
            Self::Send => "room in a channel",
            Self::Receive => "a message",
            Self::Select => "one of several channels",
        }
    }

    /// Whether something outside the runtime's tasks, but known to it, will end such a wait; or may, for all it knows.
    pub fn is_external(self) -> bool {
        matches!(self, Self::Other | Self::Future | Self::Socket | Self::Thread)
    }
}
