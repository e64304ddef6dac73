//! Compiles and runs what the attributes generate, against a stand-in for the crate that it names.

#![allow(missing_docs, reason = "a test has no users")]

extern crate self as tasklets;

use std::cell::Cell;
use std::io::{Error, Result};

thread_local! {
    /// What the stand-in was asked for, for the body to look at.
    static WORKERS: Cell<usize> = const { Cell::new(0) };
    static STACK_SIZE: Cell<usize> = const { Cell::new(0) };
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

fn run<R>(f: impl FnOnce() -> R) -> R {
    RUNNING.set(true);
    f()
}

struct Runtime;

impl Runtime {
    fn builder() -> Runtime {
        Runtime
    }

    fn workers(self, n: usize) -> Runtime {
        WORKERS.set(n);
        self
    }

    fn stack_size(self, bytes: usize) -> Runtime {
        STACK_SIZE.set(bytes);
        self
    }

    fn build(self) -> Result<Runtime> {
        Ok(self)
    }

    fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        run(f)
    }
}

#[tasklets_macros::test]
fn a_test_runs_on_the_runtime() {
    assert!(RUNNING.get());
    assert_eq!(WORKERS.get(), 0);
}

#[tasklets_macros::test(workers = 3, stack_size = 0x10_000)]
fn options_arrive() {
    assert!(RUNNING.get());
    assert_eq!((WORKERS.get(), STACK_SIZE.get()), (3, 65_536));
}

#[tasklets_macros::test]
#[should_panic(expected = "as it should")]
fn a_panic_is_the_tests_panic() {
    panic!("as it should");
}

#[tasklets_macros::test]
#[ignore = "it must not run: it fails"]
fn ignored_tests_are_ignored() {
    panic!("was not ignored");
}

#[tasklets_macros::test]
fn question_marks_convert_errors() -> Result<()> {
    let text = std::str::from_utf8(b"7").map_err(Error::other)?;
    let number: u8 = text.parse().map_err(Error::other)?;
    if number == 7 {
        return Ok(());
    }
    Err(Error::other("not seven"))
}

mod program {
    #[tasklets_macros::main(workers = 2)]
    pub(crate) fn main() -> impl std::process::Termination {
        std::process::ExitCode::SUCCESS
    }
}

#[test]
fn main_is_an_ordinary_function_afterwards() {
    let _code = program::main();
    assert_eq!(WORKERS.get(), 2);
    assert!(RUNNING.get());
}
