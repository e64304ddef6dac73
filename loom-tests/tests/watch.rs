//! `tasklets_channels::watch`: a value is not gone while it is read, no change is missed, and nobody sleeps for ever.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tasklets_channels::RecvError;
use tasklets_channels::watch::channel;
use tasklets_loom_tests::{Plain, Task, Tasklet, as_os_thread, explore};

const ALIVE: u32 = 1;
const GONE: u32 = 2;

/// A value whose reading races with its dropping unless something else orders the two.
struct Value {
    state: Plain<u32>,
    drops: Arc<AtomicUsize>,
}

impl Value {
    fn new(drops: &Arc<AtomicUsize>) -> Self {
        Self { state: Plain::new(ALIVE), drops: drops.clone() }
    }

    fn check(&self) {
        assert_eq!(self.state.get(), ALIVE);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        assert_eq!(self.state.replace(GONE), ALIVE);
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

/// A value is shown while a tasklet, or a thread, falls asleep until one is.
#[test]
fn a_change_wakes_whoever_waits_for_it() {
    for run in [|wait: &mut dyn FnMut()| Tasklet::new().run(wait), |wait: &mut dyn FnMut()| as_os_thread(wait)] {
        explore(2, move || {
            let (sender, mut receiver) = channel(0);
            let sends = thread::spawn(move || {
                sender.send_replace(1);
                sender
            });
            run(&mut || assert_eq!(receiver.changed(), Ok(())));
            assert_eq!(receiver.get(), 1);
            assert!(!receiver.has_changed());
            sends.join().unwrap();
        });
    }
}

/// Two receivers wait, and one of them gives up: the other is woken all the same.
#[test]
fn a_receiver_that_gives_up_keeps_no_change_from_another() {
    explore(1, || {
        let (sender, mut receiver) = channel(0);
        let mut other = receiver.clone();
        let gives_up = thread::spawn(move || {
            Tasklet::new().run(|| {
                let _ = other.changed_timeout(Duration::ZERO);
            });
        });
        let sends = thread::spawn(move || {
            sender.send_replace(1);
            sender
        });
        Tasklet::new().run(|| assert_eq!(receiver.changed(), Ok(())));
        gives_up.join().unwrap();
        sends.join().unwrap();
    });
}

/// The last sender shows a last value and goes: that is seen, and then the end.
#[test]
fn the_last_value_comes_before_the_end() {
    explore(2, || {
        let (sender, mut receiver) = channel(0);
        let sends = thread::spawn(move || assert_eq!(sender.send(1), Ok(())));
        Tasklet::new().run(|| {
            assert_eq!(receiver.changed(), Ok(()));
            assert_eq!(receiver.changed(), Err(RecvError));
        });
        assert_eq!(receiver.get(), 1);
        sends.join().unwrap();
    });
}

/// The last receiver goes while a sender falls asleep until it does.
#[test]
fn a_sender_learns_that_nobody_looks() {
    explore(2, || {
        let (sender, receiver) = channel(0);
        let goes = thread::spawn(move || drop(receiver));
        Tasklet::new().run(|| sender.closed());
        assert!(sender.send(1).is_err());
        goes.join().unwrap();
    });
}

/// A future is polled while a value is shown; and one that is dropped instead leaves the change to be seen.
#[test]
fn a_change_reaches_a_future_or_the_next() {
    for give_up in [false, true] {
        explore(2, move || {
            let (sender, mut receiver) = channel(0);
            let sends = thread::spawn(move || {
                sender.send_replace(1);
                sender
            });
            let task = Task::new();
            if give_up {
                let seen = {
                    let mut wait = pin!(receiver.changed_async());
                    task.once(|cx| wait.as_mut().poll(cx)).is_ready()
                };
                drop(sends.join().unwrap());
                assert_ne!(seen, receiver.has_changed());
            } else {
                let mut wait = pin!(receiver.changed_async());
                assert_eq!(task.run(|cx| wait.as_mut().poll(cx)), Ok(()));
                sends.join().unwrap();
            }
        });
    }
}

/// A value is replaced while it is looked at, and what is looked at is whole and stays so; each value is dropped once.
#[test]
fn a_value_that_is_looked_at_stays() {
    explore(2, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel(Value::new(&drops));
        let other = receiver.clone();
        let looks = thread::spawn(move || {
            // Twice, so that counts are folded.
            other.borrow().check();
            other.borrow().check();
        });
        let sends = {
            let drops = drops.clone();
            thread::spawn(move || drop(sender.send_replace(Value::new(&drops))))
        };
        receiver.borrow().check();
        looks.join().unwrap();
        sends.join().unwrap();
        drop(receiver);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

/// Two senders replace values, whose slots are used again, while a receiver looks.
#[test]
fn slots_are_used_again_only_when_nobody_looks() {
    explore(2, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel(Value::new(&drops));
        let other = {
            let (sender, drops) = (sender.clone(), drops.clone());
            thread::spawn(move || {
                drop(sender.send_replace(Value::new(&drops)));
                drop(sender.send_replace(Value::new(&drops)));
            })
        };
        drop(sender.send_replace(Value::new(&drops)));
        receiver.borrow().check();
        other.join().unwrap();
        drop(sender);
        drop(receiver);
        assert_eq!(drops.load(Ordering::Relaxed), 4);
    });
}

/// A sender stops between looking at the list of free slots and taking the first; meanwhile another takes two and gives the first
/// back, which is then another list.
#[test]
fn a_slot_that_came_back_is_another() {
    explore(2, || {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel(Value::new(&drops));
        {
            // Three slots, of which two are free.
            let first = sender.send_replace(Value::new(&drops));
            let second = sender.send_replace(Value::new(&drops));
            drop((first, second));
        }
        let other = {
            let (sender, drops) = (sender.clone(), drops.clone());
            thread::spawn(move || {
                drop(sender.send_replace(Value::new(&drops)));
                drop(sender.send_replace(Value::new(&drops)));
            })
        };
        {
            let _kept = sender.send_replace(Value::new(&drops));
            drop(sender.send_replace(Value::new(&drops)));
        }
        other.join().unwrap();
        // All slots at once, so that one that is in the list twice, or in use and in the list, shows.
        let all = [(); 4].map(|()| sender.send_replace(Value::new(&drops)));
        all.iter().for_each(|value| value.check());
        drop(all);
        receiver.borrow().check();
        drop(sender);
        drop(receiver);
        assert_eq!(drops.load(Ordering::Relaxed), 11);
    });
}

/// Two senders change the value at once: no change is lost.
#[test]
fn no_modification_is_lost() {
    explore(2, || {
        let (sender, receiver) = channel(0);
        let other = {
            let sender = sender.clone();
            thread::spawn(move || sender.send_modify(|value| *value += 1))
        };
        sender.send_modify(|value| *value += 1);
        other.join().unwrap();
        assert_eq!(receiver.get(), 2);
        assert!(receiver.has_changed());
    });
}
