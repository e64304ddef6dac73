//! The races of the waiting lines, step by step: futures polled by hand stand for whoever waits. What runs at the same time is in the
//! tests of the facade.

use super::*;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tasklets_park::block_on;

/// A future that is polled by hand.
struct Waits<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<'a, T> Waits<'a, T> {
    /// Polls it once, so that it waits.
    #[track_caller]
    fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        let mut waits = Self(Box::pin(future));
        assert!(waits.poll().is_none(), "there is nothing to wait for");
        waits
    }

    fn poll(&mut self) -> Option<T> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }
}

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn permits_go_to_those_who_wait_in_order() {
    let semaphore = Semaphore::new(0);
    let [mut one, mut three, mut last] = [1, 3, 1].map(|n| Waits::new(semaphore.acquire_many_async(n)));
    semaphore.add_permits(1);
    assert!(three.poll().is_none() && last.poll().is_none());
    one.poll().unwrap().unwrap().forget();
    semaphore.add_permits(2);
    assert!(three.poll().is_none() && last.poll().is_none(), "two are not enough for three");
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits, "others wait");
    assert_eq!(semaphore.acquire_timeout(SHORT).unwrap_err(), AcquireTimeoutError::TimedOut);
    semaphore.add_permits(1);
    assert!(last.poll().is_none());
    three.poll().unwrap().unwrap().forget();
    semaphore.add_permits(1);
    last.poll().unwrap().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 0);
    semaphore.add_permits(1);
    assert!(semaphore.try_acquire().is_ok(), "nobody waits any more");
}

#[test]
fn one_release_serves_as_many_as_it_can() {
    let semaphore = Semaphore::new(0);
    let mut waits = [1, 2, 1, 2].map(|n| Waits::new(semaphore.acquire_many_async(n)));
    semaphore.add_permits(5);
    let got: Vec<_> = waits.iter_mut().map(|waits| waits.poll().map(Result::unwrap)).collect();
    assert!(got[..3].iter().all(Option::is_some) && got[3].is_none());
    drop(got);
    assert!(waits[3].poll().is_some());
}

#[test]
fn a_permit_granted_to_a_dropped_future_goes_to_the_next() {
    let semaphore = Semaphore::new(0);
    let [first, mut second] = [1, 1].map(|n| Waits::new(semaphore.acquire_many_async(n)));
    semaphore.add_permits(1);
    assert!(second.poll().is_none());
    drop(first);
    drop(second.poll().expect("the permit was passed on").unwrap());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn who_leaves_the_front_lets_the_next_in() {
    // Left before the grant, with and without having been polled there, and after it.
    for (polls, added) in [(0, 0), (1, 0), (0, 2), (1, 2)] {
        let semaphore = Semaphore::new(1);
        let mut front = Box::pin(semaphore.acquire_many_async(3));
        let mut context = Context::from_waker(Waker::noop());
        assert!(front.as_mut().poll(&mut context).is_pending());
        let mut next = Waits::new(semaphore.acquire_async());
        if polls == 1 {
            assert!(front.as_mut().poll(&mut context).is_pending());
        }
        semaphore.add_permits(added);
        assert!(next.poll().is_none());
        drop(front);
        drop(next.poll().expect("it is the first now").unwrap());
        assert_eq!(semaphore.available_permits(), 1 + added);
    }
}

#[test]
fn who_times_out_at_the_front_lets_the_next_in() {
    let semaphore = Semaphore::new(1);
    let begun = AtomicUsize::new(0);
    thread::scope(|s| {
        let front = s.spawn(|| {
            begun.store(1, SeqCst);
            semaphore.acquire_many_timeout(2, Duration::from_millis(50)).map(drop)
        });
        while begun.load(SeqCst) == 0 || semaphore.try_acquire().is_ok() {
            thread::yield_now();
        }
        assert_eq!(semaphore.acquire().unwrap().num_permits(), 1);
        assert_eq!(front.join().unwrap(), Err(AcquireTimeoutError::TimedOut));
    });
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn closing_ends_every_wait() {
    let semaphore = Semaphore::new(1);
    let mut waits = [2, 1, 1].map(|n| Waits::new(semaphore.acquire_many_async(n)));
    semaphore.close();
    semaphore.add_permits(1);
    for waits in &mut waits {
        assert_eq!(waits.poll().unwrap().unwrap_err(), semaphore.acquire().unwrap_err());
    }
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert_eq!(semaphore.acquire_timeout(SHORT).unwrap_err(), AcquireTimeoutError::Closed);
    assert_eq!(semaphore.available_permits(), 2);

    let empty = Semaphore::new(0);
    let mut waits = [1, 2].map(|n| Waits::new(empty.acquire_many_async(n)));
    empty.close();
    assert!(waits.iter_mut().all(|waits| waits.poll().unwrap().is_err()));
}

#[test]
fn permits_are_counted() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(1))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(usize::MAX))).is_err());
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    assert_eq!(semaphore.forget_permits(usize::MAX), Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(semaphore.try_acquire_many(u32::MAX)))).is_err());
    semaphore.add_permits(5);
    let mut permits = semaphore.acquire_many(4).unwrap();
    let mut two = permits.split(2).unwrap();
    assert!(permits.split(3).is_none());
    two.merge(semaphore.acquire().unwrap());
    assert_eq!((permits.num_permits(), two.num_permits()), (2, 3));
    permits.forget();
    drop(two);
    assert_eq!(semaphore.available_permits(), 3);
    assert_eq!(semaphore.acquire_many(0).unwrap().num_permits(), 0);
}

