//! Where a worker of a model sleeps.

use loom::sync::{Condvar, Mutex};

/// An event descriptor: a wake stays until it has been slept on. Like the kernel's it synchronises its two sides, but
/// only if somebody sleeps.
#[derive(Debug, Default)]
pub struct Poller {
    woken: Mutex<bool>,
    sleeper: Condvar,
}

impl Poller {
    /// Sleeps until there is a wake, and takes it. If there never is one, loom reports a deadlock.
    pub fn sleep(&self) {
        let mut woken = self.woken.lock().expect("nothing panics under this lock");
        while !*woken {
            woken = self.sleeper.wait(woken).expect("nothing panics under this lock");
        }
        *woken = false;
    }

    /// Wakes the sleeper, or the next sleep.
    pub fn wake(&self) {
        *self.woken.lock().expect("nothing panics under this lock") = true;
        self.sleeper.notify_one();
    }
}
