//! The monitor's thread is there when there is reason to: its reports and what it gives back depend on it.

mod eventually;

use eventually::eventually;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tasklets::{Runtime, spawn, yield_now};

/// Whether a runtime of that name has the thread of its monitor.
fn is_monitored(name: &str) -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    names.into_iter().any(|comm| comm.trim_end() == format!("{name}-mon"))
}

fn runtime(name: &str) -> Runtime {
    Runtime::builder().workers(1).thread_name(name).build().unwrap()
}

#[test]
fn it_is_there_while_a_run_goes_on() {
    let runtime = runtime("long");
    assert!(!is_monitored("long"), "nothing runs yet");
    let (sender, end) = mpsc::channel();
    std::thread::scope(|s| {
        s.spawn(|| runtime.run(move || end.recv().unwrap()));
        eventually("the monitor has a thread", || is_monitored("long"));
        sender.send(()).unwrap();
    });
}

#[test]
fn it_is_there_for_what_comes_from_outside() {
    let runtime = runtime("outside");
    let tasklet = runtime.spawn(|| ());
    eventually("the monitor has a thread", || is_monitored("outside"));
    tasklet.join().unwrap();
}

#[test]
fn it_is_there_for_what_outlives_a_run() {
    let runtime = runtime("outlive");
    let end = Arc::new(AtomicBool::new(false));
    let ends = end.clone();
    runtime.run(move || {
        drop(spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                yield_now();
                std::thread::sleep(Duration::from_micros(100));
            }
        }));
    });
    eventually("the monitor has a thread", || is_monitored("outlive"));
    end.store(true, Ordering::Relaxed);
}
