//! With real threads and real fences, in both ways.

use super::{Fences, Header, Jobs, Steal};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

#[repr(C)]
struct Item {
    header: Header,
    executed: AtomicU32,
}

impl Item {
    fn new() -> Self {
        Self { header: Header::new(Self::execute), executed: AtomicU32::new(0) }
    }

    unsafe fn execute(header: *const Header) {
        // SAFETY: the header of one of these, which its owner keeps until it was executed.
        unsafe { &*header.cast::<Item>() }.executed.fetch_add(1, Ordering::Release);
    }
}

/// As `join` does, with all calls nested so deep: what is taken back is executed, for the rest it waits.
fn nest(jobs: &Jobs, depth: u32, stolen: &mut u32) {
    if depth == 0 {
        return;
    }
    let item = Item::new();
    let job = NonNull::from(&item).cast();
    // SAFETY: the item stays here until it was taken back or executed, and this thread is the owner.
    unsafe {
        if !jobs.try_push(job) {
            jobs.push(job);
        }
    }
    nest(jobs, depth - 1, stolen);
    // SAFETY: pushed above.
    if unsafe { jobs.take_back(&item.header) } {
        assert_eq!(item.executed.load(Ordering::Relaxed), 0);
    } else {
        *stolen += 1;
        while item.executed.load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
        assert_eq!(item.executed.load(Ordering::Relaxed), 1);
    }
}

/// Runs `owner` while two threads steal, by force or as they can.
fn under_thieves(fences: Fences, owner: impl FnOnce(&Jobs)) {
    let (jobs, done) = (Jobs::new(fences), AtomicBool::new(false));
    thread::scope(|scope| {
        for forces in [false, true] {
            let (jobs, done) = (&jobs, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    match jobs.steal() {
                        // SAFETY: taken out just now.
                        Steal::Taken(job) => unsafe { job.execute() },
                        Steal::Private(oldest) if forces => jobs.publish(oldest),
                        Steal::Private(_) => jobs.call(),
                        Steal::Empty => thread::yield_now(),
                    }
                }
            });
        }
        owner(&jobs);
        done.store(true, Ordering::Relaxed);
    });
    assert!(jobs.is_empty());
}

#[test]
fn each_is_executed_once() {
    const ROUNDS: u32 = if cfg!(miri) { 200 } else { 20_000 };
    for fences in [Fences::agree(), Fences::Both] {
        let mut stolen = 0;
        under_thieves(fences, |jobs| {
            // How many are stolen is a matter of luck, but not that some are.
            let mut round = 0;
            while round < ROUNDS || stolen < ROUNDS / 200 {
                round += 1;
                jobs.uncall();
                nest(jobs, round % 7, &mut stolen);
            }
        });
    }
}

#[test]
fn it_grows_under_thieves() {
    for fences in [Fences::agree(), Fences::Both] {
        // More than fit at first, and again more than fit then.
        let deep: &[u32] = if cfg!(miri) { &[] } else { &[900, 1500] };
        for &depth in [200, 300].iter().chain(deep) {
            under_thieves(fences, |jobs| nest(jobs, depth, &mut 0));
        }
    }
}

#[test]
fn the_newest_comes_out_first() {
    const MANY: usize = if cfg!(miri) { 300 } else { 1000 };
    for fences in [Fences::agree(), Fences::Both] {
        let jobs = Jobs::new(fences);
        let items: Vec<_> = (0..MANY).map(|_| Item::new()).collect();
        for item in &items {
            // SAFETY: the items outlive the deque's use of them.
            unsafe { jobs.push(NonNull::from(item).cast()) };
        }
        for (executed, item) in items.iter().rev().enumerate() {
            // SAFETY: taken out just now.
            unsafe { jobs.pop().expect("there are more").execute() };
            assert_eq!(item.executed.load(Ordering::Relaxed), 1, "{executed}");
            // SAFETY: pushed above.
            assert!(!unsafe { jobs.take_back(&item.header) }, "it is gone");
        }
        assert!(jobs.is_empty() && jobs.pop().is_none());
    }
}
