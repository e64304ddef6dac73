//! What a runtime is built with, and where the defaults come from.

use crate::stack::GuardKind;

/// Bytes of address space of a stack unless told otherwise.
const DEFAULT_STACK_SIZE: usize = 256 << 10;

/// The choices of a [`RuntimeBuilder`](crate::RuntimeBuilder), all made.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) workers: usize,
    pub(crate) stack_size: usize,
    pub(crate) max_tasklets: Option<usize>,
    pub(crate) fifo: bool,
    pub(crate) thread_name: String,
    pub(crate) guards: GuardKind,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: number_from_environment("TASKLETS_WORKERS").unwrap_or_else(num_cpus::get).max(1),
            stack_size: number_from_environment("TASKLETS_STACK_SIZE").unwrap_or(DEFAULT_STACK_SIZE),
            max_tasklets: None,
            fifo: false,
            thread_name: "tasklets".to_owned(),
            guards: match std::env::var("TASKLETS_STACK_GUARD").as_deref() {
                Ok("protect") => GuardKind::Protect,
                _ => GuardKind::Auto,
            },
        }
    }
}

/// A positive number, if the variable holds one. Anything else counts as unset: a program should not fail to start for the
/// sake of a tuning knob.
fn number_from_environment(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok().filter(|&n| n > 0)
}
