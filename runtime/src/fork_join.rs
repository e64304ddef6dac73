//! `join`: two closures, perhaps at the same time.
//!
//! The second is offered to thieves from where it lies, on the caller's stack; nothing is allocated. If nobody took it, the
//! caller runs it itself, as a plain call. If somebody did, the thief runs it on a stack of its own, since running it may
//! suspend, and the caller waits.
//!
//! Race: the thief's last step is to give the caller the permit, after which the caller may return and the job is gone. So
//! [`Token::notify`] swaps the permit in as its last access to the job; what it then signals is the ticket it found, which
//! is good for ever.
//!
//! The idea of leaving the second half on the stack is Cilk's; rayon's `join` is its model in Rust.

use crate::task::cell::unwrap_or_resume;
use crate::worker::Worker;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use tasklets_park::{Reason, Token};

/// The offered half of a join, as it lies in a deque.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobRef {
    job: *const (),
    execute: unsafe fn(*const ()),
}

// SAFETY: the closure behind it is `Send`, as is its result, by the bounds of `join`; and whoever has it out of the deque has it
// alone.
unsafe impl Send for JobRef {}

impl JobRef {
    /// Runs the job.
    ///
    /// # Safety
    /// The caller took it out of a deque, so its owner waits for it.
    pub(crate) unsafe fn execute(self) {
        // SAFETY: the function belongs to the job's type, and the job is alive until it has run.
        unsafe { (self.execute)(self.job) }
    }
}

struct Job<F, T> {
    work: UnsafeCell<Option<F>>,
    result: UnsafeCell<Option<thread::Result<T>>>,
    done: Token,
}

impl<F: FnOnce() -> T, T> Job<F, T> {
    fn new(work: F) -> Self {
        Self { work: UnsafeCell::new(Some(work)), result: UnsafeCell::new(None), done: Token::new() }
    }

    fn as_ref(&self) -> JobRef {
        JobRef { job: std::ptr::from_ref(self).cast(), execute: Self::execute }
    }

    unsafe fn execute(job: *const ()) {
        // SAFETY: a job of this type, alive: its owner waits for the permit given at the end.
        let job = unsafe { &*job.cast::<Self>() };
        // SAFETY: whoever executes has the cells until it gives the permit.
        let work = unsafe { (*job.work.get()).take() }.expect("a job runs once");
        let result = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: as above.
        unsafe { *job.result.get() = Some(result) };
        job.done.notify();
    }
}

/// Runs `a` and `b`, perhaps at the same time, and returns both results. It costs little more than two calls when nobody is
/// free to take `b`, so it can be used at every node of a recursion.
///
/// Both may wait, and may borrow from the caller. `a` always runs on the calling tasklet; `b` may run on another stack and
/// another thread.
///
/// ```
/// fn fib(n: u32) -> u64 {
///     if n < 2 {
///         return n.into();
///     }
///     let (a, b) = tasklets_runtime::join(|| fib(n - 1), || fib(n - 2));
///     a + b
/// }
/// assert_eq!(tasklets_runtime::run(|| fib(20)), 6765);
/// ```
///
/// # Panics
/// With `a`'s panic if `a` panics, otherwise with `b`'s; in both cases after both have ended. Outside a runtime.
///
/// # Cancellation
/// Unwinds only after both have ended.
#[inline]
#[track_caller]
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let Some((worker, _)) = Worker::current() else { crate::spawn::outside_a_runtime("join") };
    let job = Job::new(b);
    worker.push_job(job.as_ref());
    let a = catch_unwind(AssertUnwindSafe(a));
    // `a` may have suspended, so the worker is looked up again.
    let b = if take_back(job.as_ref()) {
        // SAFETY: it is out of the deque, so nobody else has it.
        let b = unsafe { (*job.work.get()).take() }.expect("a job runs once");
        match a {
            Ok(a) => return (a, b()),
            // Nobody has begun `b`, and nobody will.
            Err(payload) => resume_unwind(payload),
        }
    } else {
        job.done.wait_firmly_because(Reason::Children);
        // SAFETY: the permit came after the last access by whoever executed it.
        unsafe { (*job.result.get()).take() }.expect("a job has run when it gives the permit")
    };
    (unwrap_or_resume(a), unwrap_or_resume(b))
}

/// Takes the job out of the deque again, unless somebody took it.
#[inline]
fn take_back(job: JobRef) -> bool {
    let Some((worker, _)) = Worker::current() else {
        unreachable!("a join ends in the tasklet that began it");
    };
    match worker.jobs.pop() {
        Some(popped) if popped.job == job.job => true,
        Some(other) => {
            // `a` was suspended, and other tasklets here have begun joins since. Ours is further down, or taken: the worker
            // comes to it, since we wait now.
            worker.jobs.push(other);
            false
        }
        None => false,
    }
}
