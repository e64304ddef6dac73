//! Locks and the like, with tasklets, threads and futures waiting for the same thing at the same time.

mod eventually;

use eventually::eventually;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tasklets::sync::{Barrier, Condvar, Dataflow, LazyLock, Mutex, Once, OnceLock, RwLock, Semaphore, WaitGroup};
use tasklets::{Runtime, block_on, scope, sleep, spawn, spawn_future, yield_now};

/// No tasklets under Miri, which cannot switch stacks, and few rounds.
const WORKERS: &[usize] = if cfg!(miri) { &[0] } else { &[1, 2, 4] };

const fn rounds(rounds: usize) -> usize {
    if cfg!(miri) { 3 } else { rounds }
}

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// Runs `blocking` in `each` tasklets and `each` threads, and `future` in `each` futures of the runtime and one of a thread. Without
/// workers all on threads.
fn mixed<F>(workers: usize, each: usize, blocking: impl Fn(usize) + Send + Sync, future: impl Fn(usize) -> F + Sync)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = (workers > 0).then(|| runtime(workers));
    thread::scope(|threads| {
        let (blocking, future) = (&blocking, &future);
        for i in 0..each {
            threads.spawn(move || blocking(i));
        }
        threads.spawn(move || block_on(future(each)));
        let Some(runtime) = runtime else {
            for i in 0..each {
                threads.spawn(move || block_on(future(each + 1 + i)));
                threads.spawn(move || blocking(2 * each + 1 + i));
            }
            return;
        };
        runtime.run(|| {
            let futures: Vec<_> = (0..each).map(|i| spawn_future(future(each + 1 + i))).collect();
            scope(|s| {
                for i in 0..each {
                    s.spawn(move || blocking(2 * each + 1 + i));
                }
            });
            futures.into_iter().for_each(|future| future.join().unwrap());
        });
    });
}

/// Polls `future` that often, and drops it if it is still pending.
async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// A number that looks random.
fn scramble(seed: usize) -> usize {
    (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) ^ seed
}

#[test]
fn a_mutex_lets_one_in_at_a_time() {
    const ROUNDS: usize = rounds(2_000);
    for &workers in WORKERS {
        let count = Arc::new(Mutex::new(0));
        let blocking = |_| {
            for round in 0..ROUNDS {
                let mut count = count.lock();
                let seen = *count;
                if round % 16 == 0 {
                    yield_now();
                }
                *count = seen + 1;
            }
        };
        let future = |_| {
            let count = count.clone();
            async move {
                for round in 0..ROUNDS {
                    // Some are dropped while they wait.
                    drop(give_up_after(round % 3, count.lock_async()).await);
                    let mut count = count.lock_async().await;
                    let seen = *count;
                    if round % 16 == 0 {
                        give_up_after(1, std::future::pending::<()>()).await;
                    }
                    *count = seen + 1;
                }
            }
        };
        mixed(workers, 3, blocking, future);
        assert_eq!(*count.try_lock().unwrap(), 10 * ROUNDS);
    }
}

#[test]
fn a_mutex_with_timeouts_is_not_lost() {
    for &workers in WORKERS {
        let (count, got) = (Arc::new(Mutex::new(0)), Arc::new(AtomicUsize::new(0)));
        let blocking = |id| {
            for round in 0..rounds(500) {
                if let Some(mut count) = count.try_lock_for(Duration::from_micros(scramble(id + round) as u64 % 100)) {
                    *count += 1;
                    got.fetch_add(1, SeqCst);
                    if round % 8 == 0 {
                        sleep(Duration::from_micros(20));
                    }
                }
            }
        };
        let future = |id| {
            let (count, got) = (count.clone(), got.clone());
            async move {
                for round in 0..rounds(500) {
                    if let Some(mut count) = give_up_after(scramble(id + round) % 4, count.lock_async()).await {
                        *count += 1;
                        got.fetch_add(1, SeqCst);
                    }
                }
            }
        };
        mixed(workers, 3, blocking, future);
        assert_eq!(*count.lock(), got.load(SeqCst));
    }
}

