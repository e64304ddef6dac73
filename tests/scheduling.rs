//! What runs when: the exact order with one worker, and that nothing starves. No clock decides anything here but that a sleep is
//! never too short.

mod eventually;

use eventually::eventually;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tasklets::{
    Handle, Runtime, current, park, park_timeout, scope, sleep, spawn, spawn_future, spawn_local, unblock, yield_now,
};

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().join(" ")
    }
}

#[test]
fn fifo_with_one_worker_is_exactly_first_in_first_out() {
    let trace = Trace::default();
    Runtime::builder().workers(1).fifo(true).build().unwrap().run(|| {
        let handles: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let trace = trace.clone();
                spawn(move || {
                    for turn in 0..3 {
                        trace.note(format!("{name}{turn}"));
                        if name == "b" && turn == 1 {
                            // Behind c, which is runnable already, and before a.
                            let its = trace.clone();
                            drop(spawn(move || its.note("d")));
                        }
                        yield_now();
                    }
                })
            })
            .collect();
        trace.note("main0");
        yield_now();
        trace.note("main1");
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        trace.note("main2");
    });
    // main waits for a, is runnable when that ends, and so comes in between the last turns.
    assert_eq!(trace.text(), "main0 a0 b0 c0 main1 a1 b1 c1 a2 d b2 c2 main2");
}

#[test]
fn fifo_wakes_in_the_order_of_the_unparks() {
    let trace = Trace::default();
    Runtime::builder().workers(1).fifo(true).build().unwrap().run(|| {
        let handles: Vec<_> = (0..5)
            .map(|i| {
                let trace = trace.clone();
                spawn(move || {
                    trace.note(format!("p{i}"));
                    park();
                    trace.note(format!("u{i}"));
                    park();
                    trace.note(format!("v{i}"));
                })
            })
            .collect();
        yield_now();
        for i in [3, 1, 4, 0, 2] {
            handles[i].tasklet().unpark();
        }
        let its = trace.clone();
        drop(spawn(move || its.note("late")));
        let its = trace.clone();
        drop(spawn_future(async move { its.note("future") }));
        yield_now();
        trace.note("main");
        // A local one takes its place in the same queue.
        let its = trace.clone();
        handles[0].tasklet().unpark();
        drop(spawn_local(move || its.note("local")));
        handles[1].tasklet().unpark();
        yield_now();
    });
    assert_eq!(trace.text(), "p0 p1 p2 p3 p4 u3 u1 u4 u0 u2 late future main v0 local v1");
}

#[test]
fn by_default_the_newest_fresh_tasklet_goes_first() {
    let order = || {
        let trace = Trace::default();
        scope(|s| {
            for i in 0..6 {
                let trace = trace.clone();
                s.spawn(move || trace.note(i.to_string()));
            }
        });
        trace.text()
    };
    // Every 100 us or so the oldest gets a turn out of order, so not each time.
    assert!(runtime(1).run(|| (0..1000).any(|_| order() == "5 4 3 2 1 0")));
}

