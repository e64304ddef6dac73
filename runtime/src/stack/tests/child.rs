//! Runs one test again, alone in a child process.

use std::env;
use std::process::{Command, Output};

const CHILD: &str = "TASKLETS_STACK_TEST_CHILD";

/// `None` in the child, which shall do the work; in the parent what became of the child. `name` is the test's path
/// from `module_path!()` on, `role` tells children of one test apart.
pub(super) fn run(name: &str, role: &str) -> Option<Output> {
    if env::var(CHILD).as_deref() == Ok(role) {
        return None;
    }
    let (_, test) = name.split_once("::").expect("the crate's name first");
    let output = Command::new(env::current_exe().expect("the path of this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, role)
        .output()
        .expect("a child process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test"), "no test {test}: {text}");
    Some(output)
}

/// The role that this process was started for, if it is a child.
pub(super) fn role() -> Option<String> {
    env::var(CHILD).ok()
}

/// Whether the test shall do its work here, alone in this process. The parent checks that the child succeeded.
pub(super) fn alone(name: &str) -> bool {
    let Some(output) = run(name, "alone") else {
        return true;
    };
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}
