//! What happens when there are no more stacks.

use std::error::Error;
use std::io;
use std::sync::Arc;

use super::on_stack::{recurse, run};
use super::{DEFAULT, GuardKind, LiveLimit, StackPool, child, give_up, pool, stacks, trim_all};
use crate::stack::{StackError, page_size};

#[test]
fn the_limit_counts_over_all_pools_and_not_for_caches() {
    let limit = Arc::new(LiveLimit::new(Some(10)));
    let new = |size| StackPool::new(size, GuardKind::Auto, Arc::clone(&limit)).expect("a size that fits");
    let (small, large) = (new(64 << 10), new(1 << 20));
    small.reserve_cache(32).expect("caches are no tasklets");
    small.reserve(6).expect("six of ten");
    large.reserve(4).expect("ten of ten");
    let error = large.reserve(1).expect_err("eleven of ten");
    assert!(matches!(error, StackError::Limit { max: 10 }), "{error}");
    assert!(error.to_string().contains("limit of 10 live tasklets"));
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    assert!(error.get_ref().is_some_and(|e| e.is::<StackError>()));
    small.unreserve(1);
    large.reserve(1).expect("one ended");
}

#[test]
fn sizes_are_rounded_up_and_bounded() {
    let all = [1, 100_000, DEFAULT, DEFAULT + 1, 20 << 20].map(|size| {
        let pool = pool(size, GuardKind::Auto);
        let one = stacks(&pool, 1);
        let stack = &one[0];
        assert_eq!(stack.top() % page_size(), 0);
        assert_eq!(stack.size() + page_size(), stack.top() - stack.limit());
        assert!(stack.size() + page_size() >= size);
        assert_eq!(run(stack, || recurse(4)), 5);
        let size = stack.size();
        give_up(&pool, one);
        size
    });
    assert!(all[0] >= 16 << 10);
    assert_eq!(all[2], DEFAULT - page_size());
    assert!(size_of::<super::Stack>() <= 24);

    let limit = Arc::new(LiveLimit::new(None));
    let error = StackPool::new(usize::MAX, GuardKind::Auto, limit).err();
    assert!(matches!(error, Some(StackError::Size { .. })));
}

#[test]
fn protected_guards_end_in_a_clear_error_and_a_usable_process() {
    if !child::alone(concat!(module_path!(), "::protected_guards_end_in_a_clear_error_and_a_usable_process")) {
        return;
    }
    let max: usize =
        std::fs::read_to_string("/proc/sys/vm/max_map_count").expect("Linux has it").trim().parse().expect("a number");
    let pool = pool(DEFAULT, GuardKind::Protect);
    // More than any limit allows, at once: nothing is used up.
    let error = pool.reserve(max).expect_err("two mappings each");
    assert!(matches!(error, StackError::MapLimit { stacks: 0, .. }), "{error}");
    // One at a time, up to the limit.
    let mut made = 0;
    let error = loop {
        match pool.reserve(1) {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
        assert!(made < max, "the limit was never reached");
    };
    let text = error.to_string();
    assert!(text.contains("vm.max_map_count"), "{text}");
    assert!(text.contains(&format!("{made} stacks")), "{text}");
    assert!(text.contains("sysctl -w"), "{text}");
    assert!(error.source().is_none());
    assert!(made > max / 3, "only {made} stacks of {max} mappings");

    // The process is as usable as before: threads, memory, and the stacks that there are.
    let threads: Vec<_> = (0..50).map(|_| std::thread::spawn(|| vec![1_u8; 1 << 20].len())).collect();
    for thread in threads {
        assert_eq!(thread.join().expect("a thread that ends"), 1 << 20);
    }
    let mut all = Vec::new();
    pool.take(&mut all, made);
    assert_eq!(all.len(), made);
    assert_eq!(run(&all[made - 1], || recurse(4)), 5);
    give_up(&pool, all);

    // What is unmapped can be had again, by another pool too.
    trim_all(&pool);
    let other = super::pool(64 << 10, GuardKind::Protect);
    let all = stacks(&other, made - 1000);
    give_up(&other, all);
}

#[test]
fn no_address_space_is_an_error() {
    if !child::alone(concat!(module_path!(), "::no_address_space_is_an_error")) {
        return;
    }
    let limit = libc::rlimit { rlim_cur: 4 << 30, rlim_max: 4 << 30 };
    // SAFETY: setrlimit reads the limit and nothing else.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    let pool = pool(DEFAULT, GuardKind::Auto);
    let error = pool.reserve(1 << 20).expect_err("256 GiB");
    assert!(matches!(error, StackError::Map { .. }), "{error}");
    assert!(error.source().is_some());
    // What was mapped on the way stays of use.
    let all = stacks(&pool, 1000);
    give_up(&pool, all);
}