#[test]
fn a_tree_does_not_become_all_stacks() {
    fn tree(depth: usize, live: &AtomicUsize, most: &AtomicUsize) {
        most.fetch_max(live.fetch_add(1, SeqCst) + 1, SeqCst);
        if depth > 0 {
            scope(|s| (0..4).for_each(|_| drop(s.spawn(|| tree(depth - 1, live, most)))));
        }
        live.fetch_sub(1, SeqCst);
    }
    let (live, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    runtime(1).run(|| tree(6, &live, &most));
    // Depth first, 5,461 nodes need 7 stacks, and a few more for the turns of the oldest.
    assert!(most.load(SeqCst) < 2000, "{} of 5461 were started at once", most.load(SeqCst));
}

#[test]
fn nothing_starves_under_a_tasklet_that_yields_for_ever() {
    for (workers, fifo) in [(1, false), (1, true), (2, false), (2, true)] {
        let runtime = Runtime::builder().workers(workers).fifo(fifo).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..2 * workers {
            let stop = stop.clone();
            drop(runtime.spawn(move || {
                while !stop.load(SeqCst) {
                    yield_now();
                }
            }));
        }
        // From outside, through the injector.
        runtime.spawn(|| ()).join().unwrap();
        runtime.spawn_future(async {}).join().unwrap();
        // A timer, and a wake from a thread.
        runtime.spawn(|| sleep(Duration::from_millis(1))).join().unwrap();
        let parked = runtime.spawn(|| (0..20).for_each(|_| park()));
        while !parked.is_finished() {
            parked.tasklet().unpark();
            thread::sleep(Duration::from_micros(100));
        }
        runtime.run(|| assert_eq!(unblock(|| 2), 2));
        stop.store(true, SeqCst);
    }
}

#[test]
fn the_oldest_fresh_task_gets_its_turn_under_newer_ones() {
    for workers in [1, 2] {
        let (stop, oldest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        runtime(workers).run(|| {
            // Two chains, each link of which spawns the next: there is always something newer.
            fn chain(stop: Arc<AtomicBool>) {
                if !stop.load(SeqCst) {
                    drop(spawn(move || chain(stop)));
                }
            }
            let its = oldest.clone();
            drop(spawn(move || its.store(true, SeqCst)));
            for _ in 0..2 {
                let stop = stop.clone();
                drop(spawn(|| chain(stop)));
            }
            eventually("the oldest has run", || oldest.load(SeqCst));
            stop.store(true, SeqCst);
        });
    }
}

#[test]
fn a_pair_that_wakes_each_other_does_not_starve_the_rest() {
    for (workers, fifo) in [(1, false), (1, true), (2, false)] {
        Runtime::builder().workers(workers).fifo(fifo).build().unwrap().run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let its = stop.clone();
            // Each wakes the other and waits for it, so one of them is always the last that was woken.
            let first = spawn(move || {
                let me = current();
                let stop = its.clone();
                let partner = spawn(move || {
                    while !stop.load(SeqCst) {
                        me.unpark();
                        park();
                    }
                    me.unpark();
                });
                while !its.load(SeqCst) {
                    park();
                    partner.tasklet().unpark();
                }
                partner.tasklet().unpark();
                partner.join().unwrap();
            });
            (0..100).for_each(|_| yield_now());
            assert_eq!(spawn(|| 1).join().unwrap(), 1);
            assert_eq!(spawn_future(async { 2 }).join().unwrap(), 2);
            sleep(Duration::from_millis(1));
            stop.store(true, SeqCst);
            first.join().unwrap();
        });
    }
}

#[test]
fn a_sleep_is_never_too_short() {
    runtime(2).run(|| {
        scope(|s| {
            for i in 0..200_u64 {
                s.spawn(move || {
                    for round in 0..5 {
                        let wanted = Duration::from_nanos(i * 7919 * (round + 1));
                        let began = Instant::now();
                        sleep(wanted);
                        assert!(began.elapsed() >= wanted);
                    }
                });
            }
        });
        sleep(Duration::ZERO);
    });
}

#[test]
fn permits() {
    runtime(1).run(|| {
        let me = current();
        // Before the park; many are one.
        (0..5).for_each(|_| me.unpark());
        park();
        let parked = Arc::new(AtomicBool::new(true));
        let its = parked.clone();
        let handle = spawn(move || {
            park();
            its.store(false, SeqCst);
        });
        (0..10).for_each(|_| yield_now());
        assert!(parked.load(SeqCst), "a park without a permit waits");
        handle.tasklet().unpark();
        handle.join().unwrap();
        let began = Instant::now();
        park_timeout(Duration::from_millis(2));
        assert!(began.elapsed() >= Duration::from_millis(2), "no permit was left");
        park_timeout(Duration::ZERO);
        me.unpark();
        park_timeout(Duration::MAX);
        // From a thread.
        let unparker = me.clone();
        let thread = thread::spawn(move || unparker.unpark());
        park();
        thread.join().unwrap();
        // A permit for one that has ended does nothing.
        let ended = spawn(|| ());
        let tag = ended.tasklet();
        ended.join().unwrap();
        tag.unpark();
    });
}

