//! Finding out that every tasklet waits for another.
//!
//! When all workers sleep although somebody waits in `run`, the monitor asks each worker what its suspended tasklets wait for. If
//! one of them waits for something outside (a socket, a deadline, a thread, a future), or a worker had something to do meanwhile,
//! nothing is wrong. Otherwise nothing that the runtime knows of can wake any of them, and it says so, with their names. A thread of
//! the program's own may still do so: it is a report, not an end.

use crate::label::Label;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tasklets_park::Reason;

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

    /// Worker: answers for its home. `suspended` gives what is suspended there, one by one, to the function it gets, which tells
    /// whether that waits for something outside, and returns whether something there does. It need not go on once it knows, and
    /// must not: there may be a million, each on a page that is in no cache. Returns whether this was the last to answer.
    pub(crate) fn answer(
        &self,
        round: u64,
        suspended: impl FnOnce(&mut dyn FnMut(Reason, &Label) -> bool) -> bool,
    ) -> bool {
        let mut answers = self.lock();
        if answers.round != round {
            return false;
        }
        answers.external = answers.external
            || suspended(&mut |reason, label| {
                answers.waiting += 1;
                if answers.waiting <= NAMED {
                    let _ = writeln!(answers.report, "  {label} waits for {}", reason.describe());
                }
                reason.is_external()
            });
        answers.missing = answers.missing.saturating_sub(1);
        answers.missing == 0
    }

    /// Monitor: whether all have answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.lock().missing == 0
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A look at each of a million sleepers took a worker 160 ms, each time that all of them slept.
    #[test]
    fn nobody_is_looked_at_who_need_not_be() {
        let survey = Survey::default();
        let round = survey.begin(3);
        assert!(!survey.answer(round, |each| each(Reason::Permit, &Label::default())));
        assert!(!survey.answer(round, |each| each(Reason::Socket, &Label::default())));
        assert!(survey.answer(round, |_| panic!("it is known already that something outside can wake somebody")));
        assert_eq!(survey.finding(), None);
    }

    #[test]
    fn everyone_is_counted_if_nothing_outside_can_wake_them() {
        let survey = Survey::default();
        let round = survey.begin(1);
        assert!(!survey.answer(round - 1, |_| panic!("an earlier round")));
        assert!(survey.answer(round, |each| (0..NAMED + 2).any(|_| each(Reason::Receive, &Label::default()))));
        let report = survey.finding().expect("nobody can be woken");
        assert!(report.contains("waits for a message") && report.ends_with("and 2 more\n"), "{report}");
    }
}
