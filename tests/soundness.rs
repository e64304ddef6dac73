//! A started tasklet keeps its thread, and panics under way are its own affair.

mod eventually;

use eventually::eventually;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, panicking};
use std::time::Duration;
use tasklets::{
    Runtime, block_on, current, join, park, park_timeout, run, scope, sleep, spawn, spawn_future, unblock, yield_now,
};

/// Runs its closure when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Waits in one of all the ways there are.
fn wait_somehow(kind: usize) {
    match kind % 7 {
        0 => yield_now(),
        1 => sleep(Duration::from_micros(30)),
        2 => park_timeout(Duration::from_micros(30)),
        3 => {
            let me = current();
            drop(spawn(move || me.unpark()));
            park();
        }
        4 => spawn(yield_now).join().unwrap(),
        5 => block_on(spawn_future(async { yield_now() })).unwrap(),
        _ => drop(join(yield_now, yield_now)),
    }
}

#[test]
fn a_started_tasklet_keeps_its_thread() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    runtime.run(|| {
        let tasklets: Vec<_> = (0..100)
            .map(|i| {
                spawn(move || {
                    let home = thread::current().id();
                    for round in 0..40 {
                        wait_somehow(i + round);
                        assert_eq!(thread::current().id(), home);
                        // Fresh work for thieves.
                        drop(spawn(|| ()));
                    }
                    unblock(|| ());
                    assert_eq!(thread::current().id(), home);
                })
            })
            .collect();
        tasklets.into_iter().for_each(|tasklet| tasklet.join().unwrap());
    });
}

#[test]
fn what_comes_from_a_thread_local_may_be_kept_over_waits() {
    /// A thread's counter, which tells at the thread's end what it came to.
    struct Ledger(Rc<Cell<usize>>);
    static TOLD: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
    impl Drop for Ledger {
        fn drop(&mut self) {
            TOLD.lock().unwrap().push((Rc::strong_count(&self.0), self.0.get()));
        }
    }
    thread_local! { static LEDGER: RefCell<Ledger> = RefCell::new(Ledger(Rc::default())); }

    let runtime = Runtime::builder().workers(4).build().unwrap();
    runtime.run(|| {
        scope(|s| {
            for i in 0..100 {
                s.spawn(move || {
                    let counter = LEDGER.with_borrow(|ledger| ledger.0.clone());
                    for round in 0..20 {
                        // Neither count is atomic: another thread's hand in it would show.
                        let again = counter.clone();
                        counter.set(counter.get() + 1);
                        wait_somehow(i + round);
                        assert!(Rc::ptr_eq(&counter, &LEDGER.with_borrow(|ledger| ledger.0.clone())));
                        drop(again);
                    }
                });
            }
        });
    });
    drop(runtime);
    let told = TOLD.lock().unwrap();
    assert!(told.iter().all(|&(references, _)| references == 1), "{told:?}");
    assert_eq!(told.iter().map(|&(_, count)| count).sum::<usize>(), 2000);
}

#[test]
fn a_panic_under_way_is_nobody_elses() {
    // One worker, so that all are on one thread.
    Runtime::builder().workers(1).build().unwrap().run(|| {
        let (unwinding, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mine = Arc::new(Mutex::new(()));
        let (its_unwinding, its_seen, its_mutex) = (unwinding.clone(), seen.clone(), mine.clone());
        let panics = spawn(move || {
            let _held = its_mutex.lock().unwrap();
            let _waits = OnDrop(|| {
                assert!(panicking());
                its_unwinding.store(true, SeqCst);
                eventually("the sibling has seen it", || its_seen.load(SeqCst));
                assert!(!spawn(panicking).join().unwrap());
                assert!(panicking());
                scope(|s| drop(s.spawn(|| assert!(!panicking()))));
                assert_eq!(join(panicking, || 1), (true, 1));
                unblock(|| assert!(!panicking()));
                wait_somehow(3);
                assert!(panicking());
            });
            panic_any("under way");
        });
        let theirs = Mutex::new(0);
        let mut held = theirs.lock().unwrap();
        eventually("a tasklet waits while it unwinds", || unwinding.load(SeqCst));
        assert!(!panicking());
        *held += 1;
        drop(held);
        *theirs.lock().unwrap() += 1;
        // A panic of our own, with a guard that sees it.
        let guard_saw = Cell::new(false);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _guard = OnDrop(|| guard_saw.set(panicking()));
            let _poisons = theirs.lock().unwrap();
            resume_unwind(Box::new("ours"));
        }));
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "ours");
        assert!(guard_saw.get() && !panicking() && theirs.is_poisoned());
        theirs.clear_poison();
        // And one that waits in its turn.
        let caught = catch_unwind(|| {
            let _guard = OnDrop(|| (0..7).for_each(wait_somehow));
            panic_any("ours too");
        });
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "ours too");
        let held = theirs.lock().unwrap();
        seen.store(true, SeqCst);
        let error = panics.join().unwrap_err();
        drop(held);
        assert!(!theirs.is_poisoned(), "the other's panic has nothing to do with it");
        assert!(mine.is_poisoned(), "its own has");
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "under way");
        assert!(!panicking());
    });
}

