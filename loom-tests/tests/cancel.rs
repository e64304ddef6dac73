//! `tasklets_park::context`: telling a tasklet to end while it waits.
#![cfg(tasklets_loom)]

use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tasklets_loom_tests::Tasklet;
use tasklets_park::{Cancelled, Waited, Waiter};

/// Ends as cancelled, or as whatever it returns.
fn unless_cancelled<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body))
        .map_err(|payload| assert!(payload.is::<Cancelled>(), "it fails otherwise"))
        .ok()
}

/// The cancellation reads that a wait may be cancelled while that wait ends and a firm one begins: the firm one is not
/// cancelled.
#[test]
fn a_firm_wait_is_never_cancelled() {
    loom::model(|| {
        let tasklet = Arc::new(Tasklet::new());
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        tasklet.run(|| {
            let soft = Waiter::begin();
            let ticket = soft.ticket();
            let signalled = ticket.signal();
            assert_eq!(unless_cancelled(|| soft.wait(None)), signalled.then_some(Waited::Signaled));
            let firm = Waiter::begin_firmly();
            assert!(firm.ticket().signal(), "nobody else may end it");
            assert_eq!(firm.wait(None), Waited::Signaled);
        });
        scheduler.join().unwrap();
    });
}

/// A cancellation and a signal meet a tasklet that falls asleep: it is woken once, and a signal that won is not lost.
#[test]
fn a_parked_tasklet_is_woken_by_the_signal_or_by_the_cancellation() {
    loom::model(|| {
        let tasklet = Arc::new(Tasklet::new());
        let (signaller, ended) = tasklet.run(|| {
            let waiter = Waiter::begin();
            let ticket = waiter.ticket();
            let scheduler = {
                let tasklet = tasklet.clone();
                thread::spawn(move || {
                    tasklet.cancel();
                    ticket.signal()
                })
            };
            (scheduler, unless_cancelled(|| waiter.wait(None)))
        });
        assert_eq!(signaller.join().unwrap(), ended.is_some());
    });
}
