//! What a row of crossbeam-channel's suite is: who sends to whom, through how large a channel.

/// Tasks on each side that has several, as in the suite.
pub(super) const TASKS: u64 = 4;

/// Who sends to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One task sends everything and then receives it.
    Seq,
    /// One task sends, the main task receives.
    Spsc,
    /// Four tasks send, the main task receives.
    Mpsc,
    /// Four tasks send, four others receive.
    Mpmc,
}

impl Shape {
    /// Tasks that only send.
    pub(super) fn senders(self) -> u64 {
        match self {
            Self::Seq => 0,
            Self::Spsc => 1,
            Self::Mpsc | Self::Mpmc => TASKS,
        }
    }
}

/// How much a channel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capacity {
    /// So many messages; 0 is a rendezvous.
    Fixed(usize),
    /// All messages of a round.
    Everything,
    /// Whatever is sent.
    Unlimited,
}

impl Capacity {
    /// The capacity for a round of so many messages, `None` if there is no limit.
    pub(super) fn limit(self, messages: u64) -> Option<usize> {
        match self {
            Self::Fixed(limit) => Some(limit),
            Self::Everything => Some(usize::try_from(messages).expect("a number of messages that fits into memory")),
            Self::Unlimited => None,
        }
    }
}

/// The messages of the sender of this number, out of `senders` that share them evenly.
pub(super) fn share(messages: u64, sender: u64, senders: u64) -> std::ops::Range<u64> {
    let each = messages / senders;
    sender * each..(sender + 1) * each
}

/// What all messages of a round add up to: the messages are 0, 1, 2 and so on.
pub(super) fn sum(messages: u64) -> u64 {
    messages * (messages - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_all_messages() {
        let all: Vec<u64> = (0..TASKS).flat_map(|sender| share(20, sender, TASKS)).collect();
        assert_eq!(all, (0..20).collect::<Vec<u64>>());
        assert_eq!(sum(20), all.iter().sum());
    }
}
