//! Code that is neither the runtime's nor the tasklet's own, in the places where the runtime comes to it: wakers, destructors,
//! and garbage that others left to be collected.

use std::cell::RefCell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tasklets::{JoinHandle, Runtime, park, sleep, spawn, spawn_future, spawn_local, try_current, yield_now};
use tasklets_park::Waiter;

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// A waker that runs a function when it is dropped.
struct OnDrop(fn());

impl Wake for OnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Leaves a waker in a handle, which then is dropped.
fn leave_waker<T>(mut handle: JoinHandle<T>, on_drop: fn()) {
    let waker = Waker::from(Arc::new(OnDrop(on_drop)));
    let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
    assert!(matches!(polled, Poll::Pending));
}

#[test]
fn a_waker_may_ask_who_runs_when_it_is_dropped() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    runtime(1).run(|| {
        let ask = || {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            drop(try_current());
        };
        leave_waker(spawn_future(async { 1 }), ask);
        leave_waker(spawn(|| 1), ask);
        while DROPPED.load(Ordering::Relaxed) < 2 {
            yield_now();
        }
    });
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_harms_nobody() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    runtime(1).run(|| {
        let fail = || {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            panic!("on purpose");
        };
        leave_waker(spawn_future(async { 1 }), fail);
        leave_waker(spawn(|| 1), fail);
        while DROPPED.load(Ordering::Relaxed) < 2 {
            yield_now();
        }
        assert_eq!(spawn(|| 2).join().unwrap(), 2);
    });
}

#[test]
fn a_lone_pending_future_does_not_hold_up_the_end() {
    for workers in [1, 2] {
        let runtime = runtime(workers);
        runtime.run(|| {
            drop(spawn_future(pending::<()>()));
            yield_now();
            yield_now();
        });
        // Longer than any machine needs, shorter than a hang.
        runtime.shutdown_timeout(Duration::from_secs(60)).unwrap();
    }
}

#[test]
fn a_wait_cannot_be_taken_over_by_another_tasklet() {
    runtime(1).run(|| {
        let shared: Rc<RefCell<Option<Waiter>>> = Rc::default();
        let (giver, taker) = (shared.clone(), shared);
        let owner = spawn_local(move || {
            *giver.borrow_mut() = Some(Waiter::begin());
            for _ in 0..4 {
                yield_now();
            }
        });
        let thief = spawn_local(move || {
            let waiter = taker.borrow_mut().take();
            let _ = waiter.expect("the owner came first").wait(None);
        });
        owner.join().unwrap();
        assert!(thief.join().unwrap_err().to_string().contains("where it was begun"));
    });
}

#[test]
fn garbage_is_not_collected_in_a_parked_tasklets_name() {
    static IN_A_TASKLET: AtomicBool = AtomicBool::new(false);
    static COLLECTED: AtomicUsize = AtomicUsize::new(0);
    runtime(1).run(|| {
        for _ in 0..20 {
            let parked: Vec<_> = (0..2000).map(|_| spawn(park)).collect();
            let guard = crossbeam_epoch::pin();
            guard.defer(|| {
                COLLECTED.fetch_add(1, Ordering::Relaxed);
                // On a tasklet's stack this gives others a turn; on the worker's own it must not try.
                if try_current().is_some() {
                    IN_A_TASKLET.store(true, Ordering::Relaxed);
                    yield_now();
                }
            });
            guard.flush();
            drop(guard);
            sleep(Duration::from_millis(1));
            for tasklet in parked {
                tasklet.tasklet().unpark();
                tasklet.join().unwrap();
            }
        }
    });
    assert!(COLLECTED.load(Ordering::Relaxed) > 0, "the deques have collected something");
}

#[test]
fn a_scope_that_panics_takes_its_childrens_panics_along() {
    struct Payload;
    static ELSEWHERE: AtomicBool = AtomicBool::new(false);
    impl Drop for Payload {
        fn drop(&mut self) {
            if try_current().is_none() {
                ELSEWHERE.store(true, Ordering::Relaxed);
            }
        }
    }
    runtime(2).run(|| {
        for round in 0..2000_u32 {
            let scope = std::panic::AssertUnwindSafe(|| {
                tasklets::scope(|s| {
                    s.spawn(|| std::panic::resume_unwind(Box::new(Payload)));
                    s.spawn(move || {
                        (0..round % 300).for_each(|_| std::hint::spin_loop());
                        std::panic::resume_unwind(Box::new(Payload))
                    });
                    (0..round % 500).for_each(|_| std::hint::spin_loop());
                    std::panic::resume_unwind(Box::new("the scope's own"))
                })
            });
            let caught: Result<(), _> = std::panic::catch_unwind(scope);
            assert!(caught.unwrap_err().is::<&str>());
        }
    });
    assert!(!ELSEWHERE.load(Ordering::Relaxed), "a payload was dropped on a worker's own stack");
}
