use super::{Receiver, RecvError, RecvTimeoutError, TryRecvError, channel};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use tasklets_park::block_on;

const MOMENT: Duration = Duration::from_millis(5);
/// How many messages each sender sends. Miri takes a thousand times as long.
const EACH: u64 = if cfg!(miri) { 6 } else { 10_000 };

/// Counts how many of its kind are alive.
struct Counted(u64, Arc<AtomicIsize>);

impl Counted {
    fn new(number: u64, alive: &Arc<AtomicIsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(number, alive.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0, &self.1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn every_receiver_sees_every_message_sent_after_it_subscribed() {
    let (sender, mut first) = channel(4);
    sender.send(1).unwrap();
    let mut second = sender.subscribe();
    let mut third = first.clone();
    sender.clone().send(2).unwrap();
    assert_eq!((first.len(), second.len(), third.len()), (2, 1, 2));
    assert_eq!((first.recv(), first.recv()), (Ok(1), Ok(2)));
    assert_eq!(second.recv(), Ok(2));
    assert_eq!((third.recv(), third.recv()), (Ok(1), Ok(2)));
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    assert!(first.is_empty());
}

#[test]
fn a_slow_receiver_learns_how_many_it_missed() {
    for capacity in [1, 2, 3, 7, 8] {
        let (sender, mut slow) = channel(capacity);
        assert_eq!(sender.capacity(), capacity);
        let n = capacity as u64;
        (0..n).for_each(|i| sender.send(i).unwrap());
        assert_eq!(slow.try_recv(), Ok(0), "as many as the capacity are kept");
        (n..3 * n + 1).for_each(|i| sender.send(i).unwrap());
        assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(2 * n)));
        for i in 2 * n + 1..3 * n + 1 {
            assert_eq!(slow.recv(), Ok(i), "goes on with the oldest that is left");
        }
        assert_eq!(slow.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    }
}

#[test]
fn all_messages_come_before_the_end() {
    let (sender, mut receiver) = channel(2);
    (0..3).for_each(|i| sender.send(i).unwrap());
    drop(sender);
    assert_eq!(receiver.recv(), Err(RecvError::Lagged(1)));
    assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
    assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_deadline(Instant::now() + MOMENT), Err(RecvTimeoutError::Disconnected));
    assert_eq!(block_on(receiver.recv_async()), Err(RecvError::Disconnected));
}

#[test]
fn sending_needs_a_receiver() {
    let (sender, receiver) = channel(2);
    drop(receiver);
    assert_eq!(sender.send(1).unwrap_err().into_inner(), 1);
    let mut receiver = sender.subscribe();
    sender.send(2).unwrap();
    assert_eq!(receiver.recv(), Ok(2));
}

#[test]
fn waiters_of_all_kinds_are_woken_by_a_message_and_by_the_end() {
    for end in [false, true] {
        let (sender, mut receiver) = channel(2);
        let mut other = receiver.clone();
        let blocking = thread::spawn(move || receiver.recv());
        let asynchronous = thread::spawn(move || block_on(other.recv_async()));
        thread::sleep(MOMENT);
        if end {
            drop(sender)
        } else {
            sender.send(1).unwrap()
        }
        for waits in [blocking, asynchronous] {
            assert_eq!(waits.join().unwrap(), if end { Err(RecvError::Disconnected) } else { Ok(1) });
        }
    }
}

#[test]
fn a_dropped_wait_loses_nothing() {
    let (sender, mut receiver) = channel(2);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..if cfg!(miri) { 120 } else { 1000 } {
        assert!(pin!(receiver.recv_async()).poll(&mut cx).is_pending());
    }
    assert!(receiver.queue().len() <= 100, "waits that were given up do not add up");
    {
        let mut wait = pin!(receiver.recv_async());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        sender.send(1).unwrap();
    }
    assert_eq!(receiver.try_recv(), Ok(1));
    let mut wait = pin!(receiver.recv_async());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    sender.send(2).unwrap();
    assert_eq!(wait.as_mut().poll(&mut cx), Poll::Ready(Ok(2)));
}

#[test]
fn the_channel_keeps_as_many_messages_as_its_capacity() {
    let alive = Arc::new(AtomicIsize::new(0));
    let (sender, mut receiver) = channel(3);
    for i in 0..10 {
        sender.send(Counted::new(i, &alive)).unwrap();
        assert_eq!(alive.load(Ordering::SeqCst), (i as isize + 1).min(3));
    }
    assert!(matches!(receiver.recv(), Err(RecvError::Lagged(7))));
    let message = receiver.recv().unwrap();
    assert_eq!((message.0, alive.load(Ordering::SeqCst)), (7, 4));
    drop((sender, receiver));
    assert_eq!(alive.load(Ordering::SeqCst), 1);
    drop(message);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_message_whose_clone_panics_counts_as_received() {
    #[derive(Debug)]
    struct Fragile(bool);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(!self.0, "as told");
            Self(false)
        }
    }
    let (sender, mut receiver) = channel(2);
    sender.send(Fragile(true)).unwrap();
    sender.send(Fragile(false)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.recv().map(drop))).is_err());
    assert!(receiver.recv().is_ok());
}

#[test]
fn capacities_have_bounds() {
    for capacity in [0, (1 << 23) + 1, usize::MAX] {
        assert!(catch_unwind(|| channel::<u8>(capacity)).is_err());
    }
}

/// Takes messages `(sender, number)` until the end; each sender's come in order, and none is missing but those said to be. Returns
/// how many there were with those.
fn take_all(mut receive: impl FnMut() -> Result<(usize, u64), RecvError>) -> u64 {
    let (mut received, mut missed) = ([0; 4], 0);
    let mut count = 0;
    loop {
        match receive() {
            Ok((sender, number)) => {
                assert!(number >= received[sender], "out of order");
                assert!(missed > 0 || number == received[sender], "one is missing");
                received[sender] = number + 1;
                count += 1;
            }
            Err(RecvError::Lagged(more)) => missed += more,
            Err(RecvError::Disconnected) => return count + missed,
        }
    }
}

type Take = fn(Receiver<(usize, u64)>) -> u64;

fn senders_and_receivers(capacity: usize) {
    let (sender, receiver) = channel(capacity);
    thread::scope(|scope| {
        let takes: [Take; 3] = [
            |mut receiver| take_all(|| receiver.recv()),
            |mut receiver| take_all(|| block_on(receiver.recv_async())),
            |mut receiver| {
                take_all(|| {
                    loop {
                        match receiver.recv_timeout(Duration::from_micros(50)) {
                            Ok(message) => return Ok(message),
                            Err(RecvTimeoutError::Lagged(missed)) => return Err(RecvError::Lagged(missed)),
                            Err(RecvTimeoutError::Disconnected) => return Err(RecvError::Disconnected),
                            Err(RecvTimeoutError::Timeout) => {}
                        }
                    }
                })
            },
        ];
        for take in takes {
            let receiver = receiver.clone();
            scope.spawn(move || assert_eq!(take(receiver), 4 * EACH));
        }
        for number in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || (0..EACH).for_each(|i| sender.send((number, i)).unwrap()));
        }
        drop(sender);
    });
}

#[test]
fn everybody_gets_everything_when_there_is_room() {
    senders_and_receivers(4 * EACH as usize);
}

#[test]
fn everybody_gets_everything_or_knows_how_many_are_missing() {
    for capacity in [1, 2, 5, 64] {
        senders_and_receivers(capacity);
    }
}
