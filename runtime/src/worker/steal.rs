//! Taking work from other workers.

use super::Worker;
use super::run::Next;
use crate::jobs::{Oldest, Steal as StealJob};
use crossbeam_deque::Steal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a worker must run one thing, under a thief's eyes, before a task that is alone in its deque is taken. See
/// [Placement](super).
pub(crate) const LONE_PATIENCE: Duration = Duration::from_micros(20);

/// How long half of a join may stay private under a thief's eyes before it is made public: about as long as that takes. An owner that
/// joins all the time does it by itself within nanoseconds.
const PRIVATE_PATIENCE: Duration = Duration::from_micros(5);

/// What a searcher has seen of the others.
pub(super) struct Watch {
    seen: Vec<Seen>,
    /// Some worker has something that may be taken soon.
    pub(super) soon: bool,
}

/// What it has seen of one.
struct Seen {
    /// What it runs, as a number of turns, and since when.
    turns: (u64, Instant),
    /// Its oldest half of a join, if that is private, and since when.
    private: Option<(Oldest, Instant)>,
}

impl Watch {
    pub(super) fn new(worker: &Worker, now: Instant) -> Self {
        let turns = worker.shared.workers.iter().map(|remote| remote.turns.load(Ordering::Relaxed));
        Self { seen: turns.map(|turns| Seen { turns: (turns, now), private: None }).collect(), soon: false }
    }
}

impl Worker {
    /// Looks at every other worker once, from a random one on.
    pub(super) fn steal(&self, watch: &mut Watch, now: Instant) -> Option<Next> {
        watch.soon = false;
        let workers = self.shared.workers.len();
        let from = self.random_below(workers);
        (from..from + workers)
            .map(|i| i % workers)
            .filter(|&v| v != self.index)
            .find_map(|victim| self.steal_job(victim, watch, now).or_else(|| self.steal_fresh(victim, watch, now)))
    }

    /// The oldest half of a join: likely the largest piece of work there.
    fn steal_job(&self, victim: usize, watch: &mut Watch, now: Instant) -> Option<Next> {
        let jobs = &self.shared.workers[victim].jobs;
        let oldest = match jobs.steal() {
            StealJob::Taken(job) => return Some(Next::Job(job)),
            StealJob::Private(oldest) => Some(oldest),
            StealJob::Empty => None,
        };
        // What is offered next is for us.
        jobs.call();
        let private = &mut watch.seen[victim].private;
        if private.map(|(oldest, _)| oldest) != oldest {
            *private = oldest.map(|oldest| (oldest, now));
        }
        let (oldest, since) = (*private)?;
        if now.saturating_duration_since(since) < PRIVATE_PATIENCE {
            watch.soon = true;
            return None;
        }
        jobs.publish(oldest);
        // If it is gone, somebody else has it, and the owner was called.
        if let StealJob::Taken(job) = jobs.steal() { Some(Next::Job(job)) } else { None }
    }

    fn steal_fresh(&self, victim: usize, watch: &mut Watch, now: Instant) -> Option<Next> {
        let remote = &self.shared.workers[victim];
        match remote.fresh.len() {
            0 => return None,
            1 => {
                let turns = remote.turns.load(Ordering::Relaxed);
                let seen = &mut watch.seen[victim].turns;
                if seen.0 != turns {
                    *seen = (turns, now);
                }
                if now.saturating_duration_since(seen.1) < LONE_PATIENCE {
                    watch.soon = true;
                    return None;
                }
            }
            _ => {}
        }
        loop {
            // Half of them. In a FIFO runtime one, so that the order stays close to that of the spawns.
            let limit = if self.shared.config.fifo { 1 } else { remote.fresh.len() / 2 + 1 };
            match remote.fresh.steal_batch_with_limit_and_pop(&self.fresh, limit) {
                Steal::Success(runnable) => return Some(Next::Run(runnable)),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// Whether other workers have work to share: more than `kept` fresh tasks, or something that anybody may take at once. One that
    /// is alone (`kept` is 1) is left to its worker for a while.
    pub(super) fn others_have_work(&self, kept: usize) -> bool {
        !self.shared.injector.is_empty()
            || (0..self.shared.workers.len()).filter(|&w| w != self.index).any(|w| {
                let remote = &self.shared.workers[w];
                !remote.jobs.is_empty() || remote.fresh.len() > kept
            })
    }
}
