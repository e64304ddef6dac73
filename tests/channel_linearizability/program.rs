//! Small random programs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use std::time::Duration;

/// An operation still to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    TrySend,
    SendTimeout(Duration),
    TryRecv,
    RecvTimeout(Duration),
    Close,
    Length,
    Emptiness,
}

/// What one context does: its calls, each after so many yields. It leaves out those for which it has no end, and drops its ends
/// after the last.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) sends: bool,
    pub(crate) receives: bool,
    pub(crate) calls: Vec<(u8, Call)>,
}

/// What happens to one channel.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// None: unbounded.
    pub(crate) capacity: Option<usize>,
    pub(crate) actors: Vec<Actor>,
}

fn timeouts() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        3 => (1u64..50).prop_map(Duration::from_micros),
        2 => (50u64..400).prop_map(Duration::from_micros),
    ]
}

/// Any call.
pub(crate) fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => Just(Call::TrySend),
        6 => timeouts().prop_map(Call::SendTimeout),
        6 => Just(Call::TryRecv),
        6 => timeouts().prop_map(Call::RecvTimeout),
        1 => Just(Call::Close),
        2 => Just(Call::Length),
        1 => Just(Call::Emptiness),
    ]
}

fn actors() -> impl Strategy<Value = Actor> {
    let ends = prop_oneof![3 => Just((true, true)), 1 => Just((true, false)), 1 => Just((false, true))];
    let yields = prop_oneof![2 => Just(0u8), 1 => 1u8..4];
    (ends, vec((yields, calls()), 1..=5)).prop_map(|((sends, receives), calls)| Actor { sends, receives, calls })
}

/// Every flavour.
pub(crate) fn capacities() -> impl Strategy<Value = Option<usize>> {
    option::weighted(0.75, 0usize..=2)
}

/// Any program of two to four actors.
pub(crate) fn programs() -> impl Strategy<Value = Program> {
    (capacities(), vec(actors(), 2..=4)).prop_map(|(capacity, actors)| Program { capacity, actors })
}
