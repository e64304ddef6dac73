//! Ctrl-C, and the request to end that service managers send.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// The status of a process that was interrupted, as shells count it.
const INTERRUPTED: i32 = 130;

/// The first signal is something to wait for, the second ends the process.
#[derive(Debug)]
pub(crate) struct Interrupt {
    signals: Signals,
}

impl Interrupt {
    /// From here on signals do not end the process, except a second one.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        let asked_before = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order, or the first signal would already see the flag that it sets.
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked_before))?;
            flag::register(signal, Arc::clone(&asked_before))?;
        }
        Ok(Interrupt { signals: Signals::new([SIGINT, SIGTERM])? })
    }

    /// Waits for the first signal, without holding up a worker.
    pub(crate) fn wait(mut self) {
        tasklets::unblock(move || self.signals.forever().next());
    }
}
