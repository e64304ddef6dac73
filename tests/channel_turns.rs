//! A tasklet whose channel operations never have to wait gives its neighbours a turn all the same. One worker: nobody else could.

mod watchdog;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use tasklets::channel::{bounded, unbounded};
use tasklets::sync::{Mutex, RwLock, Semaphore};
use tasklets::{Runtime, spawn};
use watchdog::Watchdog;

/// Does `step` until a neighbour has run, and another step after that.
#[track_caller]
fn lets_a_neighbour_run(what: &str, mut step: impl FnMut() + Send) {
    let _watchdog = Watchdog::new(what, Duration::ZERO);
    for fifo in [false, true] {
        Runtime::builder().workers(1).fifo(fifo).build().unwrap().run(|| {
            let ran = Arc::new(AtomicBool::new(false));
            let its = ran.clone();
            let neighbour = spawn(move || its.store(true, SeqCst));
            while !ran.load(SeqCst) {
                step();
            }
            step();
            neighbour.join().unwrap();
        });
    }
}

#[test]
fn a_sender_that_always_finds_room() {
    let (s, r) = bounded(1);
    lets_a_neighbour_run("a sender that always finds room", || {
        s.send(0).unwrap();
        // Never suspends, so that it is the sends that count.
        assert_eq!(r.try_recv(), Ok(0));
    });
}

/// It never waits, and so never gives a turn: a lock of std's may be held over it.
#[test]
fn a_send_into_an_unbounded_channel_suspends_nobody() {
    tasklets::Runtime::builder().workers(1).build().unwrap().run(|| {
        let (s, r) = unbounded();
        let neighbour = tasklets::spawn(|| ());
        let began = std::time::Instant::now();
        // Several times as long as a turn.
        while began.elapsed() < std::time::Duration::from_millis(20) {
            s.send(0).unwrap();
            assert_eq!(r.try_recv(), Ok(0));
        }
        assert!(!neighbour.is_finished());
        neighbour.join().unwrap();
    });
}

#[test]
fn a_receiver_that_always_finds_a_message() {
    let (s, r) = unbounded();
    lets_a_neighbour_run("a receiver that always finds a message", || {
        s.try_send(0).unwrap();
        assert_eq!(r.recv(), Ok(0));
    });
}

#[test]
fn one_that_sends_and_receives_to_itself() {
    let (s, r) = bounded(8);
    lets_a_neighbour_run("one that sends and receives to itself", || {
        s.send(0).unwrap();
        assert_eq!(r.recv(), Ok(0));
    });
}

#[test]
fn one_that_receives_what_is_there_in_batches() {
    let (s, r) = unbounded();
    let mut batch = Vec::new();
    lets_a_neighbour_run("one that receives what is there in batches", || {
        s.try_send(0).unwrap();
        assert_eq!(r.recv_many(&mut batch, 8), Ok(1));
        batch.clear();
    });
}

#[test]
fn one_that_takes_free_locks() {
    let (mutex, rwlock, semaphore) = (Mutex::new(0), RwLock::new(0), Semaphore::new(1));
    lets_a_neighbour_run("one that takes a free mutex", || *mutex.lock() += 1);
    lets_a_neighbour_run("one that takes a free lock for writing", || *rwlock.write() += 1);
    lets_a_neighbour_run("one that takes a free permit", || drop(semaphore.acquire().unwrap()));
}

#[test]
fn a_neighbour_that_is_woken_from_elsewhere_runs_too() {
    let _watchdog = Watchdog::new("a neighbour that is woken from elsewhere", Duration::ZERO);
    Runtime::builder().workers(1).build().unwrap().run(|| {
        let (s, r) = bounded(8);
        let (wake, woken) = bounded::<()>(0);
        let ran = Arc::new(AtomicBool::new(false));
        let its = ran.clone();
        let neighbour = spawn(move || {
            woken.recv().unwrap();
            its.store(true, SeqCst);
        });
        let waker = std::thread::spawn(move || wake.send(()).unwrap());
        while !ran.load(SeqCst) {
            s.send(0).unwrap();
            assert_eq!(r.recv(), Ok(0));
        }
        neighbour.join().unwrap();
        waker.join().unwrap();
    });
}
