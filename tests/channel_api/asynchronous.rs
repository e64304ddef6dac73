//! Handles in futures, beside those of tasklets and threads.

use crate::eventually::eventually;
use crate::place::{SOME, everywhere};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use tasklets::block_on;
use tasklets::channel::{Receiver, RecvError, SendError, Sender, TryRecvError, bounded, never, unbounded};

fn each<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [bounded(0), bounded(1), bounded(3), unbounded()]
}

/// A waker that counts.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once; wakes are counted in the second.
fn poll<F: Future>(future: Pin<&mut F>) -> (Poll<F::Output>, Arc<Wakes>) {
    let wakes = Arc::new(Wakes::default());
    let output = future.poll(&mut Context::from_waker(&Waker::from(wakes.clone())));
    (output, wakes)
}

everywhere! {
    fn futures_at_both_ends(place) {
        for (s, r) in each() {
            let sender = place.spawn(move || {
                block_on(async {
                    for i in 0..SOME {
                        s.send_async(i).await.unwrap();
                    }
                });
            });
            block_on(async {
                for i in 0..SOME {
                    assert_eq!(r.recv_async().await, Ok(i));
                }
                assert_eq!(r.recv_async().await, Err(RecvError));
            });
            sender.join();
        }
    }

    fn a_future_and_who_blocks(place) {
        for ((s, r), (s_back, r_back)) in each().into_iter().zip(each()) {
            let echo = place.spawn(move || {
                block_on(async {
                    while let Ok(i) = r.recv_async().await {
                        s_back.send_async(i).await.unwrap();
                    }
                });
            });
            for i in 0..SOME {
                s.send(i).unwrap();
                assert_eq!(r_back.recv(), Ok(i));
            }
            drop(s);
            echo.join();
        }
    }

    fn a_closed_channel_ends_futures(_) {
        for (s, r) in each::<u32>() {
            let mut receiving = pin!(r.recv_async());
            let (output, wakes) = poll(receiving.as_mut());
            assert!(output.is_pending());
            s.close();
            assert!(wakes.0.load(SeqCst) > 0);
            assert_eq!(poll(receiving).0, Poll::Ready(Err(RecvError)));
            assert_eq!(block_on(s.send_async(1)), Err(SendError(1)));
        }
        let (s, r) = bounded(0);
        let mut sending = pin!(s.send_async(7));
        let (output, wakes) = poll(sending.as_mut());
        assert!(output.is_pending());
        drop(r);
        assert!(wakes.0.load(SeqCst) > 0);
        assert_eq!(poll(sending).0, Poll::Ready(Err(SendError(7))));
    }

    fn a_dropped_receive_loses_nothing(place) {
        for (s, r) in each() {
            assert!(poll(pin!(r.recv_async())).0.is_pending());
            assert_eq!(r.balance(), 0, "it does not wait any more");
            let sender = place.spawn(move || s.send(5));
            assert_eq!(r.recv(), Ok(5));
            sender.join().unwrap();
        }
    }

    fn a_dropped_receive_passes_its_turn_on(place) {
        for (s, r) in each() {
            let mut first = Box::pin(r.recv_async());
            let (output, first_wakes) = poll(first.as_mut());
            assert!(output.is_pending());
            let next = place.spawn({ let r = r.clone(); move || r.recv() });
            eventually("both wait", || r.balance() == -2);
            // The channel stays open: what is given back to a closed one is dropped.
            let sender = place.spawn({
                let s = s.clone();
                move || s.send(5)
            });
            eventually("the first is told", || first_wakes.0.load(SeqCst) > 0);
            drop(first);
            assert_eq!(next.join(), Ok(5));
            sender.join().unwrap();
        }
    }

    fn a_dropped_send_sends_nothing(_) {
        for (s, r) in [bounded(0), bounded(1)] {
            for _ in 0..s.capacity().unwrap() {
                s.send("sent").unwrap();
            }
            assert!(poll(pin!(s.send_async("dropped"))).0.is_pending());
            assert_eq!(s.balance(), 0, "it does not wait any more");
            assert!(r.try_iter().all(|message| message == "sent"));
            drop(s.send_async("never polled"));
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        }
    }

    fn a_dropped_send_passes_its_turn_on(place) {
        let (s, r) = bounded(1);
        s.send(0).unwrap();
        let mut first = Box::pin(s.send_async(1));
        let (output, first_wakes) = poll(first.as_mut());
        assert!(output.is_pending());
        let next = place.spawn({ let s = s.clone(); move || s.send(2) });
        eventually("both wait", || s.balance() == 2);
        assert_eq!(r.recv(), Ok(0));
        eventually("the first is told", || first_wakes.0.load(SeqCst) > 0);
        drop(first);
        drop(s);
        // The room may have gone to the first, with its message in it.
        assert_eq!(r.iter().filter(|&i| i == 2).count(), 1);
        next.join().unwrap();
    }

    fn the_last_waker_is_the_one_that_counts(_) {
        let (s, r) = unbounded();
        let mut receiving = pin!(r.recv_async());
        assert!(poll(receiving.as_mut()).0.is_pending());
        let (output, wakes) = poll(receiving.as_mut());
        assert!(output.is_pending());
        s.send(5).unwrap();
        assert!(wakes.0.load(SeqCst) > 0);
        assert_eq!(poll(receiving).0, Poll::Ready(Ok(5)));
    }

    fn never_is_pending(_) {
        let (output, wakes) = poll(pin!(never::<u8>().recv_async()));
        assert!(output.is_pending());
        assert_eq!(Arc::strong_count(&wakes), 1, "nobody keeps the waker");
    }
}

#[test]
fn futures_of_the_runtime_at_both_ends() {
    tasklets::run(|| {
        for (s, r) in each() {
            let senders: Vec<_> = (0..4)
                .map(|_| {
                    let s = s.clone();
                    tasklets::spawn_future(async move {
                        for i in 0..300u64 {
                            s.send_async(i).await.unwrap();
                        }
                    })
                })
                .collect();
            drop(s);
            let receiver = tasklets::spawn_future(async move {
                let mut sum = 0;
                while let Ok(i) = r.recv_async().await {
                    sum += i;
                }
                sum
            });
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            assert_eq!(receiver.join().unwrap(), 4 * (0..300).sum::<u64>());
        }
    });
}
