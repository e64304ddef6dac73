//! Structured concurrency: `scope` and `join`.

mod eventually;

use eventually::eventually;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tasklets::{Runtime, channel, current, join, park, park_timeout, run, scope, sleep, spawn, unblock, yield_now};

/// Runs `test` with one worker, with two and with four.
fn with_workers(test: impl Fn() + Sync) {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(&test);
    }
}

/// What a panic carried, as a number.
fn thrown<T>(f: impl FnOnce() -> T) -> i32 {
    *catch_unwind(AssertUnwindSafe(f)).err().expect("it panics").downcast().expect("these tests throw numbers")
}

#[test]
fn children_of_a_scope_borrow() {
    with_workers(|| {
        let numbers: Vec<u64> = (0..1000).collect();
        let mut totals = [0; 10];
        let text = scope(|s| {
            for (total, part) in totals.iter_mut().zip(numbers.chunks(100)) {
                s.spawn(move || {
                    yield_now();
                    *total = part.iter().sum();
                });
            }
            let length = s.spawn(|| numbers.len());
            format!("{}", length.join().unwrap())
        });
        assert_eq!((totals.iter().sum::<u64>(), text.as_str()), (499_500, "1000"));
    });
}

#[test]
fn scopes_nest_and_children_spawn_siblings() {
    with_workers(|| {
        let count = AtomicUsize::new(0);
        scope(|outer| {
            for _ in 0..10 {
                outer.spawn(|| {
                    scope(|inner| {
                        for _ in 0..10 {
                            inner.spawn(|| {
                                sleep(Duration::from_micros(50));
                                count.fetch_add(1, Ordering::SeqCst);
                            });
                        }
                    });
                    // A sibling, spawned by a child.
                    outer.spawn(|| count.fetch_add(100, Ordering::SeqCst));
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 1100);
    });
}

#[test]
fn an_unjoined_childs_panic_comes_out_after_all_have_ended() {
    with_workers(|| {
        let ended = AtomicUsize::new(0);
        let payload = thrown(|| {
            scope(|s| {
                s.spawn(|| panic_any(7));
                for _ in 0..10 {
                    s.spawn(|| {
                        sleep(Duration::from_millis(1));
                        ended.fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
        });
        assert_eq!((payload, ended.load(Ordering::SeqCst)), (7, 10));
    });
}

#[test]
fn a_joined_childs_panic_does_not_come_out() {
    with_workers(|| {
        let value = scope(|s| {
            let error = s.spawn(|| panic_any(8)).join().unwrap_err();
            *error.into_panic().downcast::<i32>().unwrap()
        });
        assert_eq!(value, 8);
        // A handle dropped after the child's end: nobody took the panic, so it does.
        let late = thrown(|| {
            scope(|s| {
                let child = s.spawn(|| panic_any(9));
                eventually("the child has ended", || child.is_finished());
                drop(child);
            });
        });
        assert_eq!(late, 9);
    });
}

#[test]
fn unwinding_out_of_the_closure_waits_for_the_children() {
    with_workers(|| {
        let ended = AtomicUsize::new(0);
        let payload = thrown(|| {
            scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| {
                        sleep(Duration::from_millis(1));
                        ended.fetch_add(1, Ordering::SeqCst);
                    });
                }
                s.spawn(|| panic_any(2));
                panic_any(1)
            });
        });
        assert_eq!((payload, ended.load(Ordering::SeqCst)), (1, 10), "the closure's own panic goes first");
    });
}

#[test]
fn join_returns_both() {
    with_workers(|| {
        let text = String::from("abc");
        let mut list = vec![3, 1, 2];
        let (length, ()) = join(|| text.len(), || list.sort());
        assert_eq!((length, list), (3, vec![1, 2, 3]));
    });
}

#[test]
fn join_passes_panics_on() {
    with_workers(|| {
        for _ in 0..50 {
            let ended = AtomicUsize::new(0);
            let end = || {
                yield_now();
                ended.fetch_add(1, Ordering::SeqCst);
            };
            assert_eq!(thrown(|| join(|| panic_any(1), end)), 1);
            // Whether `b` was begun is a matter of luck, but if so it has ended.
            assert!(ended.load(Ordering::SeqCst) <= 1);
            assert_eq!(thrown(|| join(end, || panic_any(2))), 2);
            assert_eq!(thrown(|| join(|| panic_any(3), || panic_any(4))), 3);
            let late = || {
                yield_now();
                panic_any(5)
            };
            assert_eq!(thrown(|| join(late, || panic_any(6))), 5);
            assert_eq!(thrown(|| join(end, late)), 5);
        }
    });
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return n.into();
    }
    let (a, b) = join(|| fib(n - 1), || fib(n - 2));
    a + b
}

#[test]
fn join_recurses() {
    with_workers(|| assert_eq!(fib(20), 6765));
}

/// As `fib`, with a wait of some kind in every node.
fn waiting_fib(n: u32) -> u64 {
    match n % 5 {
        0 => yield_now(),
        1 => sleep(Duration::from_micros(20)),
        2 => park_timeout(Duration::from_micros(20)),
        3 => {
            let me = current();
            let unparker = spawn(move || me.unpark());
            park();
            unparker.join().unwrap();
        }
        _ => {}
    }
    if n < 2 {
        return n.into();
    }
    let (a, b) = join(|| waiting_fib(n - 1), || waiting_fib(n - 2));
    a + b
}

#[test]
fn both_halves_may_wait() {
    with_workers(|| {
        assert_eq!(waiting_fib(11), 89);
        // Many at once on the same deques: a half may be under others' halves when its owner comes back for it.
        scope(|s| {
            for _ in 0..20 {
                s.spawn(|| assert_eq!(waiting_fib(7), 13));
            }
        });
        let (a, b) = join(|| unblock(|| 1), || unblock(|| 2));
        assert_eq!((a, b), (1, 2));
    });
}

/// The worker always has somebody to run, and each half waits for the other one.
#[test]
fn a_second_half_is_run_beside_those_who_yield() {
    for workers in [1, 2] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            let done = AtomicBool::new(false);
            scope(|s| {
                for _ in 0..2 * workers {
                    s.spawn(|| {
                        while !done.load(Ordering::SeqCst) {
                            yield_now();
                        }
                    });
                }
                yield_now();
                // The older half lies under the newer one.
                let ((first, second), third) = join(
                    || {
                        let (to_first, first) = channel::bounded(0);
                        let (to_second, second) = channel::bounded(0);
                        let meet = || {
                            to_second.send(2).unwrap();
                            first.recv().unwrap()
                        };
                        join(meet, || {
                            let two = second.recv().unwrap();
                            to_first.send(1).unwrap();
                            two
                        })
                    },
                    || 3,
                );
                done.store(true, Ordering::SeqCst);
                assert_eq!((first, second, third), (1, 2, 3));
            });
        });
    }
}

#[test]
fn join_and_scope_nest() {
    with_workers(|| {
        let count = AtomicUsize::new(0);
        let add = || {
            yield_now();
            count.fetch_add(1, Ordering::SeqCst);
        };
        let in_scope = || {
            scope(|s| {
                for _ in 0..5 {
                    s.spawn(|| join(add, add));
                }
                join(add, add);
            });
        };
        for _ in 0..10 {
            join(|| join(in_scope, in_scope), || join(add, in_scope));
        }
        assert_eq!(count.load(Ordering::SeqCst), 10 * (3 * 12 + 1));
    });
}

#[test]
fn a_stolen_half_has_an_identity_of_its_own() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        for _ in 0..20 {
            let begun = AtomicBool::new(false);
            let me = current();
            // `a` keeps its worker until the other one has taken `b`.
            let (a, b) = join(
                || {
                    while !begun.load(Ordering::SeqCst) {
                        std::hint::spin_loop();
                    }
                    current()
                },
                || {
                    let it = current();
                    begun.store(true, Ordering::SeqCst);
                    assert_eq!(it, current(), "and keeps it");
                    let unparker = spawn({
                        let it = it.clone();
                        move || it.unpark()
                    });
                    park();
                    unparker.join().unwrap();
                    assert_eq!(it, current(), "also over a wait");
                    it
                },
            );
            assert_eq!(a, me);
            assert!(b != me && b.id() != me.id());
        }
    });
}

#[test]
fn outside_a_runtime_they_panic() {
    assert!(catch_unwind(|| scope(|_| ())).is_err());
    assert!(catch_unwind(|| join(|| (), || ())).is_err());
    assert_eq!(run(|| scope(|_| 1)), 1);
}
