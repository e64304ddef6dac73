//! Finding out that every tasklet waits for another.
//!
//! When all workers sleep although somebody waits in `run`, the monitor asks each worker what its suspended tasklets wait for. If
//! one of them waits for something outside (a socket, a deadline, a thread, a future), or a worker had something to do meanwhile,
//! nothing is wrong. Otherwise nothing that the runtime knows of can wake any of them, and it says so, with their names. A thread of
//! the program's own may still do so: it is a report, not an end.

use crate::fiber::Fiber;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many tasklets a report names.
const NAMED: usize = 20;

/// One round of questions.
#[derive(Debug, Default)]
pub(crate) struct Survey(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// So that an answer to an earlier round, from a worker that was busy, is not taken for one to this.
    round: u64,
    /// Workers that have not answered.
    missing: usize,
    /// Something outside can wake somebody.
    external: bool,
    waiting: usize,
    report: String,
}

impl Survey {
    fn lock(&self) -> MutexGuard<'_, Answers> {
        // A report that lacks a line is no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Monitor: begins a round, and returns its number.
    pub(crate) fn begin(&self, workers: usize) -> u64 {
        let mut answers = self.lock();
        *answers = Answers { round: answers.round + 1, missing: workers, ..Answers::default() };
        answers.round
    }

    /// Worker: answers with what is suspended at its home. Returns whether it was the last to answer.
    pub(crate) fn answer(&self, round: u64, suspended: impl FnOnce(&mut dyn FnMut(&Fiber))) -> bool {
        let mut answers = self.lock();
        if answers.round != round {
            return false;
        }
        suspended(&mut |fiber| {
            let reason = fiber.context.reason();
            answers.external |= reason.is_external() || fiber.card.timer.is_linked();
            answers.waiting += 1;
            if answers.waiting <= NAMED {
                let _ = writeln!(answers.report, "  {} waits for {}", fiber.label, reason.describe());
            }
        });
        answers.missing = answers.missing.saturating_sub(1);
        answers.missing == 0
    }

    /// Monitor: the report, if all have answered and nobody can be woken.
    pub(crate) fn finding(&self) -> Option<String> {
        let answers = self.lock();
        if answers.missing > 0 || answers.external || answers.waiting == 0 {
            return None;
        }
        let more = answers.waiting.saturating_sub(NAMED);
        let tail = if more > 0 { format!("  and {more} more\n") } else { String::new() };
        Some(format!(
            "tasklets: every tasklet waits, and nothing known to the runtime can wake one (a thread of the program still may):\n{}{tail}",
            answers.report
        ))
    }
}