#[test]
fn a_beaten_waiter_gets_the_mutex_handed_over() {
    let mutex = Mutex::new(());
    let owner = mutex.lock();
    let mut waits = [Waits::new(mutex.lock_async()), Waits::new(mutex.lock_async())];
    drop(owner);
    for waits in &mut waits {
        let barges = mutex.try_lock().expect("a free lock goes to whoever comes");
        assert!(waits.poll().is_none());
        drop(barges);
    }
    for waits in &mut waits {
        assert!(mutex.try_lock().is_none(), "it has been handed over");
        drop(waits.poll().unwrap());
    }
    assert!(mutex.try_lock().is_some());
}

#[test]
fn a_mutex_handed_to_a_dropped_future_goes_to_the_next() {
    // Woken to try, and handed over.
    for beaten in [false, true] {
        let mutex = Mutex::new(());
        let owner = mutex.lock();
        let mut first = Waits::new(mutex.lock_async());
        let mut second = Waits::new(mutex.lock_async());
        drop(owner);
        if beaten {
            for waits in [&mut first, &mut second] {
                let barges = mutex.try_lock().unwrap();
                assert!(waits.poll().is_none());
                drop(barges);
            }
        }
        drop(first);
        drop(second.poll().expect("it is the first now"));
        assert!(!mutex.is_locked());
    }
}

#[test]
fn a_writer_keeps_later_readers_out() {
    let lock = RwLock::new(0);
    let reader = lock.read();
    let mut writer = Waits::new(lock.write_async());
    let mut readers = [Waits::new(lock.read_async()), Waits::new(lock.read_async())];
    assert!(lock.try_read().is_none() && lock.try_read_for(SHORT).is_none());
    drop(reader);
    assert!(readers[0].poll().is_none());
    let mut written = writer.poll().unwrap();
    *written += 1;
    let reader = RwLockWriteGuard::downgrade(written);
    let read = readers.each_mut().map(|reader| *reader.poll().unwrap());
    assert_eq!((read, *reader), ([1, 1], 1));
    assert!(lock.try_write().is_none());
    drop((reader, readers));
    assert!(lock.try_write().is_some());
}

#[test]
fn a_notification_of_a_dropped_future_goes_to_the_next() {
    // Dropped before it is polled again, and while it waits for the mutex.
    for polls in [0, 1] {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let mut first = Waits::new(condvar.wait_async(mutex.lock()));
        let mut second = Waits::new(condvar.wait_async(mutex.lock()));
        condvar.notify_one();
        let guard = mutex.lock();
        if polls == 1 {
            assert!(first.poll().is_none());
        }
        drop(first);
        drop(guard);
        drop(second.poll().expect("it was notified"));
        assert!(!mutex.is_locked());
    }
}

#[test]
fn notifications_come_in_order_and_are_not_kept() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    condvar.notify_one();
    let mut waits = [(); 3].map(|()| Waits::new(condvar.wait_async(mutex.lock())));
    condvar.notify_one();
    assert!(waits[1].poll().is_none() && waits[2].poll().is_none());
    drop(waits[0].poll().unwrap());
    condvar.notify_all();
    assert!(waits[1..].iter_mut().all(|waits| waits.poll().is_some()));
    let (_guard, result) = condvar.wait_timeout_while(mutex.lock(), SHORT, |()| true);
    assert!(result.timed_out());
}

#[test]
fn leaving_a_barrier_takes_the_arrival_back() {
    let barrier = Barrier::new(2);
    drop(Waits::new(barrier.wait_async()));
    let mut waits = Waits::new(barrier.wait_async());
    assert!(barrier.wait().is_leader());
    let next_round = Waits::new(barrier.wait_async());
    assert!(!waits.poll().unwrap().is_leader());
    drop(next_round);
    // Dropped when the last had come: that round has counted it.
    let late = Waits::new(barrier.wait_async());
    assert!(barrier.wait().is_leader());
    drop(late);
    let _waits = Waits::new(barrier.wait_async());
    assert!(Barrier::new(0).wait().is_leader());
}

