//! Channels are linearizable: what any small program sees of them, on threads and on tasklets, can be explained by a sequential
//! channel. `CHANNEL_PROGRAMS` says how many programs each test runs.

mod channel_oracle;
#[path = "channel_linearizability/checker.rs"]
mod checker;
#[path = "channel_linearizability/ends.rs"]
mod ends;
#[path = "channel_linearizability/history.rs"]
mod history;
#[path = "channel_linearizability/known.rs"]
mod known;
#[path = "channel_linearizability/program.rs"]
mod program;
#[path = "channel_linearizability/run.rs"]
mod run;
#[path = "channel_linearizability/sequential.rs"]
mod sequential;
mod watchdog;

use channel_oracle::Locked;
use checker::is_linearizable;
use ends::{Ends, Tested};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use run::{Crew, run};
use std::sync::Arc;
use std::time::Duration;
use tasklets::Runtime;
use watchdog::Watchdog;

fn programs() -> u32 {
    std::env::var("CHANNEL_PROGRAMS").map_or(500, |number| number.parse().expect("CHANNEL_PROGRAMS is a number"))
}

/// Random programs, not kept: what failed may well pass when it is run again, and the history is what tells.
fn runner() -> TestRunner {
    TestRunner::new(Config { cases: programs(), failure_persistence: None, max_shrink_iters: 0, ..Config::default() })
}

fn check<E: Ends>(crew: &Crew) {
    let _watchdog = Watchdog::new("a random program", Duration::from_millis(100) * programs());
    let result = runner().run(&program::programs(), |program| {
        let history = run::<E>(&program, crew);
        if is_linearizable(&history) {
            return Ok(());
        }
        Err(TestCaseError::fail(format!("no order of effects explains this history:\n{history}")))
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
}

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().expect("there are threads")
}

#[test]
fn on_threads() {
    check::<Tested>(&Crew::Threads);
}

#[test]
fn on_tasklets_of_one_worker() {
    check::<Tested>(&Crew::Tasklets(runtime(1)));
}

#[test]
fn on_tasklets_of_two_workers() {
    check::<Tested>(&Crew::Tasklets(runtime(2)));
}

#[test]
fn on_tasklets_of_four_workers() {
    check::<Tested>(&Crew::Tasklets(runtime(4)));
}

#[test]
fn on_threads_and_tasklets() {
    check::<Tested>(&Crew::Both(runtime(2)));
}

#[test]
fn the_oracle_on_threads() {
    check::<Arc<Locked<u32>>>(&Crew::Threads);
}
