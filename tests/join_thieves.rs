//! `join`: whoever is free takes the second half, whenever that may be, and whatever becomes of either half.

mod child;
mod eventually;

use eventually::{PATIENCE, eventually};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tasklets::{Builder, JoinHandle, Runtime, channel, join, scope, sleep, spawn, yield_now};

/// Keeps its worker until it is so, or fails: nobody else gets a turn there.
#[track_caller]
fn spin_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "it never came about that {what}");
        std::hint::spin_loop();
    }
}

/// Keeps the other worker busy until it is told to stop.
struct Busy {
    stop: Arc<AtomicBool>,
    tasklet: JoinHandle<()>,
}

impl Busy {
    fn new() -> Self {
        let (begun, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let tasklet = spawn({
            let (begun, stop) = (begun.clone(), stop.clone());
            move || {
                begun.store(true, SeqCst);
                spin_until("it is told to stop", || stop.load(SeqCst));
            }
        });
        // This worker is kept too, so the tasklet is stolen.
        spin_until("the other worker runs it", || begun.load(SeqCst));
        Self { stop, tasklet }
    }
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return n.into();
    }
    let (a, b) = join(|| fib(n - 1), || fib(n - 2));
    a + b
}

/// Joins nested so deep, each of whose second halves counts; the innermost first half is `innermost`.
fn nest(depth: usize, count: &AtomicUsize, innermost: &(dyn Fn() + Sync)) {
    if depth == 0 {
        return innermost();
    }
    join(
        || nest(depth - 1, count, innermost),
        || {
            count.fetch_add(1, SeqCst);
        },
    );
}

fn a_worker_that_becomes_free_takes_what_was_offered_before() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        for depth in [1, 2, 5] {
            for _ in 0..10 {
                let busy = Busy::new();
                // Many joins that nobody was free for: the next ones are offered to nobody in particular.
                assert_eq!(fib(15), 610);
                let taken = AtomicUsize::new(0);
                nest(depth, &taken, &|| {
                    assert_eq!(taken.load(SeqCst), 0);
                    busy.stop.store(true, SeqCst);
                    // No more joins here, and no waiting: the other worker must take all of them without our help.
                    spin_until("all are taken", || taken.load(SeqCst) == depth);
                });
                busy.tasklet.join().unwrap();
            }
        }
    });
}

#[test]
fn who_becomes_free_takes_it_at_once() {
    a_worker_that_becomes_free_takes_what_was_offered_before();
}

/// Has the kernel refuse `membarrier` to this thread and those that it starts.
fn refuse_membarrier() {
    let filter = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The number of the system call.
        filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_membarrier as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is valid for the calls, and only the calling thread and its descendants are affected.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
        assert_eq!(libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_QUERY, 0, 0), -1);
    }
}

#[test]
fn it_works_where_membarrier_is_refused() {
    if child::is_child() {
        refuse_membarrier();
        a_worker_that_becomes_free_takes_what_was_offered_before();
        for workers in [1, 2, 4] {
            assert_eq!(Runtime::builder().workers(workers).build().unwrap().run(|| fib(20)), 6765);
        }
        return;
    }
    let ended = child::run_in_child("it_works_where_membarrier_is_refused");
    assert!(ended.status.success(), "{}", child::stderr(&ended));
}

#[test]
fn a_sleeping_worker_is_woken_for_it() {
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        for _ in 0..10 {
            // The other one has nothing to do, and falls asleep.
            sleep(Duration::from_millis(2));
            let taken = AtomicBool::new(false);
            join(|| spin_until("it is taken", || taken.load(SeqCst)), || taken.store(true, SeqCst));
        }
    });
}

#[test]
fn a_long_chain_of_joins() {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            for depth in [255, 256, 257, 3000] {
                let chain = move || {
                    let count = AtomicUsize::new(0);
                    nest(depth, &count, &yield_now);
                    count.into_inner()
                };
                let tasklet = Builder::new().stack_size(16 << 20).spawn(chain).unwrap();
                assert_eq!(tasklet.join().unwrap(), depth);
            }
        });
    }
}

#[test]
fn the_first_half_may_wait_for_the_second_however_many_do() {
    for workers in [1, 2] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            scope(|s| {
                for i in 0..2000 {
                    s.spawn(move || {
                        let (sender, receiver) = channel::bounded(1);
                        let (received, ()) = join(|| receiver.recv().unwrap(), || sender.send(i).unwrap());
                        assert_eq!(received, i);
                    });
                }
            });
        });
    }
}

#[test]
fn what_the_halves_hold_is_dropped_once() {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            let counted = Arc::new(());
            for panics in 0..200 {
                let (first, second) = (counted.clone(), counted.clone());
                let half = |held: Arc<()>, panics: bool, waits: bool| {
                    move || {
                        if waits {
                            yield_now();
                        }
                        if panics {
                            panic_any(1);
                        }
                        held
                    }
                };
                let (a, b) = (panics & 1 != 0, panics & 2 != 0);
                let joined = catch_unwind(AssertUnwindSafe(|| {
                    join(half(first, a, panics & 4 != 0), half(second, b, panics & 8 != 0))
                }));
                assert_eq!(joined.is_err(), a || b);
                drop(joined);
                assert_eq!(Arc::strong_count(&counted), 1);
            }
        });
    }
}

#[test]
fn halves_under_those_of_others_come_to_their_end() {
    for workers in [1, 2] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            let ended = AtomicUsize::new(0);
            scope(|s| {
                for round in 0..50 {
                    let ended = &ended;
                    s.spawn(move || {
                        // The first half of each ends in another order than they began.
                        let wait = move || (0..(round * 7) % 11).for_each(|_| yield_now());
                        join(|| join(wait, wait), || join(wait, || ended.fetch_add(1, SeqCst)));
                    });
                }
            });
            eventually("all have ended", || ended.load(SeqCst) == 50);
        });
    }
}
