//! The end of a runtime: every tasklet unwinds on its own thread, once, and destructors may still wait.

mod eventually;

use eventually::eventually;
use std::cell::Cell;
use std::future::pending;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tasklets::{
    Builder, Cancelled, JoinHandle, Runtime, block_on, current, join, park, park_timeout, scope, sleep, spawn,
    spawn_future, spawn_local, unblock, yield_now,
};

/// A thread-local with a destructor, which must come after everybody's.
struct Local(Cell<usize>);

impl Drop for Local {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

thread_local! { static LOCAL: Local = const { Local(Cell::new(0)) }; }

/// What guards report.
#[derive(Default)]
struct Report {
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// Dropped on another thread than they were made on.
    astray: AtomicUsize,
    /// Dropped when their thread's locals were gone.
    late: AtomicUsize,
}

impl Report {
    fn guard(self: &Arc<Self>) -> Guard {
        self.made.fetch_add(1, SeqCst);
        LOCAL.with(|local| local.0.set(local.0.get() + 1));
        Guard { report: self.clone(), home: Some(thread::current().id()) }
    }

    /// A guard that may be dropped on any thread.
    fn free_guard(self: &Arc<Self>) -> Guard {
        self.made.fetch_add(1, SeqCst);
        Guard { report: self.clone(), home: None }
    }

    #[track_caller]
    fn check(&self, made: usize) {
        let all = [&self.made, &self.dropped, &self.astray, &self.late].map(|count| count.load(SeqCst));
        assert_eq!(all, [made, made, 0, 0], "made, dropped, astray, late");
    }
}

struct Guard {
    report: Arc<Report>,
    home: Option<ThreadId>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.report.dropped.fetch_add(1, SeqCst);
        if self.home.is_some_and(|home| home != thread::current().id()) {
            self.report.astray.fetch_add(1, SeqCst);
        }
        if self.home.is_some() && LOCAL.try_with(|local| local.0.get()).unwrap_or(usize::MAX) == usize::MAX {
            self.report.late.fetch_add(1, SeqCst);
        }
    }
}

/// Runs its closure when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

