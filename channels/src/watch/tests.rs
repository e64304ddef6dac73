use super::channel;
use crate::{RecvError, RecvTimeoutError};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use tasklets_park::block_on;

const MOMENT: Duration = Duration::from_millis(5);

/// Counts its drops.
struct Counted(u64, Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_receiver_sees_each_change_once() {
    let (sender, mut receiver) = channel(0);
    assert_eq!(receiver.changed_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    let mut other = receiver.clone();
    receiver.changed().unwrap();
    assert_eq!(receiver.get(), 2);
    assert!(!receiver.has_changed());
    assert_eq!(receiver.changed_deadline(Instant::now() + MOMENT), Err(RecvTimeoutError::Timeout));
    assert!(other.has_changed(), "a clone has seen what its original had");
    assert_eq!(*other.borrow(), 2);
    assert!(other.has_changed(), "looking is not seeing");
    assert_eq!(*other.borrow_and_update(), 2);
    assert!(!other.has_changed());
    assert!(!sender.subscribe().has_changed());
}

#[test]
fn equal_values_are_changes() {
    let (sender, mut receiver) = channel(1);
    for _ in 0..10 {
        sender.send(1).unwrap();
        assert_eq!(receiver.changed_timeout(Duration::ZERO), Ok(()));
    }
}

#[test]
fn the_last_value_is_seen_before_the_end() {
    let (sender, mut receiver) = channel(0);
    let other = sender.clone();
    other.send(1).unwrap();
    drop(other);
    assert!(!receiver.is_disconnected());
    drop(sender);
    assert!(receiver.is_disconnected());
    assert_eq!(receiver.changed(), Ok(()));
    assert_eq!(receiver.changed(), Err(RecvError));
    assert_eq!(receiver.changed_timeout(MOMENT), Err(RecvTimeoutError::Disconnected));
    assert_eq!(block_on(receiver.changed_async()), Err(RecvError));
    assert_eq!(receiver.get(), 1);
}

#[test]
fn waiters_of_all_kinds_are_woken_by_a_change_and_by_the_end() {
    for end in [false, true] {
        let (sender, receiver) = channel(0);
        let blocking = {
            let mut receiver = receiver.clone();
            thread::spawn(move || receiver.changed())
        };
        let asynchronous = {
            let mut receiver = receiver.clone();
            thread::spawn(move || block_on(receiver.changed_async()))
        };
        thread::sleep(MOMENT);
        if end {
            drop(sender)
        } else {
            sender.send(1).unwrap()
        }
        for waits in [blocking, asynchronous] {
            assert_eq!(waits.join().unwrap().is_err(), end);
        }
    }
}

#[test]
fn sending_needs_a_receiver_and_replacing_does_not() {
    let (sender, receiver) = channel(0);
    assert_eq!(sender.receiver_count(), 1);
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(1).unwrap_err().into_inner(), 1);
    assert_eq!(*sender.send_replace(2), 0);
    assert_eq!(sender.get(), 2);
    let receiver = sender.subscribe();
    sender.send(3).unwrap();
    assert_eq!(receiver.get(), 3);
}

#[test]
fn a_sender_waits_until_nobody_looks() {
    let (sender, receiver) = channel(0);
    assert!(!sender.closed_timeout(MOMENT));
    let blocking = {
        let sender = sender.clone();
        thread::spawn(move || sender.closed())
    };
    let asynchronous = {
        let sender = sender.clone();
        thread::spawn(move || block_on(sender.closed_async()))
    };
    thread::sleep(MOMENT);
    drop(receiver);
    blocking.join().unwrap();
    asynchronous.join().unwrap();
    sender.closed();
}

#[test]
fn a_look_keeps_its_value_and_holds_nobody_up() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = channel(Counted(0, drops.clone()));
    let old = receiver.borrow();
    for i in 1..=10 {
        sender.send(Counted(i, drops.clone())).unwrap();
    }
    assert_eq!((old.0, receiver.borrow().0), (0, 10));
    assert_eq!(drops.load(Ordering::SeqCst), 9);
    drop(old);
    assert_eq!(drops.load(Ordering::SeqCst), 10);
    drop((sender, receiver));
    assert_eq!(drops.load(Ordering::SeqCst), 11);
}

#[test]
fn no_modification_is_lost() {
    const EACH: usize = if cfg!(miri) { 8 } else { 5000 };
    let (sender, mut receiver) = channel(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || (0..EACH).for_each(|_| sender.send_modify(|value| *value += 1)));
        }
    });
    assert_eq!(receiver.get(), 4 * EACH);
    assert_eq!(receiver.changed(), Ok(()));
    assert!(!sender.send_if_modified(|value| *value == 0));
    assert!(!receiver.has_changed());
}

/// The old value's destructor uses the channel.
#[test]
fn a_value_may_use_its_channel_when_it_is_dropped() {
    struct Sends(Option<super::Sender<Option<Sends>>>);
    impl Drop for Sends {
        fn drop(&mut self) {
            if let Some(sender) = self.0.take() {
                sender.send_replace(None);
            }
        }
    }
    let (sender, mut receiver) = channel(None);
    sender.send(Some(Sends(Some(sender.clone())))).unwrap();
    assert!(receiver.borrow_and_update().is_some());
    drop(sender.send_replace(Some(Sends(None))));
    assert!(receiver.borrow_and_update().is_none());
}

#[test]
fn a_dropped_wait_leaves_the_change_to_the_next() {
    let (sender, mut receiver) = channel(0);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..if cfg!(miri) { 120 } else { 1000 } {
        let wait = pin!(receiver.changed_async());
        assert!(wait.poll(&mut cx).is_pending());
    }
    assert!(receiver.queue().len() <= 100, "waits that were given up do not add up");
    {
        let mut wait = pin!(receiver.changed_async());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        sender.send(1).unwrap();
    }
    assert_eq!(block_on(receiver.changed_async()), Ok(()));
    let mut wait = pin!(receiver.changed_async());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    sender.send(2).unwrap();
    assert_eq!(wait.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
}

/// Values are never torn, never go back for one sender, and the last one is seen.
#[test]
fn values_go_forward() {
    const LAST: u64 = if cfg!(miri) { 12 } else { 20_000 };
    let (sender, receiver) = channel([0; 8]);
    thread::scope(|scope| {
        for asynchronous in [false, true] {
            let mut receiver = receiver.clone();
            scope.spawn(move || {
                let mut before = 0;
                while before < LAST {
                    if asynchronous {
                        block_on(receiver.changed_async()).unwrap()
                    } else {
                        receiver.changed().unwrap()
                    }
                    let value = *receiver.borrow_and_update();
                    assert!(value.iter().all(|&part| part == value[0]), "{value:?}");
                    assert!(value[0] >= before);
                    before = value[0];
                }
            });
        }
        for i in 1..=LAST {
            sender.send([i; 8]).unwrap();
        }
    });
}
