//! What faults end with.

use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::ptr;
use std::thread;

use super::on_stack::{recurse, run};
use super::{DEFAULT, GuardKind, child, give_up, pool, stacks, trim};
use crate::stack::overflow::{self, Message};

/// # Safety
///
/// None: it does not use the address.
unsafe fn describe(_top: usize, out: &mut Message) {
    // A message does not fail.
    let _ = write!(out, "tasklet 'deep' (id {})", 17);
}

fn guard_kind(role: &str) -> GuardKind {
    match role {
        "protect" => GuardKind::Protect,
        _ => GuardKind::Auto,
    }
}

#[test]
fn an_overflow_names_the_tasklet_and_aborts() {
    for role in ["auto", "protect", "thread"] {
        let Some(output) = child::run(concat!(module_path!(), "::an_overflow_names_the_tasklet_and_aborts"), role)
        else {
            break;
        };
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{role}: {text}");
        let message = "tasklet 'deep' (id 17) overflowed its stack of 256 KiB; \
                       raise it with Builder::stack_size or TASKLETS_STACK_SIZE\n";
        assert_eq!(text.matches(message).count(), 1, "{role}: {text}");
    }
    let Some(role) = child::role() else { return };
    let overflow = move |role: &str| {
        overflow::install();
        overflow::install();
        overflow::set_describe(describe);
        let _alternate = overflow::ensure_alternate_stack().expect("memory for it");
        let pool = pool(DEFAULT, guard_kind(role));
        let mut all = stacks(&pool, 3);
        // A guard must outlive what a trim does to its stack.
        run(&all[1], || recurse(100));
        give_up(&pool, all);
        trim(&pool);
        trim(&pool);
        all = stacks(&pool, 3);
        for stack in &all {
            assert_eq!(stack.used(), 0);
        }
        run(&all[1], || recurse(1000));
        give_up(&pool, all);
    };
    match role.as_str() {
        // A thread that has no stack for signals, but for ours.
        "thread" => thread::spawn(move || {
            let disabled = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: this thread is not on its alternate stack.
            unsafe { libc::sigaltstack(&disabled, ptr::null_mut()) };
            overflow(&role);
        })
        .join()
        .expect("the process has ended"),
        role => overflow(role),
    }
}

/// A handler without `SA_SIGINFO`.
extern "C" fn plain(_signal: libc::c_int) {
    // SAFETY: _exit has no preconditions and is async-signal-safe.
    unsafe { libc::_exit(77) }
}

#[test]
fn other_faults_go_to_the_handler_before() {
    for (role, signal, code) in [
        // The handler of the standard library knows the thread's own stack.
        ("thread", Some(libc::SIGABRT), None),
        ("wild", Some(libc::SIGSEGV), None),
        ("wild default", Some(libc::SIGSEGV), None),
        ("wild ignored", Some(libc::SIGSEGV), None),
        ("wild plain", None, Some(77)),
        ("sent default", Some(libc::SIGSEGV), None),
        ("sent ignored", None, Some(0)),
        ("sent plain", None, Some(77)),
    ] {
        let Some(output) = child::run(concat!(module_path!(), "::other_faults_go_to_the_handler_before"), role) else {
            break;
        };
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), signal, "{role}: {text}");
        assert_eq!(output.status.code(), code, "{role}: {text}");
        assert!(!text.contains("Builder::stack_size"), "{role}: {text}");
        let named_by_std = text.contains("has overflowed its stack");
        assert_eq!(named_by_std, role == "thread", "{role}: {text}");
    }
    let Some(role) = child::role() else { return };
    let (fault, before) = role.split_once(' ').unwrap_or((&role, "std"));
    let plain: extern "C" fn(libc::c_int) = plain;
    let handler = match before {
        "default" => Some(libc::SIG_DFL),
        "ignored" => Some(libc::SIG_IGN),
        "plain" => Some(plain as libc::sighandler_t),
        _ => None,
    };
    if let Some(handler) = handler {
        // SAFETY: a handler of one argument, or one of the two that mean none.
        unsafe { libc::signal(libc::SIGSEGV, handler) };
    }
    overflow::install();
    let pool = pool(DEFAULT, GuardKind::Auto);
    let all = stacks(&pool, 1);
    match fault {
        // SAFETY: none; the fault is the test.
        "wild" => unsafe { ptr::without_provenance_mut::<u8>(64).write_volatile(1) },
        "thread" => drop(thread::Builder::new().stack_size(64 << 10).spawn(|| recurse(1000)).expect("a thread").join()),
        // SAFETY: raise has no preconditions.
        _ => drop(unsafe { libc::raise(libc::SIGSEGV) }),
    }
    give_up(&pool, all);
}

/// A fork in a tasklet, as `Command` with a `pre_exec` makes it, goes on in the child on the same stack.
#[test]
fn a_forked_child_still_has_the_stack() {
    let pool = pool(DEFAULT, GuardKind::Auto);
    let all = stacks(&pool, 1);
    let status = run(&all[0], || {
        // SAFETY: the child calls nothing but async-signal-safe functions.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(recurse(4)));
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            status
        }
    });
    assert!(libc::WIFEXITED(status));
    assert_eq!(libc::WEXITSTATUS(status), 5);
    give_up(&pool, all);
}
