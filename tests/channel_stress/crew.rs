//! Who sends and receives: tasklets of a runtime and threads, half and half. Under Miri threads alone.

use crate::watchdog::Watchdog;
use std::thread;
use std::time::Duration;
use tasklets::Runtime;

/// A part of a test that runs beside the others.
pub(crate) type Part<'a> = Box<dyn FnOnce() + Send + 'a>;

/// A runtime with so many workers.
pub(crate) fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().expect("there are threads")
}

/// What runs the parts of a test.
pub(crate) struct Crew(Option<Runtime>);

impl Crew {
    /// With so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self((!cfg!(miri)).then(|| runtime(workers)))
    }

    /// Runs the parts at the same time, every other one in a tasklet.
    ///
    /// # Panics
    /// If one of them does.
    pub(crate) fn run_all(&self, parts: Vec<Part<'_>>) {
        let on_thread = |part: &(usize, _)| part.0 % 2 == 1 || self.0.is_none();
        let (on_threads, in_tasklets): (Vec<_>, Vec<_>) = parts.into_iter().enumerate().partition(on_thread);
        thread::scope(|threads| {
            for (_, part) in on_threads {
                threads.spawn(part);
            }
            let Some(runtime) = &self.0 else { return };
            runtime.run(|| {
                tasklets::scope(|tasklets| {
                    for (_, part) in in_tasklets {
                        tasklets.spawn(part);
                    }
                });
            });
        });
    }
}

/// Messages for the traffic, which the environment may multiply.
pub(crate) fn messages() -> u64 {
    let number = std::env::var("CHANNEL_STRESS_MESSAGES");
    number.map_or(if cfg!(miri) { 400 } else { 400_000 }, |number| {
        number.parse().expect("CHANNEL_STRESS_MESSAGES is a number")
    })
}

/// Watches over `test`, with more patience the more traffic there is.
pub(crate) fn watch(test: &str) -> Watchdog {
    Watchdog::new(test, Duration::from_micros(100 * messages()))
}