#[test]
fn whatever_runs_when_run_returns_is_unwound_at_home() {
    for workers in [1, 2, 4] {
        let report = Arc::new(Report::default());
        let started = Arc::new(AtomicUsize::new(0));
        let release = Arc::new(AtomicBool::new(false));
        runtime(workers).run(|| {
            let begin = |wait: fn()| {
                let (report, started) = (report.clone(), started.clone());
                drop(spawn(move || {
                    let _guard = report.guard();
                    started.fetch_add(1, SeqCst);
                    wait();
                }));
            };
            for _ in 0..10 {
                begin(park);
                begin(|| sleep(Duration::from_secs(3600)));
                begin(|| park_timeout(Duration::MAX));
                begin(|| {
                    loop {
                        yield_now();
                    }
                });
                begin(|| drop(spawn(|| spawn(park).join()).join()));
                begin(|| block_on(pending()));
                begin(|| drop(block_on(spawn_future(pending::<()>()))));
                begin(|| drop(spawn_local(park).join()));
                begin(|| join(park, park).0);
                begin(|| scope(|s| drop(s.spawn(park))));
                begin(|| scope(|s| (0..3).for_each(|_| drop(s.spawn(|| sleep(Duration::from_secs(3600)))))));
                let (report, started) = (report.clone(), started.clone());
                drop(spawn_future(async move {
                    let _guard = report.free_guard();
                    started.fetch_add(1, SeqCst);
                    pending::<()>().await;
                }));
            }
            let (its_report, its_started, its_release) = (report.clone(), started.clone(), release.clone());
            drop(spawn(move || {
                let _guard = its_report.guard();
                its_started.fetch_add(1, SeqCst);
                unblock(move || {
                    while !its_release.load(SeqCst) {
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            }));
            eventually("all have started", || started.load(SeqCst) == 121);
            // Never started, or hardly.
            for _ in 0..100 {
                let guard = report.free_guard();
                drop(spawn(move || {
                    let _guard = guard;
                    park();
                }));
                let guard = report.free_guard();
                drop(spawn_future(async move {
                    let _guard = guard;
                    pending::<()>().await;
                }));
            }
        });
        report.check(321);
        release.store(true, SeqCst);
    }
}

#[test]
fn destructors_wait_during_teardown() {
    for workers in [1, 2, 4] {
        let report = Arc::new(Report::default());
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let begin = |destructor: fn()| {
            let (report, begun, ended) = (report.clone(), begun.clone(), ended.clone());
            drop(spawn(move || {
                let _guard = report.guard();
                let _waits = OnDrop(move || {
                    destructor();
                    ended.fetch_add(1, SeqCst);
                });
                begun.fetch_add(1, SeqCst);
                park();
            }));
        };
        runtime(workers).run(|| {
            for _ in 0..20 {
                begin(|| sleep(Duration::from_millis(1)));
                begin(|| (0..10).for_each(|_| yield_now()));
                begin(|| park_timeout(Duration::from_millis(1)));
                begin(|| {
                    let me = current();
                    let thread = thread::spawn(move || me.unpark());
                    park();
                    thread.join().unwrap();
                });
                // What is spawned now is told to end like everybody, and the join tells so.
                begin(|| assert!(spawn(|| 1).join().map_or_else(|error| error.is_cancelled(), |one| one == 1)));
                begin(|| drop(block_on(spawn_future(async { 1 }))));
                begin(|| scope(|s| (0..3).for_each(|_| drop(s.spawn(yield_now)))));
                begin(|| assert_eq!(join(|| 1, || 2), (1, 2)));
                begin(|| assert_eq!(unblock(|| 3), 3));
                begin(|| assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err()));
                begin(|| {
                    // A catch in a destructor, around a wait that unwinds.
                    let caught = catch_unwind(|| {
                        let _inner = OnDrop(|| sleep(Duration::from_micros(100)));
                        resume_unwind(Box::new(()));
                    });
                    assert!(caught.is_err());
                });
            }
            eventually("all have begun", || begun.load(SeqCst) == 220);
            // Told to end before they have begun, most of them.
            for i in 0..40 {
                let ended = ended.clone();
                let captured = OnDrop(move || {
                    sleep(Duration::from_micros(200));
                    yield_now();
                    ended.fetch_add(1, SeqCst);
                });
                if i % 2 == 0 {
                    drop(spawn(move || {
                        let _captured = captured;
                        park();
                    }));
                } else {
                    drop(spawn_future(async move {
                        let _captured = captured;
                        pending::<()>().await;
                    }));
                }
            }
        });
        report.check(220);
        assert_eq!(ended.load(SeqCst), 260, "every destructor came to its end");
    }
}

#[test]
fn who_catches_the_word_is_unwound_at_the_next_wait() {
    for workers in [1, 2] {
        let (catches, started) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let report = Arc::new(Report::default());
        let (its_catches, its_started, its_report) = (catches.clone(), started.clone(), report.clone());
        let handle = {
            let runtime = runtime(workers);
            let handle = runtime.spawn(move || {
                let _guard = its_report.guard();
                its_started.store(true, SeqCst);
                let waits: [fn(); 7] = [
                    park,
                    || sleep(Duration::from_secs(3600)),
                    yield_now,
                    || unblock(|| ()),
                    || block_on(pending()),
                    || drop(spawn(park).join()),
                    || scope(|s| drop(s.spawn(park).join())),
                ];
                for wait in waits {
                    let payload = catch_unwind(|| {
                        loop {
                            wait();
                        }
                    })
                    .unwrap_err();
                    assert!(payload.is::<Cancelled>());
                    its_catches.fetch_add(1, SeqCst);
                }
                park();
                unreachable!("park unwinds");
            });
            eventually("it has started", || started.load(SeqCst));
            handle
        };
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(catches.load(SeqCst), 7);
        report.check(1);
    }
}

/// A tasklet that swallows the word to end and then does something else. Its runtime has ended.
fn told_to_end<T: Send + 'static>(then: fn() -> T) -> JoinHandle<T> {
    let waits = Arc::new(AtomicBool::new(false));
    runtime(1).run(|| {
        let its = waits.clone();
        let handle = spawn(move || {
            its.store(true, SeqCst);
            assert!(catch_unwind(park).unwrap_err().is::<Cancelled>());
            then()
        });
        eventually("it waits", || waits.load(SeqCst));
        handle
    })
}

#[test]
fn a_tasklet_told_to_end_may_still_have_a_result() {
    assert_eq!(told_to_end(|| "in time").join().unwrap(), "in time");
    let payload = told_to_end(|| resume_unwind(Box::new("my own"))).join().unwrap_err().into_panic();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "my own");
}

