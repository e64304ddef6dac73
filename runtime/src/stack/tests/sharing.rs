//! Several threads at one pool.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use super::{DEFAULT, GuardKind, give_up, pool, stacks, trim};

#[test]
fn no_stack_is_lent_twice() {
    let pool = pool(DEFAULT, GuardKind::Auto);
    let lent = Mutex::new(HashSet::new());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (pool, lent) = (&pool, &lent);
                scope.spawn(move || {
                    for round in 0..300 {
                        let n = 1 + (round * 37 + worker * 11) % 400;
                        let all = stacks(pool, n);
                        for stack in &all {
                            let fresh = lent.lock().expect("not poisoned").insert((stack.top(), stack.index()));
                            assert!(fresh, "{stack:?} was lent twice");
                        }
                        for stack in &all {
                            lent.lock().expect("not poisoned").remove(&(stack.top(), stack.index()));
                        }
                        give_up(pool, all);
                    }
                })
            })
            .collect();
        // Trims all the while, so that slabs come and go.
        scope.spawn(|| {
            while !done.load(Relaxed) {
                trim(&pool);
            }
        });
        for worker in workers {
            worker.join().expect("no stack lent twice");
        }
        done.store(true, Relaxed);
    });
    assert!(lent.into_inner().expect("not poisoned").is_empty());
}

#[test]
fn the_front_is_filled_first() {
    let pool = pool(DEFAULT, GuardKind::Auto);
    let mut all = stacks(&pool, 1000);
    all.sort_unstable_by_key(|stack| stack.index());
    assert!(all.iter().map(|stack| stack.index()).eq(0..1000));
    // Given back in any order, the lowest slab is lent again first.
    let back = all.split_off(100);
    let front: Vec<_> = all.drain(..50).collect();
    pool.give(front);
    pool.give(back);
    let mut again = Vec::new();
    pool.take(&mut again, 50);
    assert!(again.iter().all(|stack| stack.index() < 256));
    all.append(&mut again);
    pool.give(all);
    pool.unreserve(1000);
}
