//! What a channel must do, twice: as a locked channel that can be run, and as a specification that histories are held against.

mod locked;
mod specification;

pub(crate) use locked::Locked;
pub(crate) use specification::{Accepted, Event, Received, Specification};
