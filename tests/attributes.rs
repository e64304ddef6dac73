//! `#[tasklets::main]` and `#[tasklets::test]` on real functions.

use std::thread;

#[tasklets::main]
fn default_main() -> usize {
    tasklets::spawn(|| 40).join().unwrap() + 2
}

#[tasklets::main(workers = 3, stack_size = 131072)]
fn chosen_main() -> std::io::Result<(usize, usize)> {
    let stack = tasklets::stack_usage().expect("a tasklet").size;
    Ok((tasklets::Handle::current().workers(), stack))
}

#[test]
fn main_runs_its_body_as_a_tasklet() {
    assert_eq!(default_main(), 42);
    let (workers, stack) = chosen_main().unwrap();
    assert_eq!(workers, 3);
    assert!(stack < 131_072 && stack > 100_000, "{stack} bytes, guard taken off");
}

#[tasklets::test]
fn a_test_is_a_tasklet() {
    assert!(tasklets::try_current().is_some());
}

#[tasklets::test(workers = 1)]
fn one_worker_is_one_thread() {
    let mine = thread::current().id();
    assert_eq!(tasklets::spawn(|| thread::current().id()).join().unwrap(), mine);
}

#[tasklets::test(workers = 2)]
#[should_panic(expected = "seen by the harness")]
fn a_panic_reaches_the_harness() {
    panic!("seen by the harness");
}

#[tasklets::test]
fn a_test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    assert_eq!("7".parse::<u8>()?, 7);
    Ok(())
}