#[test]
fn a_wait_group_counts_handles_and_work() {
    let group = WaitGroup::new();
    group.add(2);
    let mut waits = Waits::new(group.clone().wait_async());
    group.done();
    group.done();
    assert!(catch_unwind(AssertUnwindSafe(|| group.done())).is_err());
    assert!(waits.poll().is_none());
    drop(group);
    assert!(waits.poll().is_some());
    let group = WaitGroup::new();
    let works = group.clone();
    works.add(1);
    let worker = thread::spawn(move || works.done());
    group.wait();
    worker.join().unwrap();
    assert!(catch_unwind(|| WaitGroup::new().add(1 << 31)).is_err());
}

#[test]
fn who_does_not_finish_lets_the_next_try() {
    let lock = OnceLock::new();
    assert!(catch_unwind(AssertUnwindSafe(|| lock.get_or_init(|| panic!("on purpose")))).is_err());
    assert_eq!(lock.get_or_try_init(|| Err("failed")), Err("failed"));
    let begun = Waits::new(lock.get_or_init_async(std::future::pending));
    let mut waits = Waits::new(lock.get_or_init_async(|| std::future::ready(1)));
    let mut looks = Waits::new(lock.wait_async());
    assert!(lock.get().is_none());
    drop(begun);
    assert!(looks.poll().is_none(), "woken, but there is nothing yet");
    assert_eq!(waits.poll(), Some(&1));
    assert_eq!((looks.poll(), lock.wait(), lock.set(2)), (Some(&1), &1, Err(2)));
    assert_eq!(lock.clone().into_inner(), Some(1));
}

#[test]
fn values_are_dropped_once() {
    struct Counts<'a>(&'a AtomicUsize);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let drops = AtomicUsize::new(0);
    let check = |expected| assert_eq!(drops.swap(0, SeqCst), expected);
    drop(OnceLock::<Counts<'_>>::new());
    check(0);
    let mut lock = OnceLock::from(Counts(&drops));
    assert!(lock.set(Counts(&drops)).is_err() && lock.get_mut().is_some());
    check(1);
    drop(lock.take());
    check(1);
    assert!(lock.set(Counts(&drops)).is_ok());
    drop(lock);
    check(1);
    let variable = Dataflow::new();
    drop(variable.clone());
    assert!(variable.bind(Counts(&drops)).is_ok() && variable.bind(Counts(&drops)).is_err());
    check(1);
    drop(variable);
    check(1);
    drop(Dataflow::<Counts<'_>>::new());
    drop(Mutex::new(Counts(&drops)).into_inner());
    drop(RwLock::new(Counts(&drops)).into_inner());
    check(2);
}

#[test]
fn a_lazy_value_is_made_again_after_a_panic() {
    let tries = AtomicUsize::new(0);
    let captured = std::sync::Arc::new(());
    let held = captured.clone();
    let lazy = LazyLock::new(|| {
        let _held = &held;
        assert!(tries.fetch_add(1, SeqCst) > 0, "on purpose");
        tries.load(SeqCst)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| *lazy)).is_err());
    assert_eq!((*lazy, *block_on(LazyLock::force_async(&lazy))), (2, 2));
    drop(captured);
}

#[test]
fn a_variable_is_bound_once() {
    let variable = Dataflow::new();
    let mut waits = Waits::new(variable.get_async());
    assert_eq!((variable.try_get(), variable.wait_timeout(SHORT)), (None, None));
    let binder = variable.clone();
    let thread = thread::spawn(move || binder.bind(1).unwrap());
    assert_eq!(variable.get(), &1);
    thread.join().unwrap();
    assert_eq!(waits.poll(), Some(&1));
    assert_eq!(variable.bind(2), Err(AlreadyBound(2)));
    assert!(variable.same_variable(&variable.clone()) && !variable.same_variable(&Dataflow::from(1)));
}

#[test]
fn what_is_guarded_may_be_unsized() {
    let mutex: &Mutex<dyn std::fmt::Debug + Send> = &Mutex::new(1);
    assert_eq!(format!("{:?}", mutex.lock()), "1");
    let lock: Box<RwLock<[i32]>> = Box::new(RwLock::new([1, 2]));
    lock.write()[0] = 3;
    assert_eq!(*lock.read(), [3, 2]);
    assert_eq!(format!("{lock:?}"), "RwLock { data: [3, 2], .. }");
}
