//! Spawning tasklets and waiting for them.

mod eventually;

use eventually::eventually;
use std::cell::Cell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tasklets::{
    Builder, Handle, JoinHandle, Runtime, Tasklet, block_on, current, park, run, sleep, spawn, spawn_future,
    spawn_local, try_current, yield_now,
};

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn message(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("panics carry a string")).to_owned(),
    }
}

#[test]
fn join_returns_the_value_to_tasklets_threads_and_futures() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    // A thread of the program's.
    assert_eq!(runtime.spawn(|| vec![1, 2, 3]).join().unwrap(), [1, 2, 3]);
    let slow = || {
        sleep(Duration::from_millis(2));
        String::from("slow")
    };
    assert_eq!(runtime.spawn(slow).join().unwrap(), "slow");
    // A thread as a future.
    assert_eq!(block_on(runtime.spawn(slow)).unwrap(), "slow");
    runtime.run(|| {
        // A tasklet, a tasklet as a future, a future.
        assert_eq!(spawn(slow).join().unwrap(), "slow");
        assert_eq!(block_on(spawn(slow)).unwrap(), "slow");
        let awaited =
            spawn_future(async move { spawn(slow).await.unwrap().len() + spawn_future(async { 3 }).await.unwrap() });
        assert_eq!(awaited.join().unwrap(), 7);
    });
    // A handle moved to another thread.
    let handle = runtime.spawn(slow);
    assert_eq!(thread::spawn(move || handle.join().unwrap()).join().unwrap(), "slow");
}

#[test]
fn a_panic_comes_back_as_an_error_that_names_the_tasklet() {
    run(|| {
        let error = spawn(|| panic!("plain")).join().unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        let text = error.to_string();
        assert!(text.contains("panicked: plain") && text.contains("tests/spawn.rs:"), "{text}");
        assert_eq!(message(error.into_panic()), "plain");

        let named = Builder::new().name("the unlucky one").spawn(|| panic!("formatted {}", 13)).unwrap();
        let text = named.join().unwrap_err().to_string();
        assert!(text.contains("the unlucky one") && text.contains("formatted 13"), "{text}");

        let odd = spawn(|| std::panic::panic_any(17_u8)).join().unwrap_err();
        assert!(format!("{odd:?}").contains("no string"), "{odd:?}");
        assert_eq!(*odd.try_into_panic().unwrap().downcast::<u8>().unwrap(), 17);

        // The others go on.
        assert_eq!(spawn(|| 5).join().unwrap(), 5);
    });
}

#[test]
fn is_finished_tells_and_join_then_does_not_wait() {
    run(|| {
        let go = Arc::new(AtomicBool::new(false));
        let its = go.clone();
        let handle = spawn(move || {
            while !its.load(Ordering::SeqCst) {
                yield_now();
            }
            9
        });
        yield_now();
        assert!(!handle.is_finished());
        go.store(true, Ordering::SeqCst);
        eventually("the tasklet has finished", || handle.is_finished());
        assert_eq!(handle.join().unwrap(), 9);
    });
}

#[test]
fn a_result_nobody_wants_is_dropped_once() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        // The handle goes first.
        let (go, counted) = (Arc::new(AtomicBool::new(false)), Counted(drops.clone()));
        let its = go.clone();
        let handle = spawn(move || {
            eventually("the handle is gone", || its.load(Ordering::SeqCst));
            counted
        });
        drop(handle);
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        go.store(true, Ordering::SeqCst);
        eventually("the detached result is dropped", || drops.load(Ordering::SeqCst) == 1);
        // The tasklet goes first.
        let counted = Counted(drops.clone());
        let handle = spawn(move || counted);
        eventually("the tasklet has finished", || handle.is_finished());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        drop(handle);
        assert_eq!(drops.load(Ordering::SeqCst), 2);
        // As a future, polled once and dropped.
        let counted = Counted(drops.clone());
        let mut handle = spawn(move || {
            sleep(Duration::from_millis(2));
            counted
        });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::Pin::new(&mut handle).poll(&mut context).is_pending());
        drop(handle);
        eventually("the result is dropped", || drops.load(Ordering::SeqCst) == 3);
    });
}