/// Computes until `condition` holds, without ever giving its worker up.
fn compute_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never came about that {what}");
        std::hint::spin_loop();
    }
}

#[test]
fn children_of_a_computing_tasklet_run_elsewhere() {
    for children in [1, 2, 5] {
        runtime(2).run(|| {
            let home = thread::current().id();
            let handles: Vec<_> = (0..children).map(|_| spawn(|| thread::current().id())).collect();
            compute_until("the other worker took the children", || handles.iter().all(|handle| handle.is_finished()));
            handles.into_iter().for_each(|handle| assert_ne!(handle.join().unwrap(), home));
            // Also when the other worker has long been asleep.
            sleep(Duration::from_millis(20));
            let (home, lone) = (thread::current().id(), spawn(|| thread::current().id()));
            compute_until("the other worker woke for a lone child", || lone.is_finished());
            assert_ne!(lone.join().unwrap(), home);
            let future = spawn_future(async { thread::current().id() });
            compute_until("it woke for a future", || future.is_finished());
            assert_ne!(future.join().unwrap(), home);
        });
    }
}

#[test]
fn work_spawned_from_outside_reaches_every_worker() {
    let runtime = runtime(4);
    let handle: Handle = runtime.handle();
    let met = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..4)
        .map(|_| {
            let met = met.clone();
            handle.spawn(move || {
                met.fetch_add(1, SeqCst);
                // Each keeps a worker until all four have one.
                compute_until("all four compute", || met.load(SeqCst) == 4);
                thread::current().id()
            })
        })
        .collect();
    let threads: std::collections::HashSet<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
    assert_eq!(threads.len(), 4);
}

#[test]
fn local_tasklets_run_in_the_order_of_their_spawns() {
    runtime(1).run(|| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let handles: Vec<_> = (0..50)
            .map(|i| {
                let order = order.clone();
                spawn_local(move || order.borrow_mut().push(i))
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        assert!(order.borrow().iter().copied().eq(0..50));
    });
}

#[test]
fn a_tasklet_that_always_finds_a_permit_does_not_keep_its_worker() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    runtime.run(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let greedy = spawn(move || {
            let me = tasklets::current();
            while !seen.load(SeqCst) {
                me.unpark();
                park();
            }
        });
        // Started, so that it is the greedy one that must let it run.
        let modest = spawn(move || {
            yield_now();
            stop.store(true, SeqCst);
        });
        greedy.join().unwrap();
        modest.join().unwrap();
    });
}

#[test]
fn a_yield_lets_a_fresh_sibling_run() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    runtime.run(|| {
        for _ in 0..10 {
            let sibling = spawn(|| ());
            yield_now();
            assert!(sibling.is_finished());
        }
    });
}

fn compute_for(duration: Duration) {
    let began = Instant::now();
    compute_until("time passes", || began.elapsed() >= duration);
}

/// Yields until `stop`, counting the turns of all who do.
fn yield_and_count(stop: &AtomicBool, turns: &AtomicUsize) {
    while !stop.load(SeqCst) {
        turns.fetch_add(1, SeqCst);
        yield_now();
    }
}

#[test]
fn what_is_woken_from_outside_goes_before_those_that_yield() {
    const YIELDERS: usize = 1000;
    let runtime = runtime(1);
    let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..YIELDERS {
        let (stop, turns) = (stop.clone(), turns.clone());
        drop(runtime.spawn(move || yield_and_count(&stop, &turns)));
    }
    let (ran, its, at) = (Arc::new(AtomicUsize::new(0)), turns.clone(), Arc::new(AtomicUsize::new(0)));
    let (counter, noted) = (ran.clone(), at.clone());
    let parked = runtime.spawn(move || {
        loop {
            park();
            noted.store(its.load(SeqCst), SeqCst);
            counter.fetch_add(1, SeqCst);
        }
    });
    // The thread may be held up before its wakeup, so the best of some counts. Behind all others, none is below YIELDERS.
    let best = (0..50).map(|wakeup| {
        eventually("all have started", || turns.load(SeqCst) > 2 * YIELDERS);
        let before = turns.load(SeqCst);
        parked.tasklet().unpark();
        eventually("it has run", || ran.load(SeqCst) > wakeup);
        at.load(SeqCst) - before
    });
    let best = best.min().unwrap();
    stop.store(true, SeqCst);
    assert!(best < YIELDERS / 2, "{best} turns at best");
}

