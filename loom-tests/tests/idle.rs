//! `idle`: nobody sleeps while there is work.
//!
//! Workers are loops over the real `Idle`; a worker that nobody wakes sleeps for ever, and loom reports the deadlock. The queue
//! that all may take from is a bare counter without any ordering, so that only the fences of `Idle` order a push before a look.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::ptr::NonNull;
use std::sync::Arc;
use tasklets_loom_tests::Poller;
use tasklets_runtime::internal::{Awake, Idle, Inbox, Kind, Node, Runnable};

struct Runtime {
    idle: Idle,
    pollers: Vec<Poller>,
    /// The injector: how many runnables are in it.
    queue: AtomicUsize,
    /// Of home 0, which worker 0 serves.
    inbox: Inbox,
    node: Node,
}

impl Runtime {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Idle::new(workers),
            pollers: (0..workers).map(|_| Poller::default()).collect(),
            queue: AtomicUsize::new(0),
            inbox: Inbox::default(),
            node: Node::new(Kind::Started),
        })
    }

    /// Anyone: pushes work that every worker may take.
    fn inject(&self) {
        self.queue.fetch_add(1, Ordering::Relaxed);
        self.wake_one();
    }

    fn wake_one(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.pollers[worker].wake();
        }
    }

    /// Anyone: pushes work that only worker 0 does.
    fn send_home(&self) {
        self.inbox.push(Runnable::new(NonNull::from(&self.node)));
        if self.idle.wake(0) {
            self.pollers[0].wake();
        }
    }

    fn has_work(&self) -> bool {
        self.queue.load(Ordering::Relaxed) > 0
    }

    /// A worker: takes one.
    fn take(&self) -> bool {
        let mut seen = self.queue.load(Ordering::Relaxed);
        while seen > 0 {
            match self.queue.compare_exchange(seen, seen - 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// A worker without work: looks around and sleeps until it has taken one from the queue, and then is busy for ever.
    /// `searching` says whether it is counted as searching.
    fn work_once(&self, worker: usize, mut searching: bool) {
        while !self.take() {
            searching = self.sleep(worker, searching);
        }
        if searching && self.idle.stop_searching() && self.has_work() {
            self.wake_one();
        }
    }

    /// A worker that found nothing. Returns whether it is to search now.
    fn sleep(&self, worker: usize, searching: bool) -> bool {
        self.idle.announce_sleep(worker, searching);
        if !self.has_work() && (worker != 0 || self.inbox.is_empty()) {
            self.pollers[worker].sleep();
        }
        match self.idle.wake_up(worker) {
            Awake::Searching => true,
            Awake::Plain => self.idle.try_start_searching(),
        }
    }

    fn spawn(self: &Arc<Self>, worker: usize) -> thread::JoinHandle<()> {
        let runtime = self.clone();
        thread::spawn(move || runtime.work_once(worker, runtime.idle.try_start_searching()))
    }

    /// Everybody is awake and nobody searches: the counts are what they were at first.
    fn assert_quiet(&self) {
        assert!(!self.idle.any_asleep());
        self.idle.announce_sleep(0, false);
        assert!(self.idle.any_asleep());
        assert_eq!(self.idle.wake_up(0), Awake::Plain);
        assert!(self.idle.try_start_searching());
        assert!(!self.idle.try_start_searching(), "of two workers one searches");
        assert!(self.idle.stop_searching());
    }
}

/// Work is pushed while the only worker falls asleep.
#[test]
fn one_pusher_and_one_sleeper() {
    loom::model(|| {
        let runtime = Runtime::new(1);
        let worker = runtime.spawn(0);
        runtime.inject();
        worker.join().unwrap();
        runtime.assert_quiet();
    });
}

/// Work is pushed while somebody searches, who gives up and falls asleep: either it finds the work, or the pusher wakes it.
#[test]
fn a_searcher_that_gives_up_finds_what_a_pusher_left_to_it() {
    loom::model(|| {
        let runtime = Runtime::new(2);
        let searching = runtime.idle.try_start_searching();
        let searcher = {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.work_once(0, searching))
        };
        runtime.inject();
        searcher.join().unwrap();
        runtime.assert_quiet();
    });
}

/// Two pieces of work and two workers, each of which is busy for ever with the first that it finds: whoever searches, sleeps
/// or gives up, both pieces are found. Two preemptions here: three take a minute, and find nothing more.
#[test]
fn two_workers_find_two_pieces_of_work() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.map_or(Some(2), |bound| Some(bound.min(2)));
    model.check(|| {
        let runtime = Runtime::new(2);
        let workers = [0, 1].map(|worker| runtime.spawn(worker));
        runtime.inject();
        runtime.inject();
        for worker in workers {
            worker.join().unwrap();
        }
        runtime.assert_quiet();
    });
}

