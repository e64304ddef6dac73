//! Runs code on a stack.

use corosensei::stack::{Stack as CoroStack, StackPointer};
use corosensei::{Coroutine, CoroutineResult};
use std::hint::black_box;

use super::Stack;

/// What the switch needs to know of a stack.
struct Borrowed {
    top: usize,
    limit: usize,
}

// SAFETY: both ends are page aligned, and between them lie a guard page and the memory of a stack that `run` keeps.
unsafe impl CoroStack for Borrowed {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.top).expect("not the zero page")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.limit).expect("not the zero page")
    }
}

/// Runs `f` on the stack, from start to end.
pub(super) fn run<T: 'static>(stack: &Stack, f: impl FnOnce() -> T + 'static) -> T {
    let borrowed = Borrowed { top: stack.top(), limit: stack.limit() };
    let mut coroutine = Coroutine::with_stack(borrowed, move |_, ()| f());
    match coroutine.resume(()) {
        CoroutineResult::Return(value) => value,
        CoroutineResult::Yield(()) => panic!("nothing here yields"),
    }
}

/// Uses at least `kib` KiB of stack.
#[inline(never)]
pub(super) fn recurse(kib: usize) -> u8 {
    let block = black_box([1_u8; 1024]);
    match kib {
        0 => block[0],
        _ => recurse(kib - 1).wrapping_add(black_box(&block)[7]),
    }
}