#[test]
fn others_get_on_under_a_stream_of_those_that_go_before_them() {
    for fifo in [false, true] {
        Runtime::builder().workers(1).fifo(fifo).build().unwrap().run(|| {
            let (stop, turns) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
            // Each turn is longer than a window, and when it ends the sleep of another is over.
            let busy: Vec<_> = (0..3)
                .map(|_| {
                    let (stop, turns) = (stop.clone(), turns.clone());
                    spawn(move || {
                        // An end, so that the test has one if the others starve.
                        while !stop.load(SeqCst) && turns.fetch_add(1, SeqCst) < 5000 {
                            sleep(Duration::from_micros(10));
                            compute_for(Duration::from_micros(100));
                        }
                    })
                })
                .collect();
            while turns.load(SeqCst) < 10 {
                yield_now();
            }
            let before = turns.load(SeqCst);
            (0..100).for_each(|_| {
                compute_for(Duration::from_micros(100));
                yield_now();
            });
            let beside = turns.load(SeqCst) - before;
            stop.store(true, SeqCst);
            busy.into_iter().for_each(|busy| busy.join().unwrap());
            // About one after each of ours, or three in a FIFO runtime. If those that are due always went first it would be thousands.
            assert!(beside < 1000, "{beside} turns beside 100");
        });
    }
}

#[test]
fn work_from_outside_shares_the_turns_with_a_task_that_spawns_itself_again() {
    const TASKS: usize = 2000;
    fn chain(stop: Arc<AtomicBool>, turns: Arc<AtomicUsize>) {
        if !stop.load(SeqCst) {
            turns.fetch_add(1, SeqCst);
            drop(spawn(move || chain(stop, turns)));
        }
    }
    for fifo in [false, true] {
        let runtime = Runtime::builder().workers(1).fifo(fifo).build().unwrap();
        let (stop, turns, go) = <(Arc<AtomicBool>, Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let (its, counter, gone, started) = (stop.clone(), turns.clone(), go.clone(), Arc::new(AtomicBool::new(false)));
        let begun = started.clone();
        drop(runtime.spawn(move || {
            begun.store(true, SeqCst);
            compute_until("all of it is there", || gone.load(SeqCst));
            chain(its, counter);
        }));
        // What it took along with this one would lie below the chain, which in a deque goes first.
        eventually("the chain has its worker", || started.load(SeqCst));
        let left = Arc::new(AtomicUsize::new(TASKS));
        for _ in 0..TASKS {
            let (left, stop) = (left.clone(), stop.clone());
            drop(runtime.spawn(move || {
                if left.fetch_sub(1, SeqCst) == 1 {
                    stop.store(true, SeqCst);
                }
            }));
        }
        go.store(true, SeqCst);
        eventually("all have run", || stop.load(SeqCst));
        // About as many as the others have; a window's worth may pass before the first.
        let turns = turns.load(SeqCst);
        assert!((TASKS / 8..2 * TASKS).contains(&turns), "{turns} turns beside {TASKS} tasks from outside");
    }
}

#[test]
fn fresh_tasklets_that_spawn_more_and_yield_do_not_starve_those_that_are_ready() {
    runtime(1).run(|| {
        fn breed(stop: Arc<AtomicBool>) {
            if !stop.load(SeqCst) {
                let its = stop.clone();
                drop(spawn(move || breed(its)));
                yield_now();
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let its = stop.clone();
        let ready = spawn(move || (0..20).for_each(|_| yield_now()));
        yield_now();
        drop(spawn(move || breed(its)));
        // This one is ready, too.
        let watchdog = stop.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(10));
            watchdog.store(true, SeqCst);
        });
        while !ready.is_finished() && !stop.load(SeqCst) {
            yield_now();
        }
        assert!(!stop.swap(true, SeqCst), "it had no turns");
    });
}
