//! One context alone: the channel and the oracle give the same answers.

use crate::channel_oracle::Locked;
use crate::ends::{Ends, Tested};
use crate::program::{Call, calls, capacities};
use crate::run::perform;
use crate::{runner, runtime};
use proptest::collection::vec;
use proptest::test_runner::TestCaseError;
use std::sync::Arc;
use std::time::Duration;

/// Nobody else is there to end a wait.
fn at_once(call: Call) -> Call {
    match call {
        Call::SendTimeout(_) => Call::SendTimeout(Duration::ZERO),
        Call::RecvTimeout(_) => Call::RecvTimeout(Duration::ZERO),
        call => call,
    }
}

/// Answers of the channel and of the oracle, call by call, up to the first difference.
fn differ(capacity: Option<usize>, calls: &[Call]) -> Option<String> {
    let tested = &Tested::of_new(capacity, &[(true, true)])[0];
    let oracle = &<Arc<Locked<u32>>>::of_new(capacity, &[(true, true)])[0];
    for (message, &call) in (0..).zip(calls) {
        let answers = (perform(tested, at_once(call), message), perform(oracle, at_once(call), message));
        if answers.0 != answers.1 {
            return Some(format!("call {message}: {answers:?}"));
        }
        let full = (tested.is_full(), oracle.is_full());
        if full.0 != full.1 {
            return Some(format!("after call {message}, whether it is full: {full:?}"));
        }
    }
    None
}

fn check() {
    // Long enough to go around the rings and through the segments.
    let result = runner().run(&(capacities(), vec(calls(), 1..400)), |(capacity, mut calls)| {
        // A close ends what is interesting: one, and late.
        let late = calls.len() * 4 / 5;
        let mut index = 0;
        calls.retain(|call| {
            index += 1;
            index > late || !matches!(call, Call::Close)
        });
        differ(capacity, &calls).map_or(Ok(()), |difference| Err(TestCaseError::fail(difference)))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn alone_on_a_thread() {
    check();
}

#[test]
fn alone_in_a_tasklet() {
    runtime(1).run(check);
}