#[test]
fn writers_are_alone_and_are_not_starved() {
    const TURNS: usize = rounds(200);
    for &workers in WORKERS {
        let pair = Arc::new(RwLock::new((0, 0)));
        let done = Arc::new(AtomicBool::new(false));
        // Readers overlap for ever, until a writer has had its turns.
        let blocking = |id| {
            if id % 3 == 0 {
                for _ in 0..TURNS {
                    let mut pair = pair.write();
                    pair.0 += 1;
                    yield_now();
                    pair.1 += 1;
                }
                done.store(true, SeqCst);
                return;
            }
            while !done.load(SeqCst) {
                let pair = pair.read();
                yield_now();
                assert_eq!(pair.0, pair.1);
            }
        };
        let future = |id| {
            let (pair, done) = (pair.clone(), done.clone());
            async move {
                while !done.load(SeqCst) {
                    drop(give_up_after(id % 3, pair.write_async()).await);
                    let pair = pair.read_async().await;
                    give_up_after(1, std::future::pending::<()>()).await;
                    assert_eq!(pair.0, pair.1);
                }
            }
        };
        mixed(workers, 3, blocking, future);
        assert_eq!(*pair.try_read().unwrap(), (2 * TURNS, 2 * TURNS));
    }
}

#[test]
fn a_semaphore_keeps_count() {
    const PERMITS: usize = 4;
    for &workers in WORKERS {
        let semaphore = Arc::new(Semaphore::new(PERMITS));
        let out = Arc::new(AtomicUsize::new(0));
        let hold = |out: &AtomicUsize, n: usize| {
            assert!(out.fetch_add(n, SeqCst) + n <= PERMITS);
            move |out: &AtomicUsize| _ = out.fetch_sub(n, SeqCst)
        };
        let blocking = |id| {
            for round in 0..rounds(1_000) {
                let random = scramble(id * 1_000 + round);
                let n = random % PERMITS + 1;
                let permits = if random & 64 == 0 {
                    semaphore.acquire_many(n as u32).ok()
                } else {
                    semaphore.acquire_many_timeout(n as u32, Duration::from_micros(random as u64 % 50)).ok()
                };
                let Some(_permits) = permits else { continue };
                let end = hold(&out, n);
                if random & 128 == 0 {
                    yield_now();
                }
                end(&out);
            }
        };
        let future = |id| {
            let (semaphore, out) = (semaphore.clone(), out.clone());
            async move {
                for round in 0..rounds(1_000) {
                    let random = scramble(id * 1_000 + round);
                    let n = random % PERMITS + 1;
                    let acquires = semaphore.clone().acquire_many_owned_async(n as u32);
                    let permits = if random & 64 == 0 {
                        Some(acquires.await.unwrap())
                    } else {
                        give_up_after(random % 5, acquires).await.map(Result::unwrap)
                    };
                    let Some(_permits) = permits else { continue };
                    let end = hold(&out, n);
                    give_up_after(random % 2, std::future::pending::<()>()).await;
                    end(&out);
                }
            }
        };
        mixed(workers, 3, blocking, future);
        assert_eq!((semaphore.available_permits(), out.load(SeqCst)), (PERMITS, 0));
        assert!(semaphore.try_acquire_many(PERMITS as u32).is_ok(), "nobody is thought to wait");
    }
}

#[test]
fn a_semaphore_serves_in_order() {
    runtime(1).run(|| {
        let (semaphore, order) = (Semaphore::new(0), Mutex::new(Vec::new()));
        let needs = [1, 3, 1, 2, 1];
        scope(|s| {
            for (i, need) in needs.into_iter().enumerate() {
                let (semaphore, order) = (&semaphore, &order);
                s.spawn(move || {
                    semaphore.acquire_many(need).unwrap().forget();
                    order.lock().push(i);
                });
                // It waits before the next one comes.
                (0..3).for_each(|_| yield_now());
            }
            for added in 1..=8 {
                semaphore.add_permits(1);
                (0..4).for_each(|_| yield_now());
                let served = [1, 4, 5, 7, 8].iter().filter(|&&sum| sum <= added).count();
                assert_eq!(*order.lock(), (0..served).collect::<Vec<_>>(), "after {added} permits");
            }
        });
    });
}

