//! Several runtimes in one process, beside each other and one inside another.

mod eventually;

use eventually::eventually;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use tasklets::{Runtime, park, run, sleep, spawn, unblock, yield_now};

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

#[test]
fn two_runtimes_join_across() {
    let (left, right) = (runtime(2), runtime(1));
    let (to_left, to_right) = (left.handle(), right.handle());
    let sum: u64 = left.run(|| {
        let handles: Vec<_> = (0..100_u64)
            .map(|i| {
                let back = to_left.clone();
                to_right.spawn(move || {
                    yield_now();
                    let home = thread::current().id();
                    let there = back.spawn(move || {
                        sleep(Duration::from_micros(100));
                        assert_ne!(thread::current().id(), home);
                        i
                    });
                    there.join().unwrap() + 1
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    assert_eq!(sum, 5050);
    // Parked in one, unparked by the other.
    let parked = left.spawn(|| (0..100).for_each(|_| park()));
    let tag = parked.tasklet();
    let unparks = right.spawn(move || {
        loop {
            tag.unpark();
            yield_now();
        }
    });
    parked.join().unwrap();
    // One ends while the other waits for it.
    let begun = Arc::new(AtomicBool::new(false));
    let its_begun = begun.clone();
    let waits = left.spawn(move || {
        let forever = to_right.spawn(park);
        its_begun.store(true, SeqCst);
        (forever.join(), unparks.join())
    });
    eventually("it waits", || begun.load(SeqCst));
    drop(right);
    let (parked, unparks) = waits.join().unwrap();
    assert!(parked.unwrap_err().is_cancelled() && unparks.unwrap_err().is_cancelled());
    assert!(left.run(|| to_left.spawn(|| true).join().unwrap()));
}

#[test]
fn a_runtime_inside_a_runtime() {
    let value = run(|| {
        let handles: Vec<_> =
            (0..5).map(|i| spawn(move || unblock(move || run(move || spawn(move || i * 2).join().unwrap())))).collect();
        // Made and dropped by a tasklet, which waits for its end without blocking its worker.
        let inner = runtime(1);
        let kept = Arc::new(());
        let its = kept.clone();
        let parked = inner.spawn(move || {
            let _its = its;
            park();
        });
        assert_eq!(inner.handle().spawn(|| 5).join().unwrap(), 5);
        drop(inner);
        assert!(parked.join().unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&kept), 1);
        handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>()
    });
    assert_eq!(value, 20);
}

#[test]
fn run_inside_a_tasklet_says_what_to_do_instead() {
    run(|| {
        let runtime = runtime(1);
        let check = |name: &str, call: &dyn Fn()| {
            let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            let text = *payload.downcast::<String>().unwrap();
            assert!(text.contains(name) && text.contains("inside a tasklet") && text.contains("`unblock`"), "{text}");
        };
        check("`run`", &|| run(|| ()));
        check("`Runtime::run`", &|| runtime.run(|| ()));
        // A thread that `unblock` lends is no tasklet.
        assert_eq!(unblock(move || runtime.run(|| 3)), 3);
    });
}
