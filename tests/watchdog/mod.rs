//! Who waits for a message that was lost waits for ever: a test that hangs shall fail, and say so.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

const STARTING: u8 = 0;
const WATCHING: u8 = 1;
const OVER: u8 = 2;

/// Ends the process if it lives so long that there must be a hang, however loaded the machine.
pub(crate) struct Watchdog {
    state: Arc<AtomicU8>,
    thread: Thread,
}

impl Watchdog {
    /// Watches `test`, for as long as two minutes and `more` are enough. What it allocates it has allocated when this returns.
    pub(crate) fn new(test: &str, more: Duration) -> Self {
        let state = Arc::new(AtomicU8::new(STARTING));
        let (test, shared) = (test.to_owned(), state.clone());
        let watches = thread::spawn(move || watch(&test, &shared, Instant::now() + Duration::from_secs(120) + more));
        while state.load(SeqCst) == STARTING {
            thread::yield_now();
        }
        Self { state, thread: watches.thread().clone() }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.state.store(OVER, SeqCst);
        self.thread.unpark();
    }
}

fn watch(test: &str, state: &AtomicU8, deadline: Instant) {
    state.store(WATCHING, SeqCst);
    while state.load(SeqCst) != OVER {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            eprintln!("{test} hangs: somebody waits for what has come, or for what was lost");
            process::abort();
        }
        thread::park_timeout(left);
    }
}
