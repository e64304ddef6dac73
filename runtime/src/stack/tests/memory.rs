//! What stacks cost, and that it comes back.

use std::fs;

use super::on_stack::{recurse, run};
use super::{DEFAULT, GuardKind, child, give_up, pool, stacks, trim};
use crate::stack::guard::markers_work;
use crate::stack::{Stack, page_size};

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").expect("Linux has it").lines().count()
}

/// Touches the uppermost page, as a parked shallow tasklet does.
fn touch(stacks: &[Stack]) {
    for stack in stacks {
        let byte = std::ptr::with_exposed_provenance_mut::<u8>(stack.top() - 1);
        // SAFETY: the byte lies in a stack on loan to us, on which nothing runs.
        unsafe { byte.write_volatile(1) };
    }
}

#[test]
fn use_is_measured_in_pages() {
    let pool = pool(8 << 20, GuardKind::Auto);
    let all = stacks(&pool, 1);
    let stack = &all[0];
    assert_eq!(stack.used(), 0);
    let mut last = 0;
    for kib in [1, 40, 200, 3000] {
        run(stack, move || recurse(kib));
        let used = stack.used();
        assert_eq!(used % page_size(), 0);
        assert!(used >= kib << 10 && used > last, "{used} for {kib} KiB");
        assert!(used <= stack.size());
        last = used;
    }
    run(stack, || recurse(1));
    assert_eq!(stack.used(), last, "it is a high-water mark");
    give_up(&pool, all);
}

#[test]
fn many_guarded_stacks_need_few_mappings() {
    if !markers_work() || !child::alone(concat!(module_path!(), "::many_guarded_stacks_need_few_mappings")) {
        return;
    }
    const STACKS: usize = 100_000;
    let pool = pool(DEFAULT, GuardKind::Auto);
    let before = mappings();
    let all = stacks(&pool, STACKS);
    touch(&all);
    assert!(mappings() < before + 50, "{} mappings", mappings());
    assert!(status("VmRSS") * 1024 >= STACKS * page_size());
    give_up(&pool, all);
}

#[test]
fn trimming_gives_pages_and_page_tables_back() {
    if !child::alone(concat!(module_path!(), "::trimming_gives_pages_and_page_tables_back")) {
        return;
    }
    let pool = pool(DEFAULT, GuardKind::Auto);
    let all = stacks(&pool, 4000);
    touch(&all);
    let (pages, tables) = (status("VmRSS"), status("VmPTE"));
    let kept = page_size() / 1024 * 4000 / 2;
    assert!(!trim(&pool), "all stacks are on loan");
    assert!(status("VmRSS") > pages - kept);

    give_up(&pool, all);
    assert!(trim(&pool), "they were in use a moment ago");
    assert!(status("VmRSS") > pages - kept);
    assert!(!trim(&pool), "nothing is left to trim");
    assert!(status("VmRSS") < pages - kept);
    assert!(status("VmPTE") < tables / 2 || tables < 500);

    // Slabs of which a stack is still on loan keep their tables, but not the idle pages.
    let mut all = stacks(&pool, 4000);
    touch(&all);
    let pages = status("VmRSS");
    let few: Vec<Stack> = all.extract_if(.., |stack| stack.index() % 200 == 0).collect();
    give_up(&pool, all);
    trim(&pool);
    assert!(!trim(&pool));
    assert!(status("VmRSS") < pages - kept);
    for stack in &few {
        assert_eq!(stack.used(), page_size(), "it was on loan all the time");
    }
    give_up(&pool, few);
}

#[test]
fn trimming_ends_although_every_idle_stack_is_promised() {
    let pool = pool(DEFAULT, GuardKind::Auto);
    // As many as get their guards at once, so that no stack exists without a place.
    let all = stacks(&pool, 64);
    touch(&all);
    pool.give(all);
    assert!((0..3).any(|_| !trim(&pool)), "whoever trims until there is nothing left would never stop");
    pool.unreserve(64);
}

#[test]
fn reserved_places_are_not_trimmed_away() {
    let pool = pool(DEFAULT, GuardKind::Auto);
    pool.reserve(1000).expect("stacks");
    for _ in 0..3 {
        trim(&pool);
    }
    let mut all = Vec::new();
    pool.take(&mut all, 1000);
    assert_eq!(all.len(), 1000);
    give_up(&pool, all);
}
