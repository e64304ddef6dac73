//! `spawn_migrating`: tasklets that go on wherever a worker is free.
#![cfg(feature = "migrating")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tasklets::{Runtime, current, join, park, park_timeout, sleep, spawn_local, yield_now};

/// The calling thread, looked up in a function that the optimiser cannot merge with an earlier call.
#[inline(never)]
fn thread() -> std::thread::ThreadId {
    std::hint::black_box(std::thread::current().id())
}

#[test]
fn they_change_workers_and_end_once() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let ended = Arc::new(AtomicUsize::new(0));
    // Bounded: on two cores the workers meet soon, but nothing promises when.
    for _ in 0..50 {
        let (seen, ended) = (seen.clone(), ended.clone());
        runtime.run(move || {
            let handles: Vec<_> = (0..64)
                .map(|i| {
                    let (seen, ended) = (seen.clone(), ended.clone());
                    // SAFETY: nothing in the closure touches a thread-local on both sides of a wait except through
                    // `thread`, which is opaque; nothing bound to a thread is alive across one.
                    unsafe {
                        tasklets::spawn_migrating(move || {
                            let me = current();
                            let mut threads = HashSet::from([thread()]);
                            for round in 0..20 {
                                match (i + round) % 4 {
                                    0 => yield_now(),
                                    1 => sleep(Duration::from_micros(50)),
                                    2 => {
                                        me.unpark();
                                        park();
                                    }
                                    _ => park_timeout(Duration::from_micros(20)),
                                }
                                threads.insert(thread());
                            }
                            seen.lock().unwrap().insert(threads.len());
                            ended.fetch_add(1, Ordering::Relaxed);
                        })
                    }
                })
                .collect();
            for handle in handles {
                handle.join().unwrap();
            }
        });
    }
    assert_eq!(ended.load(Ordering::Relaxed), 50 * 64);
}

#[test]
fn partners_that_wake_each_other_from_different_workers() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    runtime.run(|| {
        let pairs: Vec<_> = (0..32)
            .map(|_| {
                // SAFETY: as above; only permits pass between the two.
                unsafe {
                    tasklets::spawn_migrating(|| {
                        let me = current();
                        let partner = tasklets::spawn_migrating(move || {
                            for _ in 0..500 {
                                park();
                                me.unpark();
                            }
                        });
                        let other = partner.tasklet();
                        for _ in 0..500 {
                            other.unpark();
                            park();
                        }
                        partner.join().unwrap();
                    })
                }
            })
            .collect();
        for pair in pairs {
            pair.join().unwrap();
        }
    });
}

#[test]
fn a_local_tasklet_pins_its_spawner() {
    let runtime = Runtime::builder().workers(4).build().unwrap();
    runtime.run(|| {
        // SAFETY: as above.
        let pinned = unsafe {
            tasklets::spawn_migrating(|| {
                let local = spawn_local(thread);
                let home = thread();
                for _ in 0..100 {
                    yield_now();
                    sleep(Duration::from_micros(10));
                    assert_eq!(thread(), home, "pinned by spawn_local");
                }
                assert_eq!(local.join().unwrap(), home);
            })
        };
        pinned.join().unwrap();
    });
}

#[test]
fn they_are_unwound_when_the_runtime_ends() {
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    for round in 0..20 {
        let runtime = Runtime::builder().workers(2).build().unwrap();
        let started = Arc::new(AtomicUsize::new(0));
        let (count, begun) = (dropped.clone(), started.clone());
        runtime.run(move || {
            for i in 0..50 {
                let (count, begun) = (Count(count.clone()), begun.clone());
                // SAFETY: as above.
                unsafe {
                    tasklets::spawn_migrating(move || {
                        let _count = count;
                        begun.fetch_add(1, Ordering::Relaxed);
                        match i % 3 {
                            0 => park(),
                            1 => sleep(Duration::from_secs(3600)),
                            _ => loop {
                                yield_now();
                            },
                        }
                    });
                }
            }
            while round % 2 == 0 && begun.load(Ordering::Relaxed) < 50 {
                yield_now();
            }
        });
        drop(runtime);
        assert_eq!(dropped.load(Ordering::Relaxed), (round + 1) * 50);
    }
}

#[test]
fn one_that_has_never_waited_is_counted_and_then_told_to_end() {
    struct Unwound(mpsc::Sender<()>);
    impl Drop for Unwound {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, unwound) = mpsc::channel();
    let (runs, ending) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let runtime = Runtime::builder().workers(2).build().unwrap();
    let (started, may_wait) = (runs.clone(), ending.clone());
    runtime.run(move || {
        // SAFETY: as above.
        drop(unsafe {
            tasklets::spawn_migrating(move || {
                let _unwound = Unwound(sender);
                started.store(true, Ordering::Relaxed);
                while !may_wait.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                park();
            })
        });
    });
    while !runs.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    // The other worker, which is idle, has told everybody by now whom it could find.
    let error = runtime.shutdown_timeout(Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.live(), 1);
    ending.store(true, Ordering::Relaxed);
    unwound.recv_timeout(Duration::from_secs(60)).expect("it waits for ever");
}

#[test]
fn one_that_sleeps_is_unwound_where_its_timer_is() {
    struct Here(std::thread::ThreadId, Arc<AtomicUsize>);
    impl Drop for Here {
        fn drop(&mut self) {
            if thread() != self.0 {
                self.1.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let moved = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let runtime = Runtime::builder().workers(2).build().unwrap();
        let count = moved.clone();
        runtime.run(move || {
            for i in 0..200 {
                let count = count.clone();
                // SAFETY: as above; it must not change threads while it sleeps, which is what is tested.
                drop(unsafe {
                    tasklets::spawn_migrating(move || {
                        let _here = Here(thread(), count);
                        sleep(Duration::from_secs(3600));
                    })
                });
                if i % 8 == 0 {
                    sleep(Duration::from_micros(100));
                }
            }
            sleep(Duration::from_millis(5));
        });
    }
    assert_eq!(moved.load(Ordering::Relaxed), 0);
}

/// A tasklet that begins a join on one worker and is on another when the first half has ended.
#[test]
fn joins_go_on_elsewhere() {
    fn tree(depth: u32) -> u32 {
        for _ in 0..depth % 3 {
            yield_now();
        }
        if depth == 0 {
            return 1;
        }
        let (a, b) = join(|| tree(depth - 1), || tree(depth - 1));
        a + b
    }
    let runtime = Runtime::builder().workers(4).build().unwrap();
    for _ in 0..10 {
        runtime.run(|| {
            // SAFETY: nothing here is bound to a thread.
            let trees: Vec<_> = (0..16).map(|_| unsafe { tasklets::spawn_migrating(|| tree(7)) }).collect();
            trees.into_iter().for_each(|tree| assert_eq!(tree.join().unwrap(), 1 << 7));
        });
    }
}
