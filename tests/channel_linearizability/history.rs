//! What a run of a program looked like from outside.

use crate::channel_oracle::Event;
use std::fmt;

/// An operation between two readings of the one clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) actor: usize,
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) event: Event,
}

/// All operations on one channel.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// None: unbounded.
    pub(crate) capacity: Option<usize>,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    pub(crate) operations: Vec<Operation>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "capacity {:?}, {} senders, {} receivers", self.capacity, self.senders, self.receivers)?;
        let mut operations = self.operations.clone();
        operations.sort_by_key(|operation| operation.began);
        for Operation { actor, began, ended, event } in operations {
            writeln!(f, "actor {actor} [{began:3} .. {ended:3}] {event:?}")?;
        }
        Ok(())
    }
}