#[test]
fn a_tasklet_knows_its_name_and_ids_are_unique() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    let outside: Vec<_> = (0..50).map(|_| runtime.spawn(|| current().id())).collect();
    let ids = Mutex::new(HashSet::new());
    runtime.run(|| {
        let named = Builder::new().name("Ada").spawn(|| current().name().map(str::to_owned)).unwrap();
        let tag = named.tasklet();
        assert_eq!(tag.name(), Some("Ada"));
        assert!(format!("{tag:?}").contains("Ada"));
        assert_eq!(named.join().unwrap().as_deref(), Some("Ada"));
        assert_eq!(tag.name(), Some("Ada"), "a name tag outlives its tasklet");
        assert_eq!(current().name(), None);

        let handle = spawn(current);
        let tag = handle.tasklet();
        assert_eq!(handle.join().unwrap(), tag);
        assert_ne!(current(), tag);

        let mut ids = ids.lock().unwrap();
        let inside: Vec<_> = (0..1000).map(|_| spawn(|| current().id())).collect();
        let futures: Vec<_> = (0..50).map(|_| spawn_future(async { current().id() })).collect();
        for handle in inside.into_iter().chain(futures).chain(outside) {
            assert!(ids.insert(handle.join().unwrap()));
        }
        assert!(ids.insert(current().id()));
    });
    assert!(try_current().is_none());
}

#[test]
fn a_limit_on_tasklets_is_an_error_that_names_it() {
    // One worker, so that a joined tasklet has given its place back.
    let runtime = Runtime::builder().workers(1).max_tasklets(3).build().unwrap();
    runtime.run(|| {
        for _ in 0..100 {
            let two: Vec<JoinHandle<()>> = (0..2).map(|_| Builder::new().spawn(park).unwrap()).collect();
            let error = Builder::new().spawn(|| ()).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
            assert!(error.to_string().contains("limit of 3 live tasklets"), "{error}");
            let error = Builder::new().stack_size(1 << 20).spawn(|| ()).unwrap_err();
            assert!(error.to_string().contains("limit of 3 live tasklets"), "{error}");
            let panicked = catch_unwind(|| spawn(|| ())).unwrap_err();
            assert!(message(panicked).contains("limit of 3 live tasklets"));
            let error = Builder::new().spawn_on(&Handle::current(), || ()).unwrap_err();
            assert!(error.to_string().contains("limit of 3"), "{error}");
            for handle in two {
                handle.tasklet().unpark();
                handle.join().unwrap();
            }
        }
    });
}

#[test]
fn a_place_comes_back_to_other_workers_and_threads() {
    let runtime = Runtime::builder().workers(2).max_tasklets(2).build().unwrap();
    let handle = runtime.handle();
    for round in 0..200 {
        // The worker returns the place just after the result is there, so not always at once.
        eventually("a place is free", || match Builder::new().spawn_on(&handle, move || round) {
            Ok(handle) => handle.join().unwrap() == round,
            Err(_) => false,
        });
    }
}

#[test]
fn stack_sizes_from_tiny_to_impossible() {
    run(|| {
        let tiny = Builder::new().stack_size(1).spawn(|| 1).unwrap();
        assert_eq!(tiny.join().unwrap(), 1);
        let large = Builder::new().stack_size(1 << 30).spawn(|| 2).unwrap();
        assert_eq!(large.join().unwrap(), 2);
        for size in [usize::MAX, usize::MAX - 4096, 65 << 30] {
            let error = Builder::new().stack_size(size).spawn(|| 3).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
            assert!(error.to_string().contains("too many for one stack"), "{error}");
        }
    });
    let error = Runtime::builder().stack_size(usize::MAX).build().unwrap_err();
    assert!(error.to_string().contains("too many for one stack"), "{error}");
}

