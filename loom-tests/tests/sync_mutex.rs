//! `tasklets::sync::Mutex`: one at a time, and nobody sleeps for ever.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{ByHand, Tasklet, as_os_thread, as_task, as_tasklet, explore, spawn, until_cancelled};
use tasklets_runtime::sync::Mutex;

const LONG: Duration = Duration::from_secs(3600);

fn add_in_tasklet(mutex: &Mutex<u32>) {
    as_tasklet(|| *mutex.lock() += 1);
}

fn add_in_thread(mutex: &Mutex<u32>) {
    as_os_thread(|| *mutex.lock() += 1);
}

fn add_in_future(mutex: &Mutex<u32>) {
    *as_task(mutex.lock_async()) += 1;
}

const WAYS: [fn(&Mutex<u32>); 3] = [add_in_tasklet, add_in_thread, add_in_future];

fn spawn_adder(mutex: &Arc<Mutex<u32>>, add: fn(&Mutex<u32>)) -> JoinHandle<()> {
    let mutex = mutex.clone();
    thread::spawn(move || add(&mutex))
}

/// Nobody has it or waits for it, and so many have had it.
fn assert_left(mutex: &Mutex<u32>, count: u32) {
    assert_eq!(*mutex.try_lock().expect("nobody is left"), count);
    assert!(!mutex.is_locked());
}

/// Two want it at once: they have it one after the other, and the second sees what the first wrote.
#[test]
fn two_want_it() {
    for add in WAYS {
        loom::model(move || {
            let mutex = Arc::new(Mutex::new(0));
            let other = spawn_adder(&mutex, add);
            add_in_tasklet(&mutex);
            other.join().unwrap();
            assert_left(&mutex, 2);
        });
    }
}

/// One unlocks and wants it again, past another that waits or is on its way: the other has it too.
#[test]
fn one_wants_it_again() {
    for add in WAYS {
        loom::model(move || {
            let mutex = Arc::new(Mutex::new(0));
            let guard = mutex.try_lock().unwrap();
            let other = spawn_adder(&mutex, add);
            drop(guard);
            add_in_tasklet(&mutex);
            other.join().unwrap();
            assert_left(&mutex, 2);
        });
    }
}

/// Two wait while a third unlocks: whoever is woken, or came in between, wakes the next.
#[test]
fn an_unlock_wakes_one_after_the_other() {
    for add in WAYS {
        explore(2, move || {
            let mutex = Arc::new(Mutex::new(0));
            let guard = mutex.try_lock().unwrap();
            let others = [spawn_adder(&mutex, add), spawn_adder(&mutex, add_in_tasklet)];
            drop(guard);
            for other in others {
                other.join().unwrap();
            }
            assert_left(&mutex, 2);
        });
    }
}

/// Three want it, of different kinds.
#[test]
fn three_want_it() {
    explore(2, || {
        let mutex = Arc::new(Mutex::new(0));
        let others = [spawn_adder(&mutex, add_in_thread), spawn_adder(&mutex, add_in_future)];
        add_in_tasklet(&mutex);
        for other in others {
            other.join().unwrap();
        }
        assert_left(&mutex, 3);
    });
}

/// It is unlocked while the deadline of the first who waits passes: the first has it, or the next.
#[test]
fn an_unlock_meets_a_deadline() {
    explore(2, || {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.try_lock().unwrap();
        let impatient = {
            let mutex = mutex.clone();
            spawn(move || mutex.try_lock_for(LONG).map(|mut guard| *guard += 1).is_some())
        };
        let other = spawn_adder(&mutex, add_in_tasklet);
        drop(guard);
        let had_it = impatient.join().unwrap();
        other.join().unwrap();
        assert_left(&mutex, 1 + u32::from(had_it));
    });
}

/// It is unlocked while one who waits is told to end: that one has it, or the other.
#[test]
fn an_unlock_meets_a_cancellation() {
    explore(2, || {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.try_lock().unwrap();
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (mutex, tasklet) = (mutex.clone(), tasklet.clone());
            thread::spawn(move || until_cancelled(&tasklet, || *mutex.lock() += 1).is_some())
        };
        let other = spawn_adder(&mutex, add_in_tasklet);
        tasklet.cancel();
        drop(guard);
        let had_it = told.join().unwrap();
        other.join().unwrap();
        assert_left(&mutex, 1 + u32::from(had_it));
    });
}

/// A future that waits.
fn waiting(mutex: &Arc<Mutex<u32>>) -> ByHand<()> {
    let mutex = mutex.clone();
    ByHand::waiting(async move { *mutex.lock_async().await += 1 })
}

/// It is unlocked while a future that waits is dropped, before or after it was woken: the next has it.
#[test]
fn an_unlock_meets_a_dropped_future() {
    explore(3, || {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.try_lock().unwrap();
        let dropped = waiting(&mutex);
        let other = spawn_adder(&mutex, add_in_tasklet);
        let dropper = thread::spawn(move || drop(dropped));
        drop(guard);
        dropper.join().unwrap();
        other.join().unwrap();
        assert_left(&mutex, 1);
    });
}

/// One that was beaten once waits again: nobody else gets in before it, and dropped it does not keep the lock it was handed.
#[test]
fn one_that_was_beaten_is_handed_the_lock() {
    for is_dropped in [false, true] {
        loom::model(move || {
            let mutex = Arc::new(Mutex::new(0));
            let guard = mutex.try_lock().unwrap();
            let mut beaten = waiting(&mutex);
            drop(guard);
            let guard = mutex.try_lock().expect("nobody has it yet");
            assert!(beaten.poll().is_none());
            let other = {
                let mutex = mutex.clone();
                thread::spawn(move || mutex.try_lock().is_none())
            };
            drop(guard);
            assert!(other.join().unwrap(), "it was beaten twice");
            if is_dropped {
                drop(beaten);
            } else {
                beaten.finish();
            }
            assert_left(&mutex, u32::from(!is_dropped));
        });
    }
}
