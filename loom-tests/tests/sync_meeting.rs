//! `tasklets::sync::{Barrier, WaitGroup}`: the last one wakes all.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use tasklets_loom_tests::{ByHand, Plain, Tasklet, as_os_thread, as_task, as_tasklet, explore, until_cancelled};
use tasklets_runtime::sync::{Barrier, BarrierWaitResult, WaitGroup};

fn meet_in_tasklet(barrier: &Barrier) -> bool {
    as_tasklet(|| barrier.wait()).is_leader()
}

fn meet_in_thread(barrier: &Barrier) -> bool {
    as_os_thread(|| barrier.wait()).is_leader()
}

fn meet_in_future(barrier: &Barrier) -> bool {
    as_task(barrier.wait_async()).is_leader()
}

const WAYS: [fn(&Barrier) -> bool; 3] = [meet_in_tasklet, meet_in_thread, meet_in_future];

/// Two meet: each sees what the other did before, one leads, and the one that came first is woken.
#[test]
fn two_meet() {
    for meet in WAYS {
        loom::model(move || {
            let (barrier, done) = (Arc::new(Barrier::new(2)), Arc::new([Plain::new(0), Plain::new(0)]));
            let other = {
                let (barrier, done) = (barrier.clone(), done.clone());
                thread::spawn(move || {
                    done[0].set(1);
                    let leads = meet(&barrier);
                    assert_eq!(done[1].get(), 1);
                    leads
                })
            };
            done[1].set(1);
            let leads = meet_in_tasklet(&barrier);
            assert_eq!(done[0].get(), 1);
            assert!(leads != other.join().unwrap());
        });
    }
}

/// Two meet again and again: who is slow to leave a round is not held up by the next.
#[test]
fn two_meet_again() {
    for meet in WAYS {
        explore(3, move || {
            let barrier = Arc::new(Barrier::new(2));
            let other = {
                let barrier = barrier.clone();
                thread::spawn(move || [meet(&barrier), meet(&barrier)])
            };
            let leads = [meet_in_tasklet(&barrier), meet_in_tasklet(&barrier)];
            let others = other.join().unwrap();
            assert!(leads[0] != others[0] && leads[1] != others[1]);
        });
    }
}

/// Three meet, of which one waits already: the last wakes both of the others.
#[test]
fn three_meet() {
    explore(2, || {
        let barrier = Arc::new(Barrier::new(3));
        let (was_last, mut first) = comes(&barrier);
        assert!(!was_last);
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || meet_in_thread(&barrier))
        };
        let leads = meet_in_tasklet(&barrier);
        assert!(leads != other.join().unwrap());
        assert!(first.poll().is_some_and(|result| !result.is_leader()));
    });
}

/// Somebody else who comes: whether the barrier lets it through at once.
fn comes(barrier: &Arc<Barrier>) -> (bool, ByHand<BarrierWaitResult>) {
    let barrier = barrier.clone();
    let mut one = ByHand::begun(async move { barrier.wait_async().await });
    (one.poll().is_some(), one)
}

/// One who has arrived is told to end while another comes: they have met, or the other waits for a third.
#[test]
fn an_arrival_is_taken_back() {
    explore(3, || {
        let barrier = Arc::new(Barrier::new(2));
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (barrier, tasklet) = (barrier.clone(), tasklet.clone());
            thread::spawn(move || until_cancelled(&tasklet, || barrier.wait()).is_some())
        };
        tasklet.cancel();
        let (was_last, mut other) = comes(&barrier);
        if told.join().unwrap() {
            assert!(was_last || other.poll().is_some(), "the two have met");
        } else {
            // If the other came last it has met the one that unwound before it knew.
            assert!(was_last || other.poll().is_none(), "it is alone");
            assert!(comes(&barrier).0 != was_last);
            assert!(was_last || other.poll().is_some());
        }
    });
}

/// A future that has arrived is dropped while two others come: the first of them has met it, or else the second.
#[test]
fn an_arrived_future_is_dropped() {
    explore(3, || {
        let (barrier, is_gone) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
        let arrived = {
            let barrier = barrier.clone();
            ByHand::waiting(async move { barrier.wait_async().await })
        };
        let dropper = {
            let is_gone = is_gone.clone();
            thread::spawn(move || {
                drop(arrived);
                is_gone.store(true, Ordering::Release);
            })
        };
        let was_gone = is_gone.load(Ordering::Acquire);
        let (was_last, mut other) = comes(&barrier);
        assert!(!(was_gone && was_last), "there was nobody to meet");
        let (third_was_last, _third) = comes(&barrier);
        assert!(third_was_last != was_last);
        dropper.join().unwrap();
        if was_last {
            assert!(comes(&barrier).0, "the third is there");
        } else {
            assert!(other.poll().is_some());
        }
    });
}

fn spawn_work(group: &WaitGroup, done: &Arc<Plain<u32>>, work: fn(WaitGroup)) -> JoinHandle<()> {
    let (group, done) = (group.clone(), done.clone());
    thread::spawn(move || {
        done.set(1);
        work(group);
    })
}

/// The last handle but one's own is dropped while one begins to wait: it is woken, and sees what was done.
#[test]
fn the_last_handle_goes() {
    let ways: [fn(WaitGroup); 3] = [
        |group| as_tasklet(|| group.wait()),
        |group| as_os_thread(|| group.wait()),
        |group| as_task(group.wait_async()),
    ];
    for wait in ways {
        loom::model(move || {
            let (group, done) = (WaitGroup::new(), Arc::new(Plain::new(0)));
            let worker = spawn_work(&group, &done, drop);
            wait(group);
            assert_eq!(done.get(), 1);
            worker.join().unwrap();
        });
    }
}

/// Two wait for two workers, of which one counts its work.
#[test]
fn two_wait_for_two() {
    explore(2, || {
        let (group, done) = (WaitGroup::new(), [(); 2].map(|()| Arc::new(Plain::new(0))));
        group.add(1);
        let workers = [
            spawn_work(&group, &done[0], drop),
            spawn_work(&group, &done[1], |group| {
                group.done();
                drop(group);
            }),
        ];
        let waits = group.clone();
        let mut other = ByHand::waiting(waits.wait_async());
        as_tasklet(|| group.wait());
        assert!(done.iter().all(|done| done.get() == 1));
        for worker in workers {
            worker.join().unwrap();
        }
        assert!(other.poll().is_some());
    });
}

/// Of two who wait, one goes away while the last handle does: the other is woken.
#[test]
fn one_who_waits_goes_away() {
    explore(2, || {
        let (group, done) = (WaitGroup::new(), Arc::new(Plain::new(0)));
        let worker = spawn_work(&group, &done, drop);
        let waits = group.clone();
        let dropped = ByHand::waiting(waits.wait_async());
        let mut other = ByHand::begun(group.wait_async());
        let was_done = other.poll().is_some();
        drop(dropped);
        worker.join().unwrap();
        assert!(was_done || other.poll().is_some());
    });
}
