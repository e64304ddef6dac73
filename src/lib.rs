//! Tasklets.
pub use tasklets_runtime::*;