/// Worker 0 searches and finds work, while more is pushed that the pusher may leave to it: either it or the pusher wakes
/// worker 1, which sleeps.
#[test]
fn the_last_searcher_to_find_work_wakes_the_next() {
    loom::model(|| {
        let runtime = Runtime::new(2);
        // Worker 1 has announced sleep and looked; it is about to sleep.
        runtime.idle.announce_sleep(1, false);
        let sleeper = {
            let runtime = runtime.clone();
            thread::spawn(move || {
                runtime.pollers[1].sleep();
                let searching = runtime.idle.wake_up(1) == Awake::Searching;
                runtime.work_once(1, searching);
            })
        };
        assert!(runtime.idle.try_start_searching());
        runtime.queue.fetch_add(1, Ordering::Relaxed);
        let pusher = {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.inject())
        };
        // Worker 0: finds one and is busy for ever.
        assert!(runtime.take());
        if runtime.idle.stop_searching() && runtime.has_work() {
            runtime.wake_one();
        }
        pusher.join().unwrap();
        sleeper.join().unwrap();
        runtime.assert_quiet();
    });
}

/// Work for one home is pushed while its worker falls asleep.
#[test]
fn a_push_into_an_inbox_wakes_its_worker() {
    loom::model(|| {
        let runtime = Runtime::new(2);
        let worker = {
            let runtime = runtime.clone();
            thread::spawn(move || {
                while !runtime.inbox.take_all(|_| ()) {
                    runtime.idle.announce_sleep(0, false);
                    if runtime.inbox.is_empty() {
                        runtime.pollers[0].sleep();
                    }
                    assert_eq!(runtime.idle.wake_up(0), Awake::Plain);
                }
            })
        };
        runtime.send_home();
        worker.join().unwrap();
        runtime.assert_quiet();
    });
}

/// Work for one home is pushed while its worker, which slept, wakes by itself and falls asleep again.
#[test]
fn a_wake_meets_a_worker_that_wakes_by_itself() {
    loom::model(|| {
        let runtime = Runtime::new(2);
        runtime.idle.announce_sleep(0, false);
        let worker = {
            let runtime = runtime.clone();
            thread::spawn(move || {
                // A timer.
                let _ = runtime.idle.wake_up(0);
                while !runtime.inbox.take_all(|_| ()) {
                    runtime.idle.announce_sleep(0, false);
                    if runtime.inbox.is_empty() {
                        runtime.pollers[0].sleep();
                    }
                    let _ = runtime.idle.wake_up(0);
                }
            })
        };
        runtime.send_home();
        worker.join().unwrap();
        runtime.assert_quiet();
    });
}

/// One pusher wants this worker and another wants any: whichever claims it, it finds what both have pushed.
#[test]
fn a_wake_for_one_and_a_wake_for_any_meet() {
    loom::model(|| {
        let runtime = Runtime::new(1);
        let pusher = {
            let runtime = runtime.clone();
            thread::spawn(move || runtime.send_home())
        };
        let worker = {
            let runtime = runtime.clone();
            thread::spawn(move || {
                let (mut home, mut any, mut searching) = (false, false, false);
                loop {
                    home |= runtime.inbox.take_all(|_| ());
                    any = any || runtime.take();
                    if home && any {
                        break;
                    }
                    searching = runtime.sleep(0, searching);
                }
                if searching {
                    assert!(runtime.idle.stop_searching());
                }
            })
        };
        runtime.inject();
        pusher.join().unwrap();
        worker.join().unwrap();
        runtime.assert_quiet();
    });
}
