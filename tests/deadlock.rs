//! A program in which every tasklet waits for another is told so, with names.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use tasklets::{Builder, Runtime, park, sleep};

const ROLE: &str = "TASKLETS_TEST_DEADLOCK";

/// What the child process does; it ends only by being killed, or by ending well.
fn play(role: &str) {
    // Many workers answer one after the other.
    let workers = if role == "crowd" { 16 } else { 2 };
    let runtime = Runtime::builder().workers(workers).build().unwrap();
    runtime.run(|| {
        let waiting = Builder::new().name("left").spawn(park).unwrap();
        if role == "sleeper" {
            // Somebody will be woken, if late: that is no deadlock.
            let sleeper = tasklets::spawn(|| sleep(Duration::from_secs(4)));
            sleeper.join().unwrap();
            waiting.tasklet().unpark();
        }
        waiting.join().unwrap();
    });
    eprintln!("the end");
}

/// What a child with this role says on stderr, until a line that begins like one of `until`.
fn hear(role: &str, until: &[&str]) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(ROLE, role)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut heard = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        heard.push(line.unwrap());
        if until.iter().any(|word| heard.last().unwrap().contains(word)) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    heard
}

#[test]
fn the_child() {
    if let Ok(role) = std::env::var(ROLE) {
        play(&role);
    }
}

#[test]
fn a_deadlock_is_reported_with_names() {
    for role in ["stuck", "crowd"] {
        let heard = hear(role, &["waits for unpark"]).join("\n");
        assert!(heard.contains("every tasklet waits"), "{heard}");
        assert!(heard.contains("tasklet 'left' (id "), "{heard}");
        assert!(heard.contains("tests/deadlock.rs:"), "{heard}");
    }
}

#[test]
fn waiting_for_time_is_no_deadlock() {
    let heard = hear("sleeper", &["the end", "every tasklet waits"]);
    assert_eq!(heard, ["the end"]);
}
