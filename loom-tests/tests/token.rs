//! `tasklets_park::Token`: no permit is lost, and the token may be gone right after a firm wait has its permit.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tasklets_loom_tests::{Plain, Tasklet, as_os_thread};
use tasklets_park::{Cancelled, Token, Waited, Waiter};

/// A token and what comes with its permit.
#[derive(Default)]
struct Mailbox {
    token: Token,
    flags: [AtomicBool; 2],
}

impl Mailbox {
    /// One of two notifiers: sets its flag, then notifies.
    fn post(self: &Arc<Self>, who: usize) -> thread::JoinHandle<()> {
        let mailbox = self.clone();
        thread::spawn(move || {
            mailbox.flags[who].store(true, Ordering::Relaxed);
            mailbox.token.notify();
        })
    }

    /// Whether the flag is there, with no help from the flag itself.
    fn has(&self, who: usize) -> bool {
        self.flags[who].load(Ordering::Relaxed)
    }
}

/// A permit is given while a tasklet falls asleep: it gets it, with what the notifier wrote.
#[test]
fn a_permit_reaches_a_tasklet_whenever_it_waits() {
    loom::model(|| {
        let shared = Arc::new((Token::new(), Plain::new(0)));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.set(1);
                shared.0.notify();
            })
        };
        Tasklet::new().run(|| assert_eq!(shared.0.wait(None), Waited::Signaled));
        assert_eq!(shared.1.get(), 1);
        assert!(!shared.0.try_take(), "there was one permit");
        notifier.join().unwrap();
    });
}

/// The same with an OS thread, which sleeps on its slot's word.
#[test]
fn a_permit_reaches_a_thread_whenever_it_waits() {
    loom::model(|| {
        let shared = Arc::new((Token::new(), Plain::new(0)));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.set(1);
                shared.0.notify();
            })
        };
        as_os_thread(|| shared.0.wait_firmly());
        assert_eq!(shared.1.get(), 1);
        notifier.join().unwrap();
    });
}

/// A permit is taken without waiting while it is given.
#[test]
fn a_permit_taken_without_waiting_brings_the_data() {
    loom::model(|| {
        let shared = Arc::new((Token::new(), Plain::new(0)));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.set(1);
                shared.0.notify();
            })
        };
        // Loom would not let the notifier go first of itself: see the README on what it misses.
        thread::yield_now();
        if shared.0.try_take() {
            assert_eq!(shared.1.get(), 1);
            assert!(!shared.0.try_take());
        }
        notifier.join().unwrap();
    });
}

/// The owner waits until it has seen the flags of two notifiers: each is seen at the latest after its own permit, however the
/// two merge with each other and with the owner's taking of the first.
#[test]
fn two_notifiers_lose_nothing() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let notifiers = [0, 1].map(|who| mailbox.post(who));
        Tasklet::new().run(|| {
            while !(mailbox.has(0) && mailbox.has(1)) {
                assert_eq!(mailbox.token.wait(None), Waited::Signaled);
            }
        });
        for notifier in notifiers {
            notifier.join().unwrap();
        }
    });
}

/// The deadline passes while a permit is given: it comes with this wait or stays for the next, and a notifier that still holds
/// the ticket of the first wait does nothing to a wait for something else.
#[test]
fn a_permit_that_meets_a_timeout_is_kept() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::default());
        let notifier = mailbox.post(0);
        Tasklet::new().run(|| {
            if mailbox.token.wait(Some(Instant::now())) == Waited::TimedOut {
                let other = Waiter::begin();
                assert!(other.ticket().signal(), "the notifier has no ticket of this wait");
                assert_eq!(other.wait(None), Waited::Signaled);
                mailbox.token.wait_firmly();
            }
            assert!(mailbox.has(0));
            assert!(!mailbox.token.try_take(), "there was one permit");
        });
        notifier.join().unwrap();
    });
}

/// A tasklet is told to end while a permit is given: it has the permit, or unwinds and leaves it for a destructor.
#[test]
fn a_permit_that_meets_a_cancellation_is_kept() {
    loom::model(|| {
        let tasklet = Arc::new(Tasklet::new());
        let mailbox = Arc::new(Mailbox::default());
        let notifier = mailbox.post(0);
        let scheduler = {
            let tasklet = tasklet.clone();
            thread::spawn(move || tasklet.cancel())
        };
        tasklet.run(|| {
            match catch_unwind(AssertUnwindSafe(|| mailbox.token.wait(None))) {
                Ok(waited) => assert_eq!(waited, Waited::Signaled),
                Err(payload) => {
                    assert!(payload.is::<Cancelled>(), "it fails otherwise");
                    mailbox.token.wait_firmly();
                }
            }
            assert!(mailbox.has(0));
            assert!(!mailbox.token.try_take(), "there was one permit");
        });
        notifier.join().unwrap();
        scheduler.join().unwrap();
    });
}

/// The owner of a firm wait frees the token as soon as it has the permit, as a `join` does whose half was stolen: the notifier
/// touches it no more.
#[test]
fn the_token_may_go_as_soon_as_its_permit_is_there() {
    for run in [|wait: &dyn Fn()| Tasklet::new().run(wait), |wait: &dyn Fn()| as_os_thread(wait)] {
        loom::model(move || {
            let job = Box::into_raw(Box::new(Token::new()));
            // SAFETY: the memory is there until the end of the execution.
            let token = move || unsafe { &*job };
            let thief = thread::spawn(move || token().notify());
            run(&|| token().wait_firmly());
            // SAFETY: nobody uses it any more, which is what loom checks; it is dropped this once.
            unsafe { std::ptr::drop_in_place(job) };
            thief.join().unwrap();
            // Only now, so that a late access is loom's to find.
            // SAFETY: it came from a box of the same layout, and what was in it is gone.
            drop(unsafe { Box::from_raw(job.cast::<std::mem::ManuallyDrop<Token>>()) });
        });
    }
}