#[test]
fn many_unwind_at_once_and_wait_on_the_way() {
    Runtime::builder().workers(2).build().unwrap().run(|| {
        let handles: Vec<_> = (0..100)
            .map(|i| {
                spawn(move || {
                    let _outer = OnDrop(|| {
                        wait_somehow(i);
                        // A panic inside the panic, which waits too: the count is two there.
                        let inner = catch_unwind(|| {
                            let _inner = OnDrop(|| {
                                wait_somehow(i + 1);
                                assert!(panicking());
                            });
                            resume_unwind(Box::new(1));
                        });
                        assert!(inner.is_err() && panicking());
                        wait_somehow(i + 2);
                    });
                    wait_somehow(i);
                    assert!(!panicking());
                    resume_unwind(Box::new(i))
                })
            })
            .collect();
        for (i, handle) in handles.into_iter().enumerate() {
            let payload = handle.join().unwrap_err().into_panic();
            assert_eq!(*payload.downcast::<usize>().unwrap(), i);
        }
        assert!(!panicking());
    });
}

#[test]
fn catching_nests_over_waits() {
    fn level(n: usize) -> usize {
        let caught = catch_unwind(|| {
            wait_somehow(n);
            if n == 0 { resume_unwind(Box::new(0_usize)) } else { resume_unwind(Box::new(level(n - 1) + 1)) }
        });
        let payload: Box<dyn std::any::Any + Send> = caught.unwrap_err();
        wait_somehow(n + 1);
        *payload.downcast().unwrap()
    }
    Runtime::builder().workers(2).build().unwrap().run(|| {
        let handles: Vec<_> = (0..20).map(|_| spawn(|| level(15))).collect();
        handles.into_iter().for_each(|handle| assert_eq!(handle.join().unwrap(), 15));
    });
}

#[test]
fn payloads_that_a_scope_does_not_pass_on_may_wait_when_dropped() {
    Runtime::builder().workers(1).build().unwrap().run(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let caught = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                for i in 0..5 {
                    let dropped = dropped.clone();
                    s.spawn(move || {
                        resume_unwind(Box::new(OnDrop(move || {
                            (0..7).for_each(|kind| wait_somehow(i + kind));
                            dropped.fetch_add(1, SeqCst);
                        })))
                    });
                }
            });
        }));
        assert_eq!(dropped.load(SeqCst), 4, "all but the first, before the scope ends");
        drop(caught);
        assert_eq!(dropped.load(SeqCst), 5);
    });
}

/// Panics when it is dropped, with another such bomb until the count is out.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        match self.0 {
            0 => {}
            1 => resume_unwind(Box::new("the last bomb")),
            n => resume_unwind(Box::new(Bomb(n - 1))),
        }
    }
}

/// Runs `work` when the handle to its task is gone for certain: as a tasklet, or inside a future's poll.
fn detached<T: Send + 'static>(future: bool, work: impl FnOnce() -> T + Send + 'static) {
    let gone = Arc::new(AtomicBool::new(false));
    let its = gone.clone();
    let work = move || {
        eventually("the handle is gone", || its.load(SeqCst));
        work()
    };
    drop(if future { spawn_future(async { work() }) } else { spawn(work) });
    gone.store(true, SeqCst);
}

#[test]
fn payloads_and_results_may_panic_when_dropped() {
    for workers in [1, 2] {
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        runtime.run(|| {
            // The result of a detached tasklet, and the payload of one.
            for future in [false, true] {
                detached(future, || Bomb(1));
                detached(future, || resume_unwind(Box::new(Bomb(1))));
            }
            // Dropped with the handle: the panic is the dropper's.
            for finished in [spawn(|| Bomb(1)), spawn_future(async { Bomb(1) })] {
                eventually("it has finished", || finished.is_finished());
                let caught = catch_unwind(AssertUnwindSafe(|| drop(finished)));
                assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "the last bomb");
            }
            // In a scope whose child's panic comes out.
            let caught = catch_unwind(|| scope(|s| drop(s.spawn(|| resume_unwind(Box::new(Bomb(0)))))));
            assert!(caught.unwrap_err().is::<Bomb>());
            // All is well afterwards.
            assert!(!panicking());
            assert_eq!(spawn(|| 4).join().unwrap(), 4);
        });
    }
}

fn count(ended: Arc<AtomicUsize>) -> impl Drop {
    OnDrop(move || {
        ended.fetch_add(1, SeqCst);
    })
}

#[test]
fn not_even_a_payload_of_bombs_harms_a_worker() {
    for workers in [1, 2] {
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        runtime.run(|| {
            let ended = Arc::new(AtomicUsize::new(0));
            for _ in 0..5 {
                for future in [false, true] {
                    let its = ended.clone();
                    // Dropping the unwanted result panics with a payload whose dropping panics.
                    detached(future, move || (count(its), Bomb(3)));
                }
            }
            eventually("all have ended", || ended.load(SeqCst) == 10);
            assert_eq!(spawn(|| 4).join().unwrap(), 4);
        });
    }
}

#[test]
fn destructors_of_results_and_closures_may_wait() {
    let ended = Arc::new(AtomicUsize::new(0));
    let waits = |ended: &Arc<AtomicUsize>| {
        let ended = ended.clone();
        OnDrop(move || {
            (0..7).for_each(wait_somehow);
            ended.fetch_add(1, SeqCst);
        })
    };
    for workers in [1, 2] {
        ended.store(0, SeqCst);
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            for _ in 0..5 {
                // A captured value, a result nobody wants, a panic's payload, and the same of futures.
                let captured = waits(&ended);
                drop(spawn(move || drop(captured)));
                let result = waits(&ended);
                drop(spawn(move || result));
                let payload = waits(&ended);
                drop(spawn(move || resume_unwind(Box::new(payload))));
                let result = waits(&ended);
                drop(spawn_future(async move { result }));
                let captured = waits(&ended);
                drop(spawn_future(async move { drop(captured) }));
            }
            eventually("all are dropped", || ended.load(SeqCst) == 25);
        });
    }
    run(|| ());
}
