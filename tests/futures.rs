//! Futures on the runtime, and blocking code that waits for futures.

mod eventually;

use eventually::eventually;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tasklets::{Runtime, block_on, current, park, run, sleep, spawn, spawn_future, yield_now};

/// A flag to await.
#[derive(Default)]
struct Gate {
    open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    fn open(&self) {
        self.open.store(true, SeqCst);
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn passed(&self) -> impl Future<Output = ()> {
        poll_fn(|context| {
            *self.waker.lock().unwrap() = Some(context.waker().clone());
            if self.open.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

/// Pending once, with its waker woken at once.
fn yield_once() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

fn with_workers(test: impl Fn() + Sync) {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(&test);
    }
}

#[test]
fn values_and_panics_come_back() {
    with_workers(|| {
        assert_eq!(spawn_future(async { "value" }).join().unwrap(), "value");
        let later = spawn_future(async {
            yield_once().await;
            spawn(|| 4).await.unwrap()
        });
        assert_eq!(later.join().unwrap(), 4);
        let panics = spawn_future(async {
            yield_once().await;
            resume_unwind(Box::new(5));
        });
        assert_eq!(*panics.join().unwrap_err().into_panic().downcast::<i32>().unwrap(), 5);
        // A future is awaited by a future by a future.
        let nested =
            spawn_future(async { spawn_future(async { spawn_future(async { 6 }).await.unwrap() }).await.unwrap() });
        assert_eq!(nested.join().unwrap(), 6);
    });
}

#[test]
fn wakes_come_from_threads_and_from_tasklets() {
    with_workers(|| {
        for round in 0..50 {
            let (gate, its) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
            let (here, there) = (gate.clone(), its.clone());
            let future = spawn_future(async move {
                here.passed().await;
                there.open();
            });
            if round % 2 == 0 {
                let opens = gate.clone();
                thread::spawn(move || opens.open());
            } else {
                spawn(move || gate.open());
            }
            block_on(its.passed());
            future.join().unwrap();
        }
    });
}

#[test]
fn a_poll_may_block_while_others_go_on() {
    with_workers(|| {
        let begun = Arc::new(AtomicUsize::new(0));
        let blocked: Vec<_> = (0..50)
            .map(|i| {
                let begun = begun.clone();
                spawn_future(async move {
                    let me = current();
                    begun.fetch_add(1, SeqCst);
                    // All of them are inside their polls at once.
                    eventually("everybody has begun", || begun.load(SeqCst) == 50);
                    let home = thread::current().id();
                    sleep(Duration::from_micros(200));
                    yield_now();
                    let unparker = me.clone();
                    drop(spawn(move || unparker.unpark()));
                    park();
                    let joined = spawn(move || i).join().unwrap();
                    assert_eq!(thread::current().id(), home, "a poll that waits keeps its thread");
                    assert_eq!(current(), me);
                    yield_once().await;
                    assert_eq!(current(), me, "and the task is the same wherever it is polled");
                    joined + block_on(async { spawn_future(async { 1 }).await.unwrap() })
                })
            })
            .collect();
        let others: Vec<_> = (0..50).map(|_| spawn_future(yield_once())).collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        let sum: usize = blocked.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(sum, 50 * 49 / 2 + 50);
    });
}

#[test]
fn ten_thousand_wake_each_other() {
    const FUTURES: usize = 10_000;
    for workers in [1, 2] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            // Each opens the next one's gate, twice round the ring.
            let gates: Arc<[[Gate; 2]]> = (0..FUTURES).map(|_| Default::default()).collect();
            let handles: Vec<_> = (0..FUTURES)
                .map(|i| {
                    let gates = gates.clone();
                    spawn_future(async move {
                        gates[i][0].passed().await;
                        gates[(i + 1) % FUTURES][usize::from(i + 1 == FUTURES)].open();
                        gates[i][1].passed().await;
                        if i + 1 < FUTURES {
                            gates[i + 1][1].open();
                        }
                    })
                })
                .collect();
            gates[0][0].open();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    }
}

#[test]
fn a_wake_while_it_is_polled_polls_it_again() {
    with_workers(|| {
        let polls = Arc::new(AtomicUsize::new(0));
        let its = polls.clone();
        let handle = spawn_future(poll_fn(move |context| {
            let waker = context.waker().clone();
            // From another thread or tasklet, while this poll goes on, several times.
            if its.fetch_add(1, SeqCst) < 20 {
                spawn(move || (0..3).for_each(|_| waker.wake_by_ref())).join().unwrap();
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        handle.join().unwrap();
        assert_eq!(polls.load(SeqCst), 21, "three wakes are one poll");
    });
}

#[test]
fn wakers_outlive_their_future() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let runtime = Runtime::builder().workers(2).build().unwrap();
    for _ in 0..20 {
        let its = kept.clone();
        let handle = runtime.spawn_future(poll_fn(move |context| {
            its.lock().unwrap().push(context.waker().clone());
            Poll::Ready(())
        }));
        handle.join().unwrap();
    }
    let (wakers, after): (Vec<Waker>, Vec<Waker>) = kept.lock().unwrap().drain(..).map(|w| (w.clone(), w)).unzip();
    wakers.iter().for_each(Waker::wake_by_ref);
    assert!(wakers[0].will_wake(&after[0]) && !wakers[0].will_wake(&after[1]));
    wakers.into_iter().for_each(Waker::wake);
    drop(runtime);
    after.iter().for_each(Waker::wake_by_ref);
    after.into_iter().for_each(Waker::wake);
}

#[test]
fn a_future_whose_wakers_are_dropped_waits_for_the_end() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    for workers in [1, 2, 4] {
        let (drops, polls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        let handles: Vec<_> = (0..1000)
            .map(|i| {
                let (counted, polls) = (Counted(drops.clone()), polls.clone());
                runtime.spawn_future(async move {
                    let _counted = counted;
                    polls.fetch_add(1, SeqCst);
                    match i % 3 {
                        0 => pending().await,
                        // Always runnable.
                        1 => loop {
                            yield_once().await;
                        },
                        // Waits inside its poll.
                        _ => park(),
                    }
                })
            })
            .collect();
        eventually("all were polled", || polls.load(SeqCst) == 1000);
        assert_eq!(drops.load(SeqCst), 0);
        drop(runtime);
        assert_eq!(drops.load(SeqCst), 1000);
        for handle in handles {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn block_on_nests() {
    let nested = || block_on(async { block_on(async { block_on(async { 1 }) + 1 }) + 1 });
    assert_eq!(nested(), 3);
    with_workers(|| {
        let gate = Arc::new(Gate::default());
        let opens = gate.clone();
        drop(spawn(move || {
            yield_now();
            opens.open();
        }));
        // The inner wait's wakes and the outer's do not mix.
        let value = block_on(async {
            let inner = block_on(async {
                yield_once().await;
                spawn(|| 2).await.unwrap()
            });
            gate.passed().await;
            inner + block_on(async { spawn_future(async { 3 }).await.unwrap() })
        });
        assert_eq!(value, 5);
        assert_eq!(nested(), 3);
    });
    // On a thread, with wakes from inside.
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let gate = Arc::new(Gate::default());
    let opens = gate.clone();
    let handle = runtime.spawn(move || {
        sleep(Duration::from_millis(1));
        opens.open();
    });
    block_on(async {
        gate.passed().await;
        handle.await.unwrap();
    });
}

#[test]
fn a_join_handle_changes_hands_between_polls() {
    run(|| {
        let gate = Arc::new(Gate::default());
        let its = gate.clone();
        let mut handle = spawn(move || {
            block_on(its.passed());
            8
        });
        // Polled with one waker, then with another, then joined by blocking.
        for _ in 0..3 {
            let mut context = Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut handle).poll(&mut context).is_pending());
        }
        let polled = spawn_future(async move {
            let pending = poll_fn(|context| Poll::Ready(Pin::new(&mut handle).poll(context).is_pending())).await;
            (pending, handle)
        });
        let (pending, mut handle) = polled.join().unwrap();
        assert!(pending);
        assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        gate.open();
        assert_eq!(handle.join().unwrap(), 8);
    });
}

#[test]
fn a_future_whose_destructor_and_output_panic() {
    struct Bomb(Arc<AtomicUsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            resume_unwind(Box::new("dropped"));
        }
    }
    struct Output(Option<Bomb>, #[expect(dead_code, reason = "it is there to be dropped")] Bomb);
    impl Future for Output {
        type Output = Bomb;
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
            Poll::Ready(self.0.take().expect("polled once"))
        }
    }
    with_workers(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let handle = spawn_future(Output(Some(Bomb(drops.clone())), Bomb(drops.clone())));
        let payload = handle.join().err().unwrap().into_panic();
        assert_eq!(*payload.downcast::<&str>().unwrap(), "dropped");
        assert_eq!(drops.load(SeqCst), 2);
        assert_eq!(spawn_future(async { 1 }).join().unwrap(), 1);
    });
}
