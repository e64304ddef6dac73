//! `tasklets_park::WaitQueue`: nobody sleeps for ever. A queue looks for dead entries as soon as there is one here.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tasklets_loom_tests::{Task, Tasklet, as_os_thread, explore, explore_deeply};
use tasklets_park::fifo::Fifo;
use tasklets_park::{Cancelled, Note, PolledWaiter, Reason, Wait, WaitQueue};

/// Permits, and who waits for one.
struct Gate {
    permits: AtomicUsize,
    queue: WaitQueue,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self { permits: AtomicUsize::new(0), queue: WaitQueue::new() })
    }

    fn give(&self) {
        self.permits.fetch_add(1, Ordering::SeqCst);
        if !self.queue.is_empty() {
            self.queue.wake_one();
        }
    }

    fn giver(self: &Arc<Self>, permits: usize) -> JoinHandle<()> {
        let gate = self.clone();
        thread::spawn(move || (0..permits).for_each(|_| gate.give()))
    }

    fn try_take(&self) -> bool {
        self.permits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |permits| permits.checked_sub(1)).is_ok()
    }

    fn has_permits(&self) -> bool {
        self.permits.load(Ordering::SeqCst) > 0
    }

    /// Takes one as a tasklet or thread. Returns false if the deadline passes first.
    fn take(&self, deadline: Option<Instant>) -> bool {
        while !self.try_take() {
            if self.queue.wait(Note::NONE, Reason::Other, deadline, || self.has_permits()) == Wait::TimedOut {
                return false;
            }
        }
        true
    }

    /// Takes one as a future.
    fn take_polled(&self) {
        while !self.try_take() {
            let mut waiter = PolledWaiter::begin();
            self.queue.push(waiter.ticket(), Note::NONE);
            if !self.has_permits() {
                Task::new().run(|cx| waiter.poll(cx));
            } else if waiter.withdraw() {
                self.queue.forsake();
            }
        }
    }

    fn take_in_tasklet(&self) {
        assert!(Tasklet::new().run(|| self.take(None)));
    }

    fn take_in_thread(&self) {
        assert!(as_os_thread(|| self.take(None)));
    }

    /// Nobody is left, and so nothing of anybody.
    fn assert_deserted(&self, permits: usize) {
        assert_eq!(self.permits.load(Ordering::SeqCst), permits);
        assert!(!self.queue.wake_one());
        assert!(self.queue.is_empty());
    }
}

/// A permit is given while somebody begins to wait for it: the one sees the permit, or the other sees the waiter.
#[test]
fn a_permit_and_a_waiter_find_each_other() {
    for take in [Gate::take_in_tasklet, Gate::take_in_thread, Gate::take_polled] {
        loom::model(move || {
            let gate = Gate::new();
            let giver = gate.giver(1);
            take(&gate);
            giver.join().unwrap();
            gate.assert_deserted(0);
        });
    }
}

/// Two of different kinds wait, for as many permits.
#[test]
fn two_of_different_kinds_wait_in_one_queue() {
    for take in [Gate::take_in_thread, Gate::take_polled] {
        explore(2, move || {
            let gate = Gate::new();
            let other = {
                let gate = gate.clone();
                thread::spawn(move || take(&gate))
            };
            let giver = gate.giver(2);
            gate.take_in_tasklet();
            giver.join().unwrap();
            other.join().unwrap();
            gate.assert_deserted(0);
        });
    }
}

/// One of two gives up at its deadline while a permit is given: the permit is not spent on its entry.
#[test]
fn a_permit_that_meets_a_timeout_goes_to_the_next() {
    explore(2, || {
        let gate = Gate::new();
        let impatient = {
            let gate = gate.clone();
            thread::spawn(move || {
                if Tasklet::new().run(|| gate.take(Some(Instant::now()))) {
                    gate.give();
                }
            })
        };
        let giver = gate.giver(1);
        gate.take_in_tasklet();
        giver.join().unwrap();
        impatient.join().unwrap();
        gate.assert_deserted(0);
    });
}

