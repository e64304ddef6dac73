//! Bugs that were there once.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use tasklets::channel::{Select, TrySendError, after, bounded, select, unbounded};

/// Several messages panic when the last receiver drops them: once a double panic.
#[test]
fn messages_that_panic_when_dropped_are_all_dropped() {
    struct Panics(Arc<AtomicUsize>);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("as asked");
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let (s, r) = bounded(3);
    for _ in 0..3 {
        assert!(s.send(Panics(dropped.clone())).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(r))).is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

/// A select began at a random place and went round, so a case behind two idle ones was chosen three times as often as the next.
#[test]
fn each_ready_case_is_as_likely_whatever_is_before_it() {
    const TRIALS: u32 = 10_000;
    let (_keep, idle) = unbounded::<()>();
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    let mut first = 0;
    for _ in 0..TRIALS {
        s1.send(1).unwrap();
        s2.send(2).unwrap();
        let chosen = select! {
            recv(idle) -> _ => unreachable!(),
            recv(idle) -> _ => unreachable!(),
            recv(r1) -> message => message,
            recv(r2) -> message => message,
        };
        first += u32::from(chosen == Ok(1));
    }
    // Nine standard deviations.
    assert!(first.abs_diff(TRIALS / 2) < 450, "{first} of {TRIALS}");
}

/// A select that waited for a large message and got a small one looked for it in the wrong memory.
#[test]
fn a_select_finds_a_small_message_that_came_while_it_waited_for_a_large_one_too() {
    let (_keep, large) = unbounded::<[u8; 4096]>();
    let (s, small) = unbounded::<String>();
    let sender = std::thread::spawn(move || {
        // Not needed for the test to be right, only for it to fail where the bug is.
        std::thread::sleep(std::time::Duration::from_millis(50));
        s.send("found".to_owned()).unwrap();
    });
    let got = select! {
        recv(large) -> _ => unreachable!(),
        recv(small) -> message => message,
    };
    assert_eq!(got.as_deref(), Ok("found"));
    sender.join().unwrap();
}

/// A place that was given up behind a message kept taking up room once the message was gone.
#[test]
fn a_place_that_was_given_up_takes_up_no_room_once_it_is_the_first() {
    let (s, r) = bounded(2);
    s.send(1).unwrap();
    let mut select = Select::new();
    select.send(&s);
    let operation = select.select();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(operation))).is_err());
    assert_eq!(s.try_send(2), Err(TrySendError::Full(2)), "the first message is before the place that was given up");
    assert_eq!(r.recv(), Ok(1));
    assert_eq!(s.try_send(2), Ok(()));
    assert_eq!(s.try_send(3), Ok(()));
    assert_eq!(s.try_send(4), Err(TrySendError::Full(4)));
    assert_eq!((r.recv(), r.recv()), (Ok(2), Ok(3)));
}

/// A waker that panicked ended the close of the channel, and left others waiting for ever.
#[test]
fn a_waker_that_panics_keeps_no_wake_up_from_others() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as asked");
        }
    }
    let (s, r) = unbounded::<()>();
    let mut receiving = pin!(r.recv_async());
    assert!(receiving.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Panics)))).is_pending());
    let other = std::thread::spawn({
        let r = r.clone();
        move || r.recv()
    });
    while s.balance() > -2 {
        std::thread::yield_now();
    }
    drop(s);
    assert!(other.join().unwrap().is_err());
}

/// A select may be sent to another thread than its receivers' messages may; what it had received there was dropped there.
#[test]
fn a_message_that_may_not_change_threads_is_not_dropped_on_another() {
    struct Stays(Arc<AtomicUsize>, PhantomData<*const ()>);
    impl Drop for Stays {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let (s, r) = unbounded();
    assert!(s.send(Stays(dropped.clone(), PhantomData)).is_ok());
    let mut select = Select::new();
    select.recv(&r);
    std::thread::scope(|scope| {
        assert!(scope.spawn(move || drop(select.select())).join().is_err());
    });
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
}

/// Only the very handle that was given to the select would do, not a clone.
#[test]
fn what_a_select_chose_may_be_carried_out_on_a_clone() {
    for make in [|| bounded(0), || bounded(1), unbounded] {
        let (s, r) = make();
        let sender = std::thread::spawn({
            let s = s.clone();
            move || s.send(1)
        });
        let mut select = Select::new();
        select.recv(&r);
        assert_eq!(select.select().recv(&r.clone()), Ok(1));
        sender.join().unwrap().unwrap();

        let receiver = std::thread::spawn(move || r.recv());
        let mut select = Select::new();
        select.send(&s);
        assert_eq!(select.select().send(&s.clone(), 2), Ok(()));
        assert_eq!(receiver.join().unwrap(), Ok(2));
    }
    let timer = after(Duration::ZERO);
    let mut select = Select::new();
    select.recv(&timer);
    assert!(select.select().recv(&timer.clone()).is_ok());
}

/// A handle of another channel, or of the other side, is not one of the operation's.
#[test]
fn what_a_select_chose_is_not_carried_out_on_something_else() {
    let (s, r) = unbounded::<i32>();
    let (other_s, other_r) = unbounded::<i32>();
    let refused = |chosen: &dyn Fn()| catch_unwind(AssertUnwindSafe(chosen)).is_err();
    assert!(refused(&|| {
        let mut select = Select::new();
        select.send(&s);
        let _ = select.select().send(&other_s, 1);
    }));
    assert!(refused(&|| {
        let mut select = Select::new();
        select.send(&s);
        let _ = select.select().recv(&r);
    }));
    s.send(1).unwrap();
    assert!(refused(&|| {
        let mut select = Select::new();
        select.recv(&r);
        let _ = select.select().recv(&other_r);
    }));
    s.send(2).unwrap();
    assert!(refused(&|| {
        let mut select = Select::new();
        select.recv(&r);
        let _ = select.select().send(&s, 3);
    }));
    assert!(s.is_empty() && other_s.is_empty(), "nothing was sent");
}

/// Whatever an operation is on had to outlive the list, which does nothing with it any more.
#[test]
fn a_select_may_outlive_what_it_was_on() {
    let (s, r) = unbounded();
    s.send(1).unwrap();
    let mut select = Select::new();
    select.recv(&r);
    assert_eq!(select.select().recv(&r), Ok(1));
    drop(r);
    assert!(s.send(2).is_err());
}