#[test]
fn a_request_for_many_is_not_starved() {
    for &workers in WORKERS {
        let semaphore = Arc::new(Semaphore::new(4));
        let served = Arc::new(AtomicUsize::new(0));
        let blocking = |id| {
            if id % 3 == 0 {
                for _ in 0..rounds(50) {
                    drop(semaphore.acquire_many(4).unwrap());
                }
                served.fetch_add(1, SeqCst);
            }
            // The others keep at least one permit out at any time, were they let.
            while served.load(SeqCst) < 2 {
                let _permit = semaphore.acquire().unwrap();
                yield_now();
            }
        };
        mixed(workers, 3, blocking, |_| std::future::ready(()));
        assert_eq!(semaphore.available_permits(), 4);
    }
}

/// Strict waiters take one item each; the others give up at any moment. Each item is announced once, so an announcement that
/// went to somebody who gave up and was not passed on would leave a strict one waiting.
#[test]
fn no_notification_is_lost() {
    const STRICT: usize = rounds(300);
    for &workers in WORKERS {
        let shared = Arc::new((Mutex::new(0_usize), Condvar::new()));
        let strict_done = Arc::new(AtomicUsize::new(0));
        let blocking = |id: usize| {
            let (items, filled) = &*shared;
            match id % 3 {
                0 => {
                    for _ in 0..STRICT {
                        *filled.wait_while(items.lock(), |items| *items == 0) -= 1;
                        strict_done.fetch_add(1, SeqCst);
                    }
                }
                1 => {
                    // Takes nothing: it passes on what it was woken for.
                    for round in 0..STRICT {
                        let timeout = Duration::from_micros(scramble(id + round) as u64 % 80);
                        let (guard, result) = filled.wait_timeout(items.lock(), timeout);
                        drop(guard);
                        if !result.timed_out() {
                            filled.notify_one();
                        }
                    }
                }
                _ => {
                    for _ in 0..STRICT {
                        *items.lock() += 1;
                        filled.notify_one();
                        yield_now();
                    }
                }
            }
        };
        let future = |id: usize| {
            let shared = shared.clone();
            async move {
                let (items, filled) = &*shared;
                for round in 0..STRICT {
                    let guard = items.lock_async().await;
                    if give_up_after(scramble(id + round) % 3, filled.wait_async(guard)).await.is_some() {
                        filled.notify_one();
                    }
                }
            }
        };
        // Of tasklets and threads together two are strict and two make items.
        mixed(workers, 3, blocking, future);
        assert_eq!((strict_done.load(SeqCst), *shared.0.lock()), (2 * STRICT, 0));
    }
}

#[test]
fn a_barrier_has_rounds_with_one_leader_each() {
    const ROUNDS: u64 = rounds(200) as u64;
    const PARTIES: u64 = 7;
    for &workers in WORKERS {
        let barrier = Arc::new(Barrier::new(PARTIES as usize));
        let (arrivals, leaders) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let blocking = |_| {
            for round in 1..=ROUNDS {
                arrivals.fetch_add(1, SeqCst);
                let leads = barrier.wait().is_leader();
                assert!(arrivals.load(SeqCst) >= round * PARTIES);
                leaders.fetch_add(leads.into(), SeqCst);
            }
        };
        let future = |_| {
            let (barrier, arrivals, leaders) = (barrier.clone(), arrivals.clone(), leaders.clone());
            async move {
                for round in 1..=ROUNDS {
                    arrivals.fetch_add(1, SeqCst);
                    let leads = barrier.wait_async().await.is_leader();
                    assert!(arrivals.load(SeqCst) >= round * PARTIES);
                    leaders.fetch_add(leads.into(), SeqCst);
                }
            }
        };
        mixed(workers, 2, blocking, future);
        assert_eq!((arrivals.load(SeqCst), leaders.load(SeqCst)), (ROUNDS * PARTIES, ROUNDS));
    }
}

