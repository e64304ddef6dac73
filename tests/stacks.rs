//! Many stacks, large stacks, and what happens when one is too small.

mod child;
mod eventually;

use child::{is_child, run_in_child, stderr};
use eventually::eventually;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tasklets::{Builder, Runtime, join, park, run, scope, spawn, yield_now};

/// Uses a quarter of a kibibyte or more of stack a level.
#[inline(never)]
fn recurse(depth: usize) -> usize {
    let frame = black_box([depth as u8; 256]);
    if depth == 0 {
        usize::from(frame[0])
    } else {
        recurse(depth - 1) + 1 + usize::from(black_box(frame)[0]) - usize::from(depth as u8)
    }
}

#[test]
fn a_hundred_thousand_parked_tasklets() {
    const TASKLETS: usize = 100_000;
    // A process of its own: its mappings and its memory are its own affair.
    if !is_child() {
        let output = run_in_child("a_hundred_thousand_parked_tasklets");
        assert!(output.status.success(), "{}", stderr(&output));
        return;
    }
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        let parked = Arc::new(AtomicUsize::new(0));
        let mut handles = Vec::with_capacity(TASKLETS);
        for i in 0..TASKLETS {
            let parked = parked.clone();
            let spawned = Builder::new().spawn(move || {
                parked.fetch_add(1, SeqCst);
                park();
                i
            });
            match spawned {
                Ok(handle) => handles.push(handle),
                // A kernel before 6.13: the error says what the limit is, and what is there goes on.
                Err(error) => {
                    assert!(error.to_string().contains("vm.max_map_count"), "{error}");
                    break;
                }
            }
        }
        let spawned = handles.len();
        assert!(spawned > 20_000);
        eventually("all have parked", || parked.load(SeqCst) == spawned);
        handles.iter().for_each(|handle| handle.tasklet().unpark());
        let sum: usize = handles.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(sum, spawned * (spawned - 1) / 2);
    });
}

#[test]
fn a_hundred_thousand_parked_tasklets_unwind() {
    const TASKLETS: usize = 100_000;
    if !is_child() {
        let output = run_in_child("a_hundred_thousand_parked_tasklets_unwind");
        assert!(output.status.success(), "{}", stderr(&output));
        return;
    }
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let (parked, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut spawned = 0;
    Runtime::builder().workers(2).build().unwrap().run(|| {
        for _ in 0..TASKLETS {
            let (parked, counted) = (parked.clone(), Counted(dropped.clone()));
            let handle = Builder::new().spawn(move || {
                let _counted = counted;
                parked.fetch_add(1, SeqCst);
                park();
            });
            // A kernel before 6.13.
            let Ok(handle) = handle else { break };
            spawned += 1;
            drop(handle);
        }
        eventually("all have parked", || parked.load(SeqCst) == spawned);
    });
    let dropped = dropped.load(SeqCst);
    assert!(dropped == spawned || (spawned < TASKLETS && dropped == spawned + 1), "{dropped} of {spawned}");
}

#[test]
fn too_many_protected_guards_are_an_error_and_the_process_lives_on() {
    if !is_child() {
        let output = run_in_child("too_many_protected_guards_are_an_error_and_the_process_lives_on");
        assert!(output.status.success(), "{}", stderr(&output));
        return;
    }
    let limit: usize = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    let wanted = (limit / 2 + 8000).min(200_000);
    let runtime = Runtime::builder().workers(2).protected_guards(true).stack_size(64 << 10).build().unwrap();
    for _ in 0..2 {
        runtime.run(|| {
            let mut handles = Vec::new();
            let error = loop {
                // Most have not started and have no stack yet; the place for it was taken here, so all will get one.
                match Builder::new().spawn(park) {
                    Ok(handle) => handles.push(handle),
                    Err(error) => break error,
                }
                if handles.len() % 100 == 0 {
                    yield_now();
                }
                if handles.len() == wanted {
                    assert!(limit > 400_000, "{wanted} protected guards fit under vm.max_map_count = {limit}");
                    return;
                }
            };
            let text = error.to_string();
            assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
            assert!(text.contains("vm.max_map_count") && text.contains(&limit.to_string()), "{text}");
            assert!(handles.len() > limit / 4, "{}", handles.len());
            // The process may still map memory, start threads, and run what it has. Futures and joins bring no stack with them.
            assert_eq!(std::thread::spawn(|| vec![1_u8; 64 << 20].len()).join().unwrap(), 64 << 20);
            assert_eq!(tasklets::spawn_future(async { 1 }).join().unwrap(), 1);
            assert_eq!(join(|| 2, || 3), (2, 3));
            assert!(std::panic::catch_unwind(|| spawn(|| ())).is_err());
            assert!(std::panic::catch_unwind(|| scope(|s| drop(s.spawn(|| ())))).is_err());
            handles.iter().for_each(|handle| handle.tasklet().unpark());
            handles.into_iter().for_each(|handle| handle.join().unwrap());
            // And there is room again.
            assert_eq!(spawn(|| 5).join().unwrap(), 5);
        });
    }
}

#[test]
fn an_overflow_names_the_tasklet_and_says_what_to_do() {
    if is_child() {
        run(|| {
            let deep = Builder::new().name("the deep one").stack_size(64 << 10).spawn(|| recurse(1 << 20)).unwrap();
            deep.join().map(drop)
        })
        .unwrap();
        return;
    }
    let output = run_in_child("an_overflow_names_the_tasklet_and_says_what_to_do");
    assert!(!output.status.success());
    let text = stderr(&output);
    assert!(text.contains("the deep one") && text.contains("stack") && text.contains("64 KiB"), "{text}");
    assert!(text.contains("stack_size"), "it says how to raise it: {text}");
}

#[test]
fn an_overflow_in_a_nameless_one_says_where_it_was_spawned() {
    if is_child() {
        run(|| spawn(|| recurse(1 << 20)).join().map(drop)).unwrap();
        return;
    }
    let output = run_in_child("an_overflow_in_a_nameless_one_says_where_it_was_spawned");
    assert!(!output.status.success());
    let text = stderr(&output);
    assert!(text.contains("tests/stacks.rs:") && text.contains("256 KiB"), "{text}");
}

#[test]
fn a_larger_stack_holds_a_deeper_recursion() {
    const DEPTH: usize = 40_000;
    run(|| {
        let sizes = [64 << 20, 65 << 20, 64 << 20];
        let handles: Vec<_> =
            sizes.map(|size| Builder::new().stack_size(size).spawn(|| recurse(DEPTH)).unwrap()).into();
        handles.into_iter().for_each(|handle| assert_eq!(handle.join().unwrap(), DEPTH));
    });
    let runtime = Runtime::builder().stack_size(64 << 20).workers(2).build().unwrap();
    runtime.run(|| {
        assert_eq!(recurse(DEPTH), DEPTH);
        assert_eq!(spawn(|| recurse(DEPTH)).join().unwrap(), DEPTH);
        assert_eq!(join(|| recurse(DEPTH), || recurse(DEPTH)), (DEPTH, DEPTH));
        assert_eq!(tasklets::spawn_future(async { recurse(DEPTH) }).join().unwrap(), DEPTH);
    });
}
