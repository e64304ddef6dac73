use super::channel;
use crate::{RecvError, RecvTimeoutError, TryRecvError};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;
use tasklets_park::block_on;

const MOMENT: Duration = Duration::from_millis(5);

/// Counts its drops, and panics in them if told to.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>, bool);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        assert!(!self.1, "as told");
    }
}

/// Counts its wake-ups.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_value_is_received_however_it_is_waited_for() {
    let (sender, receiver) = channel();
    sender.send(1).unwrap();
    assert_eq!(receiver.recv(), Ok(1));

    let (sender, receiver) = channel();
    let waits = thread::spawn(move || receiver.recv());
    thread::sleep(MOMENT);
    sender.send(String::from("late")).unwrap();
    assert_eq!(waits.join().unwrap().as_deref(), Ok("late"));

    let (sender, receiver) = channel();
    let waits = thread::spawn(move || block_on(receiver));
    thread::sleep(MOMENT);
    sender.send([7; 100]).unwrap();
    assert_eq!(waits.join().unwrap(), Ok([7; 100]));
}

#[test]
fn a_dropped_sender_is_noticed_however_it_is_waited_for() {
    let (sender, mut receiver) = channel::<i32>();
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_timeout(MOMENT), Err(RecvTimeoutError::Disconnected));
    assert_eq!(receiver.recv(), Err(RecvError));

    let (sender, receiver) = channel::<i32>();
    let waits = thread::spawn(move || receiver.recv());
    thread::sleep(MOMENT);
    drop(sender);
    assert_eq!(waits.join().unwrap(), Err(RecvError));

    let (sender, receiver) = channel::<i32>();
    let waits = thread::spawn(move || block_on(receiver));
    thread::sleep(MOMENT);
    drop(sender);
    assert_eq!(waits.join().unwrap(), Err(RecvError));
}

#[test]
fn a_receiver_may_go_on_after_a_timeout() {
    let (sender, mut receiver) = channel();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_deadline(std::time::Instant::now() + MOMENT), Err(RecvTimeoutError::Timeout));
    let sends = thread::spawn(move || sender.send(3));
    assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(3));
    sends.join().unwrap().unwrap();
    assert_eq!(receiver.recv_timeout(MOMENT), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_refused_value_comes_back() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = channel();
    drop(receiver);
    assert!(sender.is_closed());
    let back = sender.send(Counted(drops.clone(), false)).unwrap_err().into_inner();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(back);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_value_that_nobody_takes_is_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = channel();
    sender.send(Counted(drops.clone(), false)).unwrap();
    drop(receiver);
    assert_eq!(drops.load(Ordering::SeqCst), 1);

    let (sender, receiver) = channel();
    sender.send(Counted(drops.clone(), true)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn what_was_sent_before_close_can_be_taken() {
    let (sender, mut receiver) = channel();
    sender.send(1).unwrap();
    receiver.close();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1));

    let (sender, mut receiver) = channel();
    receiver.close();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert!(sender.send(1).is_err());
}

#[test]
fn a_sender_waits_until_nobody_wants_the_value() {
    let (mut sender, receiver) = channel::<i32>();
    assert!(!sender.is_closed());
    assert!(!sender.closed_timeout(MOMENT));
    let waits = thread::spawn(move || {
        sender.closed();
        sender.closed();
        sender.send(1).unwrap_err().into_inner()
    });
    thread::sleep(MOMENT);
    drop(receiver);
    assert_eq!(waits.join().unwrap(), 1);

    let (mut sender, receiver) = channel::<i32>();
    let waits = thread::spawn(move || block_on(sender.closed_async()));
    thread::sleep(MOMENT);
    drop(receiver);
    waits.join().unwrap();
}

/// Waits that were begun by polling and then dropped, forgotten, or taken over by a blocking call.
#[test]
fn a_wait_that_was_given_up_is_no_hindrance() {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);

    let (mut sender, receiver) = channel::<i32>();
    let mut closed = sender.closed_async();
    assert!(Pin::new(&mut closed).poll(&mut cx).is_pending());
    assert!(Pin::new(&mut closed).poll(&mut cx).is_pending());
    drop(closed);
    let mut closed = sender.closed_async();
    assert!(Pin::new(&mut closed).poll(&mut cx).is_pending());
    std::mem::forget(closed);
    assert!(!sender.closed_timeout(Duration::ZERO));
    drop(receiver);
    assert!(sender.closed_timeout(Duration::ZERO));
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);

    let (sender, mut receiver) = channel();
    assert!(Pin::new(&mut receiver).poll(&mut cx).is_pending());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert!(Pin::new(&mut receiver).poll(&mut cx).is_pending());
    sender.send(1).unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Ready(Ok(1)));
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Ready(Err(RecvError)));

    let (sender, mut receiver) = channel();
    assert!(Pin::new(&mut receiver).poll(&mut cx).is_pending());
    drop(receiver);
    assert!(sender.send(1).is_err());
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

/// Send or drop against receive, time out or drop: the value is at one of the two, once.
#[test]
fn every_value_has_one_end() {
    let drops = Arc::new(AtomicUsize::new(0));
    for round in 0..if cfg!(miri) { 12 } else { 4000_usize } {
        let (sender, mut receiver) = channel();
        let value = Counted(drops.clone(), false);
        let sends = thread::scope(|scope| {
            let sends = scope.spawn(move || sender.send(value).map_err(|error| error.into_inner()));
            match round % 4 {
                0 => drop(receiver),
                1 => drop(receiver.try_recv()),
                2 => drop(receiver.recv_timeout(Duration::from_micros(round as u64 % 64))),
                _ => drop(receiver.recv().unwrap()),
            }
            sends.join().unwrap()
        });
        drop(sends);
        assert_eq!(drops.load(Ordering::SeqCst), round + 1);
    }
}

#[test]
fn halves_may_go_where_their_values_may() {
    fn assert_send_sync<T: Send + Sync + Unpin + std::panic::UnwindSafe>() {}
    assert_send_sync::<super::Sender<std::cell::Cell<u8>>>();
    assert_send_sync::<super::Receiver<std::cell::Cell<u8>>>();
}