#[test]
fn a_wait_group_waits_for_all() {
    for &workers in WORKERS {
        for _ in 0..10 {
            let (group, done) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
            let works = || {
                let (group, done) = (group.clone(), done.clone());
                move || {
                    done.fetch_add(1, SeqCst);
                    drop(group);
                }
            };
            let handles: Vec<_> = (0..2).map(|_| thread::spawn(works())).collect();
            let runtime = runtime(workers);
            for _ in 0..3 {
                drop(runtime.spawn(works()));
                let works = works();
                drop(runtime.run(|| spawn_future(async move { works() })));
            }
            let waits = group.clone();
            let future = runtime.run(move || spawn_future(waits.wait_async()));
            group.wait();
            assert_eq!(done.load(SeqCst), 8);
            runtime.run(|| future.join()).unwrap();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        }
    }
}

#[test]
fn an_initialiser_that_waits_runs_once() {
    for &workers in WORKERS {
        let (lock, once) = (Arc::new(OnceLock::new()), Arc::new(Once::new()));
        let calls = Arc::new(AtomicUsize::new(0));
        let blocking = |_| {
            let value = lock.get_or_init(|| {
                sleep(Duration::from_millis(2));
                calls.fetch_add(1, SeqCst)
            });
            assert_eq!(*value, 0);
            once.call_once(|| {
                sleep(Duration::from_millis(2));
                calls.fetch_add(1, SeqCst);
            });
            assert_eq!(calls.load(SeqCst), 2);
        };
        let future = |id: usize| {
            let (lock, once, calls) = (lock.clone(), once.clone(), calls.clone());
            async move {
                // Some begin, or wait, and are dropped.
                let _ = give_up_after(id % 4, lock.get_or_init_async(std::future::pending)).await;
                let value = lock.get_or_init_async(|| async { calls.fetch_add(1, SeqCst) }).await;
                assert_eq!(*value, 0);
                let _ = give_up_after(id % 4, once.call_once_async(std::future::pending)).await;
                once.call_once_async(|| async { _ = calls.fetch_add(1, SeqCst) }).await;
                assert_eq!(calls.load(SeqCst), 2);
            }
        };
        mixed(workers, 3, blocking, future);
    }
}

#[test]
fn a_cancelled_or_panicking_initialiser_lets_the_next_try() {
    for &workers in WORKERS {
        let lock = Arc::new(OnceLock::new());
        let runtime = runtime(workers);
        let (its_lock, begun) = (lock.clone(), Arc::new(AtomicBool::new(false)));
        let its_begun = begun.clone();
        drop(runtime.spawn(move || {
            its_lock.get_or_init(|| {
                its_begun.store(true, SeqCst);
                sleep(Duration::from_secs(3600));
                0
            });
        }));
        eventually("it has begun", || begun.load(SeqCst));
        let waits = {
            let lock = lock.clone();
            thread::spawn(move || *lock.get_or_init(|| 1))
        };
        drop(runtime);
        assert_eq!((waits.join().unwrap(), lock.get()), (1, Some(&1)));
    }
    static LAZY: LazyLock<usize> = LazyLock::new(|| {
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        sleep(Duration::from_millis(1));
        assert!(TRIES.fetch_add(1, SeqCst) > 0, "on purpose");
        7
    });
    tasklets::run(|| {
        assert!(catch_unwind(|| *LAZY).is_err());
        let reads: Vec<_> = (0..4).map(|_| spawn(|| *LAZY)).collect();
        assert!(reads.into_iter().all(|read| read.join().unwrap() == 7));
    });
}