/// A tasklet is told to end while it is given a permit: it has the permit, or it is there for others.
#[test]
fn a_permit_that_meets_a_cancellation_is_kept() {
    loom::model(|| {
        let gate = Gate::new();
        let tasklet = Arc::new(Tasklet::new());
        let scheduler = {
            let (gate, tasklet) = (gate.clone(), tasklet.clone());
            thread::spawn(move || {
                tasklet.cancel();
                gate.give();
            })
        };
        let took = match tasklet.run(|| catch_unwind(AssertUnwindSafe(|| gate.take(None)))) {
            Ok(took) => took,
            Err(payload) => {
                assert!(payload.is::<Cancelled>(), "it fails otherwise");
                false
            }
        };
        scheduler.join().unwrap();
        gate.assert_deserted(usize::from(!took));
    });
}

/// Somebody finds what it wanted when it looks again, while it is taken out: either it was, or it takes its entry back.
#[test]
fn a_wake_up_that_meets_a_withdrawal_is_known_to_both() {
    loom::model(|| {
        let queue = Arc::new(WaitQueue::new());
        let waker = {
            let queue = queue.clone();
            thread::spawn(move || queue.wake_one())
        };
        let wait = Tasklet::new().run(|| queue.wait(Note::NONE, Reason::Other, None, || true));
        assert_eq!(wait == Wait::Woken, waker.join().unwrap());
        assert!(queue.is_empty());
    });
}

/// Messages in a lock-free queue, senders that stop in the middle, and a receiver that waits when it finds nothing.
#[test]
fn a_message_and_a_receiver_find_each_other() {
    for senders in [1, 2] {
        explore(if senders == 1 { 3 } else { 2 }, move || {
            let channel = Arc::new((Fifo::<usize>::new(), WaitQueue::new()));
            let sending: Vec<_> = (0..senders)
                .map(|message| {
                    let channel = channel.clone();
                    thread::spawn(move || {
                        channel.0.push(message, u64::MAX).unwrap();
                        if !channel.1.is_empty() {
                            channel.1.wake_one();
                        }
                    })
                })
                .collect();
            let mut received = Tasklet::new().run(|| {
                let receive = || loop {
                    if let Some(message) = channel.0.pop() {
                        return message;
                    }
                    let _ = channel.1.wait(Note::NONE, Reason::Receive, None, || channel.0.is_ready());
                };
                (0..senders).map(|_| receive()).collect::<Vec<_>>()
            });
            for sender in sending {
                sender.join().unwrap();
            }
            received.sort_unstable();
            assert!(received.into_iter().eq(0..senders));
        });
    }
}

/// A wait that somebody may end, watched from outside.
struct Watched(PolledWaiter);

impl Watched {
    /// In the queue, under its own ticket as a number.
    fn register(queue: &WaitQueue) -> Self {
        let waiter = PolledWaiter::begin();
        queue.push(waiter.ticket(), Note::number(waiter.ticket().into_bits()));
        Self(waiter)
    }

    fn is_woken(&mut self) -> bool {
        Task::new().once(|cx| self.0.poll(cx)) == Poll::Ready(())
    }

    /// Ends the wait, which nobody has won. Somebody has yet to say so.
    fn leave(self) {
        assert!(self.0.withdraw());
    }
}

/// Wakes one, which must be what its entry says.
fn wake_one(queue: &WaitQueue) -> bool {
    queue
        .pop()
        .map(|(held, note)| assert_eq!(Note::number(held.ticket().into_bits()), note, "another's data"))
        .is_some()
}

/// Two dead entries and a living one, and somebody who goes through the queue.
fn sweep(queue: &Arc<WaitQueue>) -> (Watched, JoinHandle<()>) {
    let dead = [Watched::register(queue), Watched::register(queue)];
    let living = Watched::register(queue);
    dead.into_iter().for_each(Watched::leave);
    queue.forsake();
    let sweeper = {
        let queue = queue.clone();
        thread::spawn(move || queue.forsake())
    };
    (living, sweeper)
}

