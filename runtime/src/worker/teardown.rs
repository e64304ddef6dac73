//! The end of a runtime: every tasklet is told to end and unwinds on its home, then the workers leave.
//!
//! 1. [`Shared::end`](crate::shared::Shared::end) sets the flag and wakes everybody.
//! 2. Each worker cancels what is suspended at its home, once; what waits for good reason (in a destructor, for a scope's children)
//!    unwinds at its next wait. Fresh tasks and futures are run as before but told to drop what they hold. Destructors may
//!    wait, spawn and join: the scheduler works to the end.
//! 3. A worker with nothing left is *quiet*; when all are, no task is left and nobody can make one, so the runtime has
//!    finished.
//! 4. The workers leave their loops, then their threads end and thread-locals die, after all that might have used them.
//!
//! A tasklet that neither ends nor waits keeps its worker: whoever waits for the end gives up at a deadline and reports.

use super::Worker;

impl Worker {
    pub(super) fn run_until_the_end(&self) {
        while !self.shared.is_finished() {
            while let Some(next) = self.next() {
                self.run(next);
            }
            if let Some(next) = self.idle() {
                self.run(next);
            }
        }
    }

    /// Tells what is suspended here, and what is suspended nowhere in particular, to end.
    ///
    /// Once is enough for what belongs here and for futures: whatever this worker starts or polls afterwards is told from the
    /// start, since it has seen the flag. A migrating tasklet may begin its wait elsewhere just now, so those are told again.
    pub(super) fn cancel_started(&self) {
        self.shared.migrants.for_each(|fiber| {
            if fiber.context.cancel() {
                if fiber.may_migrate() {
                    self.shared.inject(fiber.runnable());
                } else {
                    self.shared.send_home(fiber.node.home(), fiber.runnable());
                }
            }
        });
        if self.home.told_to_end.replace(true) {
            return;
        }
        self.home.started.for_each_while(|fiber| {
            if fiber.context.cancel() {
                self.home.ready.push_back(fiber.runnable());
            }
            true
        });
        self.shared.futures.wake_all();
    }
}
