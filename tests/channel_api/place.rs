//! Where a test runs: on OS threads or in tasklets.

use tasklets::Runtime;

/// How many messages are some: few under Miri, which takes a thousand times as long for each.
pub(crate) const SOME: u32 = if cfg!(miri) { 6 } else { 500 };

/// Where a test runs, and what it spawns there.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Threads,
    /// With so many workers.
    Tasklets(usize),
}

/// What was spawned.
pub(crate) enum Running<R> {
    Thread(std::thread::JoinHandle<R>),
    Tasklet(tasklets::JoinHandle<R>),
}

impl Place {
    /// Runs a test here.
    pub(crate) fn run(self, test: fn(Place)) {
        match self {
            Self::Threads => test(self),
            Self::Tasklets(workers) => {
                Runtime::builder().workers(workers).build().unwrap().run(move || test(self));
            }
        }
    }

    pub(crate) fn spawn<R: Send + 'static>(self, f: impl FnOnce() -> R + Send + 'static) -> Running<R> {
        match self {
            Self::Threads => Running::Thread(std::thread::spawn(f)),
            Self::Tasklets(_) => Running::Tasklet(tasklets::spawn(f)),
        }
    }
}

impl<R> Running<R> {
    #[track_caller]
    pub(crate) fn join(self) -> R {
        match self {
            Self::Thread(thread) => thread.join().unwrap(),
            Self::Tasklet(tasklet) => tasklet.join().unwrap(),
        }
    }
}

/// Makes a test for each place of each function.
macro_rules! everywhere {
    ($(fn $name:ident($place:pat) $body:block)*) => {$(
        mod $name {
            use super::*;
            use crate::place::Place;

            fn test($place: Place) $body

            #[test]
            fn on_threads() {
                Place::Threads.run(test);
            }

            #[test]
            fn on_one_worker() {
                Place::Tasklets(1).run(test);
            }

            #[test]
            fn on_two_workers() {
                Place::Tasklets(2).run(test);
            }
        }
    )*};
}

pub(crate) use everywhere;
