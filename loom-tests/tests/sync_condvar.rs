//! `tasklets::sync::Condvar`: no notification is lost.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{ByHand, Tasklet, as_os_thread, as_task, as_tasklet, explore, spawn, until_cancelled};
use tasklets_runtime::sync::{Condvar, Mutex};

const LONG: Duration = Duration::from_secs(3600);

/// Tokens, and who waits for one.
struct Stock {
    tokens: Mutex<u32>,
    filled: Condvar,
}

impl Stock {
    fn new() -> Arc<Self> {
        Arc::new(Self { tokens: Mutex::new(0), filled: Condvar::new() })
    }

    fn put(&self) {
        *self.tokens.lock() += 1;
        self.filled.notify_one();
    }

    fn spawn_put(self: &Arc<Self>) -> JoinHandle<()> {
        let stock = self.clone();
        spawn(move || stock.put())
    }

    fn take(&self) {
        *self.filled.wait_while(self.tokens.lock(), |tokens| *tokens == 0) -= 1;
    }

    /// Unless the deadline passes first.
    fn take_in_time(&self) -> bool {
        let (mut tokens, result) = self.filled.wait_timeout_while(self.tokens.lock(), LONG, |tokens| *tokens == 0);
        if !result.timed_out() {
            *tokens -= 1;
        }
        !result.timed_out()
    }

    async fn take_async(&self) {
        let mut tokens = self.tokens.lock_async().await;
        while *tokens == 0 {
            tokens = self.filled.wait_async(tokens).await;
        }
        *tokens -= 1;
    }

    /// A future that waits for a notification.
    fn waiting(self: &Arc<Self>) -> ByHand<()> {
        let stock = self.clone();
        ByHand::waiting(async move { stock.take_async().await })
    }

    fn assert_left(&self, tokens: u32) {
        assert_eq!(*self.tokens.try_lock().expect("nobody is left"), tokens);
    }
}

/// A notification comes while one is about to wait, between its look at the condition and its sleep: it does not sleep.
#[test]
fn a_notification_meets_a_wait() {
    let ways: [fn(&Stock); 3] = [
        |stock| as_tasklet(|| stock.take()),
        |stock| as_os_thread(|| stock.take()),
        |stock| as_task(stock.take_async()),
    ];
    for take in ways {
        loom::model(move || {
            let stock = Stock::new();
            let putter = stock.spawn_put();
            take(&stock);
            putter.join().unwrap();
            stock.assert_left(0);
        });
    }
}

/// Two wait for two tokens that come one by one: each is woken.
#[test]
fn two_wait_for_two() {
    explore(2, || {
        let stock = Stock::new();
        let other = {
            let stock = stock.clone();
            spawn(move || stock.take())
        };
        let putter = {
            let stock = stock.clone();
            spawn(move || {
                stock.put();
                stock.put();
            })
        };
        as_os_thread(|| stock.take());
        other.join().unwrap();
        putter.join().unwrap();
        stock.assert_left(0);
    });
}

/// Two wait: the first notification wakes the one that came first, and nobody else.
#[test]
fn each_notification_wakes_one() {
    loom::model(|| {
        let filled = Arc::new(Condvar::new());
        let mutex = Arc::new(Mutex::new(()));
        let waiting = || {
            let (filled, mutex) = (filled.clone(), mutex.clone());
            ByHand::waiting(async move { drop(filled.wait_async(mutex.try_lock().unwrap()).await) })
        };
        let [mut first, mut second] = [waiting(), waiting()];
        let other = {
            let filled = filled.clone();
            thread::spawn(move || filled.notify_one())
        };
        assert!(second.poll().is_none());
        other.join().unwrap();
        assert!(first.poll().is_some() && second.poll().is_none());
        filled.notify_one();
        assert!(second.poll().is_some());
    });
}

/// All are notified while one more begins to wait: it has seen what they are told, or is told too.
#[test]
fn all_are_notified() {
    explore(2, || {
        let stock = Stock::new();
        let mut first = stock.waiting();
        let notifier = {
            let stock = stock.clone();
            spawn(move || {
                *stock.tokens.lock() += 2;
                stock.filled.notify_all();
            })
        };
        as_tasklet(|| stock.take());
        notifier.join().unwrap();
        assert!(first.poll().is_some());
        stock.assert_left(0);
    });
}

/// A notification comes while the deadline of the first who waits passes: it goes to the next, or the first has heeded it.
#[test]
fn a_notification_meets_a_deadline() {
    explore(2, || {
        let stock = Stock::new();
        let impatient = {
            let stock = stock.clone();
            spawn(move || stock.take_in_time())
        };
        let putter = stock.spawn_put();
        let had_it = impatient.join().unwrap();
        putter.join().unwrap();
        stock.assert_left(u32::from(!had_it));
    });
}

/// As before, with another who waits behind: it sleeps no longer than there is nothing to take.
#[test]
fn a_notification_meets_a_deadline_before_another() {
    explore(2, || {
        let stock = Stock::new();
        let impatient = {
            let stock = stock.clone();
            spawn(move || {
                if stock.take_in_time() {
                    stock.put();
                }
            })
        };
        let putter = stock.spawn_put();
        as_tasklet(|| stock.take());
        impatient.join().unwrap();
        putter.join().unwrap();
        stock.assert_left(0);
    });
}

/// A notification comes while the first who waits is told to end, perhaps as it wants the mutex again: it goes to the next.
#[test]
fn a_notification_meets_a_cancellation() {
    explore(2, || {
        let stock = Stock::new();
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (stock, tasklet) = (stock.clone(), tasklet.clone());
            thread::spawn(move || {
                if until_cancelled(&tasklet, || stock.take()).is_some() {
                    as_tasklet(|| stock.put());
                }
            })
        };
        let other = {
            let stock = stock.clone();
            spawn(move || stock.take())
        };
        tasklet.cancel();
        as_os_thread(|| {
            let mut tokens = stock.tokens.lock();
            *tokens += 1;
            stock.filled.notify_one();
            drop(tokens);
        });
        other.join().unwrap();
        // It may have missed the word, and waits on.
        as_os_thread(|| stock.put());
        told.join().unwrap();
        stock.assert_left(1);
    });
}

/// A notification comes while the future of the first who waits is dropped: it goes to the next.
#[test]
fn a_notification_meets_a_dropped_future() {
    explore(3, || {
        let stock = Stock::new();
        let dropped = stock.waiting();
        let mut other = stock.waiting();
        let dropper = thread::spawn(move || drop(dropped));
        as_tasklet(|| stock.put());
        dropper.join().unwrap();
        assert!(other.poll().is_some());
        stock.assert_left(0);
    });
}
