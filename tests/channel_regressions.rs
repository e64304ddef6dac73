//! Bugs that were there once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tasklets::channel::{bounded, select, unbounded};

/// Several messages panic when the last receiver drops them: once a double panic.
#[test]
fn messages_that_panic_when_dropped_are_all_dropped() {
    struct Panics(Arc<AtomicUsize>);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("as asked");
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let (s, r) = bounded(3);
    for _ in 0..3 {
        assert!(s.send(Panics(dropped.clone())).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(r))).is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

/// A select began at a random place and went round, so a case behind two idle ones was chosen three times as often as the next.
#[test]
fn each_ready_case_is_as_likely_whatever_is_before_it() {
    const TRIALS: u32 = 10_000;
    let (_keep, idle) = unbounded::<()>();
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    let mut first = 0;
    for _ in 0..TRIALS {
        s1.send(1).unwrap();
        s2.send(2).unwrap();
        let chosen = select! {
            recv(idle) -> _ => unreachable!(),
            recv(idle) -> _ => unreachable!(),
            recv(r1) -> message => message,
            recv(r2) -> message => message,
        };
        first += u32::from(chosen == Ok(1));
    }
    // Nine standard deviations.
    assert!(first.abs_diff(TRIALS / 2) < 450, "{first} of {TRIALS}");
}

/// A select that waited for a large message and got a small one looked for it in the wrong memory.
#[test]
fn a_select_finds_a_small_message_that_came_while_it_waited_for_a_large_one_too() {
    let (_keep, large) = unbounded::<[u8; 4096]>();
    let (s, small) = unbounded::<String>();
    let sender = std::thread::spawn(move || {
        // Not needed for the test to be right, only for it to fail where the bug is.
        std::thread::sleep(std::time::Duration::from_millis(50));
        s.send("found".to_owned()).unwrap();
    });
    let got = select! {
        recv(large) -> _ => unreachable!(),
        recv(small) -> message => message,
    };
    assert_eq!(got.as_deref(), Ok("found"));
    sender.join().unwrap();
}
