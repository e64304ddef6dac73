//! A runtime that allocates nothing of its own meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use tasklets::{Handle, spawn, yield_now};

/// While it lives no worker sleeps. A worker that has nothing to do looks around for work and for deadlocks, and that allocates.
pub(crate) struct Awake(Arc<AtomicBool>);

impl Awake {
    /// Keeps the workers of the current runtime busy with yielding.
    pub(crate) fn new() -> Self {
        let workers = Handle::current().workers();
        let (all, over, busy) =
            (Arc::new(Barrier::new(workers)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..workers {
            let (all, over, busy) = (all.clone(), over.clone(), busy.clone());
            spawn(move || {
                // It blocks the worker, so that each gets one of these.
                all.wait();
                busy.fetch_add(1, SeqCst);
                while !over.load(SeqCst) {
                    yield_now();
                }
            });
        }
        while busy.load(SeqCst) < workers {
            yield_now();
        }
        Self(over)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
