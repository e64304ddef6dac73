//! `tasklets::sync::{Once, OnceLock}`: done once, and whoever waits for it sees it.
#![cfg(tasklets_loom)]

use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use tasklets_loom_tests::{ByHand, Plain, Tasklet, as_os_thread, as_task, as_tasklet, explore, spawn, until_cancelled};
use tasklets_runtime::sync::{Once, OnceLock};

/// Something that is done once, and what is done.
struct Work {
    once: Once,
    done: Plain<u32>,
}

impl Work {
    fn new() -> Arc<Self> {
        Arc::new(Self { once: Once::new(), done: Plain::new(0) })
    }

    fn work(&self) {
        self.done.set(self.done.get() + 1);
    }

    fn call(&self) {
        self.once.call_once(|| self.work());
        self.assert_done();
    }

    fn assert_done(&self) {
        assert_eq!(self.done.get(), 1);
    }
}

fn call_in_tasklet(work: &Work) {
    as_tasklet(|| work.call());
}

fn call_in_thread(work: &Work) {
    as_os_thread(|| work.call());
}

fn call_in_future(work: &Work) {
    as_task(work.once.call_once_async(|| async { work.work() }));
    work.assert_done();
}

/// Two come at once: one does it, and both see it done.
#[test]
fn two_come_at_once() {
    for call in [call_in_tasklet, call_in_thread, call_in_future] {
        loom::model(move || {
            let work = Work::new();
            let other = {
                let work = work.clone();
                thread::spawn(move || call(&work))
            };
            call_in_tasklet(&work);
            other.join().unwrap();
        });
    }
}

/// Three come at once: all who wait are woken.
#[test]
fn three_come_at_once() {
    explore(2, || {
        let work = Work::new();
        let calls: [fn(&Work); 2] = [call_in_thread, call_in_future];
        let others = calls.map(|call| {
            let work = work.clone();
            thread::spawn(move || call(&work))
        });
        call_in_tasklet(&work);
        for other in others {
            other.join().unwrap();
        }
    });
}

/// One does it while another only waits for that, and a third looks whether it is done.
#[test]
fn one_waits_and_one_looks() {
    explore(2, || {
        let work = Work::new();
        let waits = {
            let work = work.clone();
            spawn(move || {
                work.once.wait();
                work.assert_done();
            })
        };
        let caller = {
            let work = work.clone();
            thread::spawn(move || call_in_tasklet(&work))
        };
        if work.once.is_completed() {
            work.assert_done();
        }
        waits.join().unwrap();
        caller.join().unwrap();
    });
}

/// Who is at it panics in the middle while two others come: one of them sees what was done so far and does it, the other waits for that.
#[test]
fn one_panics() {
    explore(2, || {
        let work = Work::new();
        let others = [call_in_tasklet, call_in_thread].map(|call| {
            let work = work.clone();
            thread::spawn(move || call(&work))
        });
        let panics = || {
            work.once.call_once(|| {
                work.done.set(0);
                resume_unwind(Box::new("on purpose"))
            });
        };
        let _ = as_tasklet(|| catch_unwind(AssertUnwindSafe(panics)));
        for other in others {
            other.join().unwrap();
        }
        work.assert_done();
    });
}

/// Who is at it waits in its turn and is told to end, while another comes.
#[test]
fn one_is_cancelled() {
    explore(2, || {
        let (work, needed) = (Work::new(), Arc::new(Once::new()));
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (work, needed, tasklet) = (work.clone(), needed.clone(), tasklet.clone());
            let call = move || {
                work.once.call_once(|| {
                    needed.wait();
                    work.work();
                });
            };
            thread::spawn(move || until_cancelled(&tasklet, call).is_some())
        };
        let other = {
            let work = work.clone();
            thread::spawn(move || call_in_tasklet(&work))
        };
        tasklet.cancel();
        needed.call_once(|| ());
        told.join().unwrap();
        other.join().unwrap();
        work.assert_done();
    });
}

/// The future that is at it is dropped, or one that waits, while others come.
#[test]
fn a_future_is_dropped() {
    explore(2, || {
        let work = Work::new();
        let begun = {
            let work = work.clone();
            ByHand::waiting(async move { work.once.call_once_async(std::future::pending).await })
        };
        let waits = {
            let work = work.clone();
            ByHand::waiting(async move { work.once.wait_async().await })
        };
        let other = {
            let work = work.clone();
            thread::spawn(move || call_in_tasklet(&work))
        };
        let dropper = thread::spawn(move || drop(waits));
        drop(begun);
        dropper.join().unwrap();
        other.join().unwrap();
        work.assert_done();
    });
}

/// A value is put in while one waits for it, one makes it if it is not there, and one only looks: all have the same.
#[test]
fn a_value_is_put_in() {
    explore(2, || {
        let lock = Arc::new(OnceLock::new());
        let waits = {
            let lock = lock.clone();
            spawn(move || *lock.wait())
        };
        let makes = {
            let lock = lock.clone();
            thread::spawn(move || *as_task(lock.get_or_init_async(|| async { 1 })))
        };
        assert!(lock.get().is_none_or(|value| *value == 1));
        let put_in = as_tasklet(|| lock.set(2)).is_ok();
        let value = if put_in { 2 } else { 1 };
        assert_eq!((waits.join().unwrap(), makes.join().unwrap(), lock.get()), (value, value, Some(&value)));
    });
}
