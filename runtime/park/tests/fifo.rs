//! The queue on threads: order, conservation, bounds, drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tasklets_park::fifo::{Fifo, Refused};

/// What one thread sends is received in that order, once, whatever the others do.
#[test]
fn many_senders_and_receivers_keep_order_and_count() {
    const EACH: u64 = if cfg!(miri) { 40 } else { 100_000 };
    for (senders, receivers, limit) in [(1, 1, u64::MAX), (2, 2, u64::MAX), (3, 2, 7), (2, 3, 1)] {
        let queue = Arc::new(Fifo::<(u64, u64)>::new());
        let received = Arc::new(AtomicU64::new(0));
        let sending: Vec<_> = (0..senders)
            .map(|who| {
                let queue = queue.clone();
                thread::spawn(move || {
                    for i in 0..EACH {
                        while queue.push((who, i), limit).is_err() {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let receiving: Vec<_> = (0..receivers)
            .map(|_| {
                let (queue, received) = (queue.clone(), received.clone());
                thread::spawn(move || {
                    let mut last = vec![None; senders as usize];
                    while received.load(Ordering::Relaxed) < senders * EACH {
                        assert!(limit == u64::MAX || queue.len() <= limit);
                        let Some((who, i)) = queue.pop() else {
                            thread::yield_now();
                            continue;
                        };
                        assert!(last[who as usize] < Some(i), "out of order or twice");
                        last[who as usize] = Some(i);
                        received.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for thread in sending.into_iter().chain(receiving) {
            thread.join().unwrap();
        }
        assert_eq!(queue.pop(), None);
    }
}

#[test]
fn a_bounded_push_is_refused_and_gives_the_value_back() {
    let queue = Fifo::<u32>::new();
    for i in 0..3 {
        queue.push(i, 3).unwrap();
    }
    assert_eq!(queue.push(3, 3), Err((Refused::Full, 3)));
    assert_eq!(queue.pop(), Some(0));
    queue.push(3, 3).unwrap();
    queue.close();
    assert_eq!(queue.push(4, 3), Err((Refused::Closed, 4)));
    assert_eq!((1..4).map(|_| queue.pop().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_place_that_is_given_up_is_passed_over() {
    let queue = Fifo::<u32>::new();
    let first = queue.reserve(u64::MAX).unwrap();
    queue.push(1, u64::MAX).unwrap();
    drop(first);
    assert_eq!(queue.pop(), Some(1));
    let late = queue.reserve(u64::MAX).unwrap();
    queue.push(2, u64::MAX).unwrap();
    assert_eq!(queue.pop(), Some(2), "a sender that does not go on holds nobody up");
    assert_eq!(late.fill(3), Err(3));
    assert_eq!(queue.pop(), None);
}

#[test]
fn what_is_left_is_dropped_once_even_if_a_drop_panics() {
    struct Counted(Arc<AtomicU64>, bool);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "as asked");
        }
    }
    let dropped = Arc::new(AtomicU64::new(0));
    let queue = Fifo::<Counted>::new();
    for i in 0..100 {
        assert!(queue.push(Counted(dropped.clone(), i == 40), u64::MAX).is_ok());
    }
    drop(queue.pop());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(queue))).is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 100);
}