/// Somebody is to be woken while the queue is gone through: it is, once.
#[test]
fn a_sweep_hides_nobody() {
    explore(3, || {
        let queue = Arc::new(WaitQueue::new());
        let (mut living, sweeper) = sweep(&queue);
        assert!(wake_one(&queue), "one waits");
        assert!(living.is_woken());
        sweeper.join().unwrap();
        assert!(!wake_one(&queue), "nobody waits");
        assert!(queue.is_empty());
    });
}

/// Somebody else comes while the queue is gone through.
#[test]
fn a_sweep_and_a_newcomer() {
    explore(2, || {
        let queue = Arc::new(WaitQueue::new());
        let (mut living, sweeper) = sweep(&queue);
        let mut newcomer = Watched::register(&queue);
        assert!(wake_one(&queue) && wake_one(&queue), "two wait");
        assert!(living.is_woken() && newcomer.is_woken());
        sweeper.join().unwrap();
        assert!(!wake_one(&queue), "nobody waits");
        assert!(queue.is_empty());
    });
}

/// Somebody else comes while the queue is gone through and all are woken: those who waited before are.
#[test]
fn all_who_wait_are_woken_although_a_sweep_moves_them() {
    explore(2, || {
        let queue = Arc::new(WaitQueue::new());
        let (mut living, sweeper) = sweep(&queue);
        let newcomer = {
            let queue = queue.clone();
            thread::spawn(move || Watched::register(&queue))
        };
        queue.wake_all();
        assert!(living.is_woken());
        sweeper.join().unwrap();
        let mut newcomer = newcomer.join().unwrap();
        queue.wake_all();
        assert!(newcomer.is_woken());
        assert!(queue.is_empty());
    });
}

/// Two wait and all are woken.
#[test]
fn all_are_woken() {
    loom::model(|| {
        let queue = Arc::new(WaitQueue::new());
        let mut first = Watched::register(&queue);
        let waker = {
            let queue = queue.clone();
            thread::spawn(move || queue.wake_all())
        };
        let mut second = Watched::register(&queue);
        waker.join().unwrap();
        assert!(first.is_woken());
        if !second.is_woken() {
            assert!(wake_one(&queue));
        }
        assert!(!wake_one(&queue) && queue.is_empty());
    });
}

/// The memory of an entry is used again while a sweep looks at it: the sweep does not put the ticket of one with the data of another.
#[test]
fn a_slow_sweep_meets_memory_that_is_used_again() {
    explore_deeply(4, || {
        let queue = Arc::new(WaitQueue::new());
        Watched::register(&queue).leave();
        let others: Vec<_> = (0..4).map(|_| PolledWaiter::begin()).collect();
        let sweeper = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.forsake();
                wake_one(&queue)
            })
        };
        thread::yield_now();
        let mut woken = 0;
        for other in &others {
            queue.push(other.ticket(), Note::number(other.ticket().into_bits()));
            woken += usize::from(wake_one(&queue));
        }
        woken += usize::from(sweeper.join().unwrap());
        while wake_one(&queue) {
            woken += 1;
        }
        assert_eq!(woken, others.len());
        assert!(queue.is_empty());
    });
}

/// Whoever only waits and gives up leaves nothing behind, without anybody ever being woken.
#[test]
fn those_who_give_up_leave_nothing_behind() {
    loom::model(|| {
        let queue = WaitQueue::new();
        for _ in 0..5 {
            Watched::register(&queue).leave();
            queue.forsake();
            assert!(queue.is_empty());
            assert_eq!(queue.len(), 0);
        }
        Tasklet::new().run(|| {
            assert_eq!(queue.wait(Note::NONE, Reason::Other, None, || true), Wait::Ready);
            assert!(queue.is_empty());
            assert_eq!(queue.wait(Note::NONE, Reason::Other, Some(Instant::now()), || false), Wait::TimedOut);
            assert!(queue.is_empty());
        });
    });
}
