//! What a benchmark consists of.

use std::fmt;

use crate::failure::Failure;

/// The name of our side, the one that ratios refer to.
pub(crate) const OURS: &str = "tasklets";

/// The name of the side on which tasklets may change threads (`spawn_migrating`), a program of its own.
pub(crate) const MIGRATING: &str = "tasklets-migrating";

/// One question, put to several sides.
#[derive(Debug)]
pub(crate) struct Workload {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What is done, in one line.
    pub(crate) about: &'static str,
    /// What each round yields, in the order of a round's figures.
    pub(crate) quantities: &'static [Quantity],
    /// Programs that must be installed.
    pub(crate) needs: &'static [&'static str],
    /// Whether each round wants a process that did nothing before; then there is no warm-up either.
    pub(crate) fresh_process: bool,
    /// Those who do it, ours first.
    pub(crate) sides: &'static [Side],
}

/// One figure of a round.
#[derive(Debug)]
pub(crate) struct Quantity {
    /// What is counted, with its unit.
    pub(crate) name: &'static str,
    /// Decimals worth printing.
    pub(crate) decimals: usize,
    /// Which way is good.
    pub(crate) better: Better,
}

/// Which way a quantity is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Times and sizes.
    Less,
    /// A time over that which perfect use of this number of workers would take.
    OverIdeal,
    /// Rates.
    More,
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less | Self::OverIdeal => "less is better",
            Self::More => "more is better",
        })
    }
}

/// One runtime's way to do a workload.
#[derive(Debug)]
pub(crate) struct Side {
    /// The runtime's name, as `--peers` takes it.
    pub(crate) name: &'static str,
    /// Sets up what all rounds share, untimed. Called once in a process.
    pub(crate) start: fn(Scale) -> Started,
}

/// How large a workload is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Worker threads of the runtime.
    pub(crate) workers: usize,
    /// Whether rough figures soon are preferred.
    pub(crate) quick: bool,
}

impl Scale {
    /// The first in a full run, the second in a quick one.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Does the work once and returns one figure for each of the workload's quantities.
///
/// A side may also panic: it is alone in its process, and the panic's message becomes its failure.
pub(crate) type Round = Box<dyn FnMut() -> Result<Vec<f64>, Failure>>;

/// A side that is ready for its rounds.
pub(crate) type Started = Result<Round, Failure>;