#[test]
fn dataflow_variables_connect_whatever_runs() {
    for &workers in WORKERS {
        for round in 0..rounds(10) {
            // Each adds one to its variable and binds the next; in whatever order they come.
            let variables: Arc<Vec<Dataflow<usize>>> = Arc::new((0..11).map(|_| Dataflow::new()).collect());
            let losers = AtomicUsize::new(0);
            let blocking = |id: usize| {
                let value = *variables[id].get() + 1;
                if variables[id + 1].bind(value).is_err() {
                    losers.fetch_add(1, SeqCst);
                }
            };
            let future = |id: usize| {
                let variables = variables.clone();
                async move {
                    let _ = give_up_after(id % 2, variables[id].get_async()).await;
                    let value = *variables[id].get_async().await + 1;
                    variables[id + 1].bind(value).unwrap();
                }
            };
            variables[0].bind(round).unwrap();
            mixed(workers, 3, blocking, future);
            assert_eq!((variables[10].try_get(), losers.load(SeqCst)), (Some(&(round + 10)), 0));
            assert_eq!(variables[10].bind(0).unwrap_err().into_inner(), 0);
        }
    }
}

/// Everybody waits for something when the runtime ends; what they waited for goes on to work for others.
#[test]
fn teardown_unwinds_out_of_every_wait() {
    for &workers in WORKERS {
        let mutex = Arc::new(Mutex::new(0));
        let lock = Arc::new(RwLock::new(0));
        let semaphore = Arc::new(Semaphore::new(2));
        let condition = Arc::new((Mutex::new(false), Condvar::new()));
        let barrier = Arc::new(Barrier::new(2));
        let group = WaitGroup::new();
        let once = Arc::new(OnceLock::<usize>::new());
        let variable = Dataflow::<usize>::new();
        let (started, unwound) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

        struct Unwinds(Arc<AtomicUsize>);
        impl Drop for Unwinds {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
            }
        }

        let owner = (mutex.lock(), lock.read());
        runtime(workers).run(|| {
            macro_rules! waits {
                ($($captured:ident),*; $wait:expr) => {{
                    $(let $captured = $captured.clone();)*
                    let (started, unwinds) = (started.clone(), Unwinds(unwound.clone()));
                    drop(spawn(move || {
                        let _unwinds = unwinds;
                        started.fetch_add(1, SeqCst);
                        $wait
                    }));
                }};
            }
            for _ in 0..5 {
                waits!(mutex; drop(mutex.lock()));
                waits!(mutex; block_on(async { *mutex.lock_async().await += 1 }));
                waits!(lock; drop(lock.write()));
                waits!(lock; block_on(async { *lock.write_async().await += 1 }));
                waits!(semaphore; drop(semaphore.acquire_many(3)));
                waits!(semaphore; drop(block_on(semaphore.acquire_many_async(3))));
                waits!(condition; drop(condition.1.wait_while(condition.0.lock(), |ready| !*ready)));
                waits!(condition; block_on(async {
                    let guard = condition.0.lock_async().await;
                    drop(condition.1.wait_async(guard).await);
                }));
                waits!(once; _ = once.wait());
                waits!(variable; _ = variable.get());
                waits!(variable; _ = block_on(variable.get_async()));
                waits!(group; group.wait());
            }
            waits!(barrier; _ = barrier.wait());
            eventually("all have started", || started.load(SeqCst) == 61);
            (0..20).for_each(|_| yield_now());
        });
        assert_eq!(unwound.load(SeqCst), 61);

        drop(owner);
        assert_eq!((*mutex.lock(), *lock.write()), (0, 0));
        assert!(semaphore.try_acquire_many(2).is_ok());
        *condition.0.lock() = true;
        drop(condition.1.wait_while(condition.0.lock(), |ready| !*ready));
        // The arrival was taken back, so these two are a round.
        let (its_barrier, its_group) = (barrier.clone(), group.clone());
        let other = thread::spawn(move || {
            drop(its_group);
            its_barrier.wait().is_leader()
        });
        assert!(barrier.wait().is_leader() != other.join().unwrap());
        group.wait();
        once.set(1).unwrap();
        variable.bind(1).unwrap();
        assert_eq!((once.wait(), variable.get()), (&1, &1));
    }
}