#[test]
fn near_asks_for_the_same_thread() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    // Four that are certainly on four threads, since each keeps its worker until all are there.
    let met = Arc::new(AtomicUsize::new(0));
    let anchors: Vec<_> = (0..4)
        .map(|_| {
            let met = met.clone();
            runtime.spawn(move || {
                met.fetch_add(1, Ordering::SeqCst);
                while met.load(Ordering::SeqCst) < 4 {
                    std::hint::spin_loop();
                }
                park();
                thread::current().id()
            })
        })
        .collect();
    eventually("all four have met", || met.load(Ordering::SeqCst) == 4);
    let where_it_runs = |anchor: &JoinHandle<thread::ThreadId>| {
        let runtime = runtime.handle();
        let near = |tag: &Tasklet| Builder::new().near(tag);
        // From this thread, from a tasklet somewhere, and from a neighbour.
        let first = near(&anchor.tasklet()).spawn_on(&runtime, || thread::current().id()).unwrap().join().unwrap();
        let tag = anchor.tasklet();
        let second = runtime.spawn(move || near(&tag).spawn(|| thread::current().id()).unwrap().join().unwrap());
        let nested = move || {
            let me = current();
            let neighbours: Vec<_> =
                (0..20).map(|_| Builder::new().near(&me).spawn(|| thread::current().id()).unwrap()).collect();
            assert!(neighbours.into_iter().all(|handle| handle.join().unwrap() == thread::current().id()));
            thread::current().id()
        };
        let third = near(&anchor.tasklet()).spawn_on(&runtime, nested).unwrap();
        assert_eq!((first, first), (second.join().unwrap(), third.join().unwrap()));
        first
    };
    let threads: Vec<_> = anchors.iter().map(where_it_runs).collect();
    assert_eq!(threads.iter().collect::<HashSet<_>>().len(), 4);
    // One of another runtime has no home here, which must not harm; here there is just one worker.
    let other = Runtime::builder().workers(1).build().unwrap();
    for anchor in &anchors {
        let spawned = Builder::new().near(&anchor.tasklet()).spawn_on(&other.handle(), || 6).unwrap();
        assert_eq!(spawned.join().unwrap(), 6);
    }
    // One that has not started has no home yet, and nothing is asked.
    runtime.run(|| {
        let fresh = spawn(|| ());
        Builder::new().near(&fresh.tasklet()).spawn(|| ()).unwrap().join().unwrap();
    });
    for (anchor, thread) in anchors.into_iter().zip(threads) {
        anchor.tasklet().unpark();
        assert_eq!(anchor.join().unwrap(), thread);
    }
}

#[test]
fn local_tasklets_share_what_is_not_send() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    runtime.run(|| {
        let (home, count) = (thread::current().id(), Rc::new(Cell::new(0)));
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let count = count.clone();
                spawn_local(move || {
                    for _ in 0..10 {
                        let before = count.get();
                        yield_now();
                        assert_eq!(thread::current().id(), home);
                        count.set(count.get().max(before) + 1);
                    }
                    Rc::new(i)
                })
            })
            .collect();
        let sum: i32 = handles.into_iter().map(|handle| *handle.join().unwrap()).sum();
        assert_eq!((sum, Rc::strong_count(&count)), (4950, 1));
        assert_eq!(count.get(), 1000);
    });
}

#[test]
fn outside_a_runtime_the_message_says_what_to_do() {
    let calls: [(&str, fn()); 7] = [
        ("park", park),
        ("spawn", || drop(spawn(|| ()))),
        ("spawn_local", || drop(spawn_local(|| ()))),
        ("spawn_future", || drop(spawn_future(async {}))),
        ("current", || drop(current())),
        ("Handle::current", || drop(Handle::current())),
        ("Builder::spawn", || drop(Builder::new().spawn(|| ()))),
    ];
    for (name, call) in calls {
        let text = message(catch_unwind(call).unwrap_err());
        assert!(
            text.contains(&format!("`{name}`")) && text.contains("run") && text.contains("Handle::spawn"),
            "{text}"
        );
    }
    assert!(Handle::try_current().is_none() && try_current().is_none());
}

#[test]
fn handles_spawn_from_many_threads() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    let inside = runtime.run(Handle::current);
    assert_eq!(inside.workers(), 2);
    let total: usize = thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                s.spawn(|| {
                    let handles: Vec<_> = (0..500).map(|i| inside.spawn(move || i)).collect();
                    let futures: Vec<_> = (0..100).map(|i| inside.spawn_future(async move { i })).collect();
                    handles.into_iter().chain(futures).map(|handle| handle.join().unwrap()).sum::<usize>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(total, 4 * (500 * 499 / 2 + 100 * 99 / 2));
}

#[test]
fn spawned_after_the_end_is_cancelled_and_dropped() {
    let drops = Arc::new(AtomicUsize::new(0));
    let runtime = Runtime::builder().workers(2).max_tasklets(5).build().unwrap();
    let handle = runtime.handle();
    let tag = runtime.run(current);
    drop(runtime);
    for round in 1..=20 {
        let counted = Counted(drops.clone());
        let error = handle.spawn(move || drop(counted)).join().unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert!(error.to_string().contains("its runtime ended"), "{error}");
        let counted = Counted(drops.clone());
        assert!(handle.spawn_future(async move { drop(counted) }).join().unwrap_err().is_cancelled());
        let counted = Counted(drops.clone());
        let near = Builder::new().near(&tag).stack_size(1 << 20).spawn_on(&handle, move || drop(counted)).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| near.join().unwrap_err().into_panic())).is_err());
        assert_eq!(drops.load(Ordering::SeqCst), 3 * round, "dropped before the handle tells");
    }
}