#[test]
fn a_scope_under_cancellation_waits_for_its_children() {
    for workers in [1, 2, 4] {
        let started = Arc::new(AtomicUsize::new(0));
        let bad = Arc::new(AtomicUsize::new(0));
        let runtime = runtime(workers);
        for _ in 0..20 {
            let (started, bad) = (started.clone(), bad.clone());
            drop(runtime.spawn(move || {
                // The children borrow this. Its destructor looks whether one is still there.
                let alive = AtomicUsize::new(0);
                let _last = OnDrop(|| {
                    bad.fetch_add(alive.load(SeqCst), SeqCst);
                });
                scope(|s| {
                    for _ in 0..5 {
                        s.spawn(|| {
                            alive.fetch_add(1, SeqCst);
                            let _slow = OnDrop(|| {
                                sleep(Duration::from_micros(500));
                                alive.fetch_sub(1, SeqCst);
                            });
                            started.fetch_add(1, SeqCst);
                            join(park, park);
                        });
                    }
                    park();
                });
            }));
        }
        eventually("all children wait", || started.load(SeqCst) == 100);
        drop(runtime);
        assert_eq!(bad.load(SeqCst), 0, "a child outlived its scope");
    }
}

#[test]
fn a_shutdown_past_its_deadline_is_an_error() {
    let (stop, started) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (its_stop, its_started) = (stop.clone(), started.clone());
    let runtime = runtime(2);
    let handle = runtime.spawn(move || {
        its_started.store(true, SeqCst);
        while !its_stop.load(SeqCst) {
            std::hint::spin_loop();
        }
        7
    });
    let parked = runtime.spawn(park);
    eventually("it computes", || started.load(SeqCst));
    let error = runtime.shutdown_timeout(Duration::from_millis(20)).unwrap_err();
    assert!(error.live() >= 1);
    let text = error.to_string();
    assert!(text.contains("had not ended") && text.contains("20ms"), "{text}");
    assert!(parked.join().unwrap_err().is_cancelled());
    stop.store(true, SeqCst);
    assert_eq!(handle.join().unwrap(), 7, "left to itself, it comes to its end");
    assert!(self::runtime(1).shutdown_timeout(Duration::from_secs(3600)).is_ok());
}

#[test]
fn a_runtime_dropped_by_its_own_tasklet() {
    for workers in [1, 2] {
        let report = Arc::new(Report::default());
        let runtime = runtime(workers);
        let other = {
            let report = report.clone();
            runtime.spawn(move || {
                let _guard = report.guard();
                park();
            })
        };
        let its_report = report.clone();
        let (send, receive) = std::sync::mpsc::channel::<Runtime>();
        let handle = runtime.spawn(move || {
            let _guard = its_report.guard();
            yield_now();
            drop(receive.recv().unwrap());
            let caught = catch_unwind(|| sleep(Duration::from_secs(3600)));
            assert!(caught.unwrap_err().is::<Cancelled>());
            "alive"
        });
        let late = runtime.handle();
        send.send(runtime).unwrap();
        assert_eq!(handle.join().unwrap(), "alive");
        assert!(other.join().unwrap_err().is_cancelled());
        assert!(late.spawn(park).join().unwrap_err().is_cancelled());
        // Nobody waited for the workers, so the guard that never started may be counted or not; all that were made are dropped.
        eventually("all guards are dropped", || report.made.load(SeqCst) == report.dropped.load(SeqCst));
        report.check(report.made.load(SeqCst));
    }
}

#[test]
fn what_never_started_drops_its_closure_only() {
    let report = Arc::new(Report::default());
    let ran = Arc::new(AtomicUsize::new(0));
    let runtime = runtime(1);
    let handles = runtime.run(|| {
        // The one worker is busy with this until it ends, and `run` tells it to end only afterwards.
        (0..1000)
            .map(|_| {
                let (guard, ran) = (report.free_guard(), ran.clone());
                Builder::new()
                    .spawn(move || {
                        ran.fetch_add(1, SeqCst);
                        let _guard = guard;
                        park();
                    })
                    .unwrap()
            })
            .collect::<Vec<_>>()
    });
    drop(runtime);
    report.check(1000);
    assert!(ran.load(SeqCst) <= 1000);
    for handle in handles {
        assert!(handle.join().unwrap_err().is_cancelled());
    }
}