/// The waiter that was notified is told to end while it waits for the mutex, so the next one must get the notification.
#[test]
fn a_notification_is_passed_on_at_teardown() {
    for &workers in WORKERS {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let waits = |shared: &Arc<(Mutex<usize>, Condvar)>| {
            let shared = shared.clone();
            move || {
                let mut waiting = shared.0.lock();
                *waiting += 1;
                drop(shared.1.wait(waiting));
            }
        };
        let runtime = runtime(workers);
        drop(runtime.spawn(waits(&shared)));
        eventually("the first waits", || *shared.0.lock() == 1);
        let next = thread::spawn(waits(&shared));
        eventually("the next waits", || *shared.0.lock() == 2);
        let owner = shared.0.lock();
        shared.1.notify_one();
        drop(runtime);
        drop(owner);
        next.join().unwrap();
    }
}

#[test]
fn a_beaten_tasklet_gets_the_mutex_handed_over() {
    runtime(1).run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let owner = mutex.lock();
        let its_mutex = mutex.clone();
        let waits = spawn(move || drop(its_mutex.lock()));
        (0..3).for_each(|_| yield_now());
        drop(owner);
        let barges = mutex.try_lock().expect("a free lock goes to whoever comes");
        (0..3).for_each(|_| yield_now());
        drop(barges);
        assert!(mutex.try_lock().is_none(), "it has been handed over");
        waits.join().unwrap();
        assert!(mutex.try_lock().is_some());
    });
}

/// A waiter that has got something and is told to end before it runs again has it, and gives it back as it unwinds.
#[test]
fn what_is_granted_at_teardown_is_not_lost() {
    for &workers in WORKERS {
        for _ in 0..20 {
            let (semaphore, mutex) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(())));
            let runtime = runtime(workers);
            let started = Arc::new(AtomicUsize::new(0));
            let owner = mutex.lock();
            for i in 0..8 {
                let (semaphore, mutex, started) = (semaphore.clone(), mutex.clone(), started.clone());
                drop(runtime.spawn(move || {
                    started.fetch_add(1, SeqCst);
                    loop {
                        let _permits = semaphore.acquire_many(i % 3 + 1).unwrap();
                        let _guard = mutex.lock();
                        yield_now();
                    }
                }));
            }
            eventually("all have started", || started.load(SeqCst) == 8);
            let releases = {
                let semaphore = semaphore.clone();
                thread::spawn(move || (0..4).for_each(|_| semaphore.add_permits(1)))
            };
            drop(owner);
            drop(runtime);
            releases.join().unwrap();
            assert!(mutex.try_lock().is_some());
            assert!(semaphore.try_acquire_many(4).is_ok(), "{semaphore:?}");
        }
    }
}

#[test]
fn guards_outlive_a_panic() {
    tasklets::run(|| {
        let mutex = Arc::new(Mutex::new(0));
        let its_mutex = mutex.clone();
        let panics = spawn(move || {
            let mut guard = its_mutex.lock();
            *guard = 1;
            panic!("on purpose");
        });
        assert!(panics.join().is_err());
        assert_eq!(*mutex.lock(), 1, "unlocked, and not poisoned");
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _guard = mutex.lock();
            panic!("on purpose");
        }));
        assert!(caught.is_err() && mutex.try_lock().is_some());
    });
}

/// Futures of all waits may change threads.
#[test]
fn futures_are_send() {
    fn check<F: Future + Send>(future: F) {
        drop(future);
    }
    let (mutex, condvar, lock) = (Mutex::new(1), Condvar::new(), RwLock::new(1));
    check(mutex.lock_async());
    check(condvar.wait_async(mutex.lock()));
    check(lock.read_async());
    check(lock.write_async());
    check(Semaphore::new(1).acquire_async());
    check(Barrier::new(1).wait_async());
    check(WaitGroup::new().wait_async());
    check(OnceLock::new().get_or_init_async(|| async { 1 }));
    check(Dataflow::<u8>::new().get_async());
    assert!(mutex.try_lock().is_some(), "a wait that was never polled unlocks too");
}
