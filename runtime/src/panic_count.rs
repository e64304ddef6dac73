//! Std's panic count, kept per tasklet.
//!
//! Std counts the panics under way in a thread-local, and `std::thread::panicking` reads it: mutexes are poisoned by it, and
//! destructors ask it. A tasklet that is suspended while it unwinds (it waits in a destructor, or in the panic hook) would leave
//! its count to the next tasklet on that thread, which is not panicking at all. So the count is hidden when such a tasklet
//! leaves its stack and shown again before it goes on.
//!
//! There is no function for that. But a panic adds one where it starts and takes one away where it is caught, and a coroutine
//! that stops in the middle, in a destructor, can be finished later, or on another thread. Such a coroutine is a *weight*:
//!
//! * to add one to this thread's count: make a weight here, that is start a panic on a small stack and stop half way;
//! * to take one away: finish a weight that was started elsewhere.
//!
//! Weights are kept in a process-wide stock. The first are made by a short-lived thread, whose own count dies with it. After
//! that every `show` puts one into the stock and every `hide` takes one out. What a weight runs is this file's code and std's,
//! none of which holds on to a thread-local between the two halves.

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A panic stopped half way.
struct Weight(Coroutine<(), (), (), DefaultStack>);

// SAFETY: on its stack are only frames of this file, of corosensei and of std's unwinder, stopped in `Half::drop`. They refer
// to that stack and to the heap; nothing there belongs to a thread except the one count that the other half will change, which is
// the purpose.
unsafe impl Send for Weight {}

static STOCK: Mutex<Vec<Weight>> = Mutex::new(Vec::new());
/// Stacks of finished weights. There is one for every panic that is hidden, so showing it again needs nothing.
static SPARE: Mutex<Vec<DefaultStack>> = Mutex::new(Vec::new());

/// Bytes of a weight's stack: std's unwinder needs a few thousand.
const WEIGHT_STACK: usize = 64 << 10;

/// How long to wait before asking the kernel again for what it refused.
const RETRY: Duration = Duration::from_millis(1);

/// Takes this thread's count down to zero and returns by how much. Should the kernel have no memory or thread for a weight, the
/// worker waits until it has: going on with a wrong count would be worse.
#[cold]
pub(crate) fn hide() -> u32 {
    let mut hidden = 0;
    while std::thread::panicking() {
        match take() {
            Some(weight) => {
                weight.finish();
                hidden += 1;
            }
            None => std::thread::sleep(RETRY),
        }
    }
    hidden
}

/// Adds `count`, which `hide` has taken away, to this thread's count.
#[cold]
pub(crate) fn show(count: u32) {
    for _ in 0..count {
        // `hide` has left a stack for each, so this does not ask the kernel for anything.
        let weight = loop {
            match Weight::new() {
                Some(weight) => break weight,
                None => std::thread::sleep(RETRY),
            }
        };
        lock(&STOCK).push(weight);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take() -> Option<Weight> {
    let kept = lock(&STOCK).pop();
    kept.or_else(|| {
        // Another thread must have begun it. Its count is off by one when it ends, and dies with it.
        std::thread::Builder::new().spawn(Weight::new).ok()?.join().ok()?
    })
}

impl Weight {
    /// Begins a panic and stops in the middle of its unwinding. `None` if there is no memory for its stack.
    fn new() -> Option<Self> {
        let spare = lock(&SPARE).pop();
        let stack = spare.or_else(|| DefaultStack::new(WEIGHT_STACK).ok())?;
        let mut coroutine = Coroutine::with_stack(stack, |yielder: &Yielder<(), ()>, ()| {
            let thrown = catch_unwind(AssertUnwindSafe(|| {
                let _half = Half(yielder);
                resume_unwind(Box::new(()));
            }));
            debug_assert!(thrown.is_err());
        });
        let stopped = coroutine.resume(());
        debug_assert!(matches!(stopped, CoroutineResult::Yield(())));
        Some(Self(coroutine))
    }

    /// Lets the panic be caught, and keeps the stack for the next.
    fn finish(mut self) {
        let done = self.0.resume(());
        debug_assert!(matches!(done, CoroutineResult::Return(())));
        lock(&SPARE).push(self.0.into_stack());
    }
}

/// Stops the unwinding where it is dropped.
struct Half<'a>(&'a Yielder<(), ()>);

impl Drop for Half<'_> {
    fn drop(&mut self) {
        self.0.suspend(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct OnDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    #[test]
    fn a_panic_is_hidden_and_shown_and_caught_as_ever() {
        for _ in 0..3 {
            let caught = catch_unwind(|| {
                let _guard = OnDrop(|| {
                    assert!(std::thread::panicking());
                    let hidden = hide();
                    assert_eq!(hidden, 1);
                    assert!(!std::thread::panicking());
                    // Another tasklet's panic in between counts for itself alone.
                    assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err());
                    assert!(!std::thread::panicking());
                    show(hidden);
                    assert!(std::thread::panicking());
                });
                resume_unwind(Box::new(7));
            });
            assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
            assert!(!std::thread::panicking());
        }
    }
}
