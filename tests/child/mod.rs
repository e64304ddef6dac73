//! Running one test of this binary again in a process of its own, which may die.

use std::process::{Command, Output};

const MARK: &str = "TASKLETS_TEST_CHILD";

/// Whether this process is such a child.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs the test `name` in a child, and returns how that ended.
pub(crate) fn run_in_child(name: &str) -> Output {
    Command::new(std::env::current_exe().expect("a test knows its program"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .expect("the test program can be run again")
}

/// What a child wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
