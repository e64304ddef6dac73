//! Every stack has its guard.

use std::io::{self, PipeWriter};
use std::os::fd::AsRawFd;
use std::ptr;

use super::{DEFAULT, GuardKind, Stack, child, give_up, pool, stacks, trim_all};
use crate::stack::guard::markers_work;
use crate::stack::{StackError, page_size};

/// Whether the kernel can read the byte; it says so without a fault.
fn readable(pipe: &PipeWriter, address: usize) -> bool {
    let byte = ptr::without_provenance(address);
    // SAFETY: the kernel checks the address, and one byte fits into the pipe.
    match unsafe { libc::write(pipe.as_raw_fd(), byte, 1) } {
        1 => true,
        _ => {
            assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EFAULT));
            false
        }
    }
}

fn assert_guarded(stacks: &[Stack]) {
    // At most three bytes a stack are written, and a pipe holds 64 KiB.
    assert!(stacks.len() < 20_000);
    let (_reader, pipe) = io::pipe().expect("a pipe");
    for stack in stacks {
        let usable = stack.limit() + page_size();
        assert!(!readable(&pipe, stack.limit()));
        assert!(!readable(&pipe, usable - 1));
        assert!(readable(&pipe, usable));
        assert!(readable(&pipe, stack.top() - 1));
    }
}

#[test]
fn every_stack_is_guarded_at_its_low_end_only() {
    for kind in [GuardKind::Auto, GuardKind::Protect] {
        for size in [20 << 10, 100_000, DEFAULT, 16 << 20] {
            let pool = pool(size, kind);
            let mut all = stacks(&pool, 600);
            assert_guarded(&all);
            give_up(&pool, all);
            // Slabs that come back are guarded anew.
            trim_all(&pool);
            all = stacks(&pool, 600);
            assert_guarded(&all);
            give_up(&pool, all);
        }
    }
}

#[test]
fn locked_memory_is_protected_instead() {
    if !markers_work() || !child::alone(concat!(module_path!(), "::locked_memory_is_protected_instead")) {
        return;
    }
    let pool = pool(DEFAULT, GuardKind::Auto);
    let some = stacks(&pool, 64);
    // SAFETY: locking memory changes no contents.
    if unsafe { libc::mlockall(libc::MCL_FUTURE | libc::MCL_ONFAULT) } != 0 {
        // Not permitted here, so neither is what this is about.
        return give_up(&pool, some);
    }
    match pool.reserve(500) {
        Ok(()) => pool.unreserve(500),
        // More locked memory than the process may have.
        Err(StackError::Map { .. }) => return give_up(&pool, some),
        Err(other) => panic!("{other}"),
    }
    let more = stacks(&pool, 500);
    assert_guarded(&more);
    assert_guarded(&some);
    give_up(&pool, more);
    give_up(&pool, some);
    trim_all(&pool);
}
