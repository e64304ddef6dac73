//! Whether a history is one of the specification: Wing and Gong's search, remembering where it has been.

use crate::channel_oracle::{Event, Specification};
use crate::history::History;
use std::collections::HashSet;

/// Whether there is an order of effects, each inside the interval of its operation, in which the specification answers as the
/// history does.
///
/// # Panics
/// If the history has more than 64 operations.
pub(crate) fn is_linearizable(history: &History) -> bool {
    let operations = &history.operations;
    assert!(operations.len() <= 64, "a set of operations is one word");
    let events: Vec<Event> = operations.iter().map(|operation| operation.event).collect();
    let all = (0..operations.len()).fold(0, |set, index| set | 1 << index);

    let start = (0u64, Specification::new(history.capacity, history.senders, history.receivers));
    let mut seen = HashSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        let left: Vec<usize> = (0..operations.len()).filter(|index| done & 1 << index == 0).collect();
        // Whatever began after one of these ended must take effect after it.
        let first_end = left.iter().map(|&index| operations[index].ended).min().unwrap_or(u64::MAX);
        let active: Vec<usize> = left.into_iter().filter(|&index| operations[index].began < first_end).collect();
        for step in state.steps(&events, &active) {
            let done = step.completed.iter().fold(done, |set, index| set | 1 << index);
            let next = (done, step.state);
            if !seen.contains(&next) {
                seen.insert(next.clone());
                open.push(next);
            }
        }
    }
    false
}
