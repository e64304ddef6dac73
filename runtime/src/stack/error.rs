//! Why there is no stack.

use std::error::Error;
use std::fmt;
use std::io;

/// Why stacks could not be had.
#[derive(Debug)]
pub(crate) enum StackError {
    /// The runtime's own limit on live tasklets.
    Limit {
        /// The limit.
        max: usize,
    },
    /// The kernel allows a process no more mappings, and every guard that is a protected page needs two.
    MapLimit {
        /// Stacks of this process that have such a guard.
        stacks: usize,
        /// The value of `vm.max_map_count`.
        max_map_count: usize,
    },
    /// The kernel gave no address space.
    Map {
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel did not make a guard, for another reason than the number of mappings.
    Guard {
        /// What the kernel said.
        source: io::Error,
    },
    /// No stack can be this large.
    Size {
        /// Bytes asked for.
        asked: usize,
        /// The most there can be, in bytes.
        max: usize,
    },
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StackError::Limit { max } => write!(
                f,
                "no stack: the runtime's limit of {max} live tasklets is reached; raise it, or wait for some to end"
            ),
            StackError::MapLimit { stacks, max_map_count } => write!(
                f,
                "no stack: {stacks} stacks with a protected guard page exist, each takes two mappings, and \
                 vm.max_map_count = {max_map_count} leaves no more; raise it (sysctl -w vm.max_map_count={}) and \
                 restart the program, or use Linux 6.13 or later, where guards take no mappings",
                max_map_count.saturating_mul(8)
            ),
            StackError::Map { bytes, source } => write!(
                f,
                "no stack: mapping {} KiB of address space failed: {source}; ask for smaller stacks or raise the \
                 limit on address space (ulimit -v, or vm.overcommit_memory = 2, which counts it as memory)",
                bytes >> 10
            ),
            StackError::Guard { source } => {
                write!(f, "no stack: the kernel did not make a guard page: {source}")
            }
            StackError::Size { asked, max } => {
                write!(f, "no stack: {asked} bytes are too many for one stack, the most is {max}")
            }
        }
    }
}

impl Error for StackError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StackError::Map { source, .. } | StackError::Guard { source } => Some(source),
            StackError::Limit { .. } | StackError::MapLimit { .. } | StackError::Size { .. } => None,
        }
    }
}

impl From<StackError> for io::Error {
    fn from(error: StackError) -> io::Error {
        io::Error::new(io::ErrorKind::OutOfMemory, error)
    }
}
