//! Runtimes that end leave nothing behind. Alone in its binary, since it counts what the process has.

mod eventually;

use eventually::eventually;
use std::fs;
use std::time::Duration;
use tasklets::{Builder, Runtime, park, sleep, spawn, spawn_future, unblock, yield_now};

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect("proc is mounted").count()
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").expect("proc is mounted").lines().count()
}

/// A runtime's life, with some of everything that it may have to give back.
fn live(blocking: bool) {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        for _ in 0..100 {
            drop(spawn(park));
            drop(spawn_future(std::future::pending::<()>()));
        }
        drop(Builder::new().stack_size(1 << 20).spawn(park).unwrap());
        drop(spawn(|| sleep(Duration::from_secs(3600))));
        let panics = spawn(|| {
            yield_now();
            std::panic::resume_unwind(Box::new(()))
        });
        assert!(panics.join().is_err());
        if blocking {
            assert_eq!(unblock(|| 1), 1);
        }
    });
}

#[test]
fn runtimes_leave_nothing_behind() {
    // What is made once for the process, and what the allocator and libc keep.
    for _ in 0..40 {
        live(false);
    }
    let count = || (entries("/proc/self/fd"), entries("/proc/self/task"), mappings());
    let (descriptors, threads, before) = count();
    for _ in 0..200 {
        live(false);
    }
    // A thread that was joined may stay in the list for a moment.
    eventually("all threads have gone", || entries("/proc/self/task") <= threads);
    assert_eq!(entries("/proc/self/fd"), descriptors);
    let after = mappings();
    assert!(after < before + 100, "{before} mappings became {after} in 200 runtimes");

    // The threads of `unblock` do not wait for more work when there can be none.
    for _ in 0..20 {
        live(true);
    }
    eventually("the blocking threads have gone", || entries("/proc/self/task") <= threads);
    assert_eq!(entries("/proc/self/fd"), descriptors);
}
