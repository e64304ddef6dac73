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
//! The idea of leaving the second half on the stack is Cilk's; rayon's `join` is its model in Rust. How it is offered is in
//! [`jobs`](crate::jobs). A `join` at every node of a recursion costs a few instructions, so they were counted: what is needed after `a` is
//! kept in the job and not in registers, which each call would have to save, the leaves' too.

use crate::jobs::{Header, Jobs};
use crate::task::cell::unwrap_or_resume;
use crate::worker::Worker;
use std::any::Any;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::thread;
use tasklets_park::{Reason, Token};

/// The offered half of a join.
///
/// The body belongs to whoever has the job out of the deque. That is the owner if it takes the job back; otherwise it is the one
/// who executes it, until it gives the permit, and then the owner.
#[repr(C)]
struct Job<F, T> {
    header: Header,
    done: Token,
    body: UnsafeCell<Body<F, T>>,
}

/// `work` until it is executed or taken back, then `result`.
union Body<F, T> {
    work: ManuallyDrop<F>,
    result: ManuallyDrop<thread::Result<T>>,
}

impl<F: FnOnce() -> T, T> Job<F, T> {
    #[inline(always)]
    fn new(work: F) -> Self {
        let body = Body { work: ManuallyDrop::new(work) };
        Self { header: Header::new(Self::execute), done: Token::new(), body: UnsafeCell::new(body) }
    }

    /// The address of the header, which is that of the job.
    #[inline(always)]
    fn address(&self) -> NonNull<Header> {
        NonNull::from(self).cast()
    }

    unsafe fn execute(job: *const Header) {
        // SAFETY: the header is the first field of a job of this type, whose owner waits for the permit given at the end.
        let job = unsafe { &*job.cast::<Self>() };
        // SAFETY: executed for the first time, says the caller.
        let work = unsafe { job.take_work() };
        let result = ManuallyDrop::new(catch_unwind(AssertUnwindSafe(work)));
        // SAFETY: the body is still ours.
        unsafe { (*job.body.get()).result = result };
        job.done.notify();
    }

    /// # Safety
    /// The body is the caller's, and has not been executed.
    #[inline(always)]
    unsafe fn take_work(&self) -> F {
        // SAFETY: says the caller.
        unsafe { ManuallyDrop::take(&mut (*self.body.get()).work) }
    }

    /// Owner: waits for whoever has the job.
    ///
    /// # Safety
    /// Somebody has taken it out of the deque, or will.
    #[cold]
    #[inline(never)]
    unsafe fn wait(&self) -> thread::Result<T> {
        self.done.wait_firmly_because(Reason::Children);
        // SAFETY: the permit came after the result, and after the last access by whoever executed it.
        unsafe { ManuallyDrop::take(&mut (*self.body.get()).result) }
    }

    /// Owner: `a` has panicked.
    ///
    /// # Safety
    /// The job was pushed to `jobs`.
    #[cold]
    #[inline(never)]
    unsafe fn unwind(&self, jobs: &Jobs, payload: Box<dyn Any + Send>) -> ! {
        // SAFETY: as the caller says.
        if unsafe { take_back(jobs, &self.header) } {
            // Nobody has begun it, and nobody will. SAFETY: taken back.
            drop(unsafe { self.take_work() });
        } else {
            // SAFETY: not taken back.
            drop(unsafe { self.wait() });
        }
        resume_unwind(payload)
    }
}

/// Runs `a` and `b`, perhaps at the same time, and returns both results. It costs little more than two calls when nobody is
/// free to take `b`, so it can be used at every node of a recursion. Somebody who becomes free while `a` runs takes it at once.
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
    // Kept over what `a` waits for, unlike the worker: workers share their deques for as long as the runtime lives.
    let jobs = worker.jobs();
    let job = Job::new(b);
    // SAFETY: `b` is `Send` and so is its result. The job stays here: this function is left only after taking it back or waiting for it.
    unsafe { worker.push_job(job.address()) };
    let a = match catch_unwind(AssertUnwindSafe(a)) {
        Ok(a) => a,
        // SAFETY: pushed there.
        Err(payload) => unsafe { job.unwind(jobs, payload) },
    };
    // SAFETY: pushed there, and not taken back before.
    if unsafe { take_back(jobs, &job.header) } {
        // SAFETY: out of the deque, so nobody else has it.
        let b = unsafe { job.take_work() };
        return (a, b());
    }
    // SAFETY: somebody has it; or other tasklets have begun joins here while `a` was suspended, and this worker comes to it.
    (a, unwrap_or_resume(unsafe { job.wait() }))
}

/// Takes the job out of the deque again, unless somebody took it.
///
/// # Safety
/// The caller's tasklet has pushed it there, and has not taken it back.
#[inline(always)]
unsafe fn take_back(jobs: &Jobs, job: &Header) -> bool {
    // One that has changed workers leaves it to the others: the deque is not its own any more.
    let is_owner =
        !cfg!(feature = "migrating") || Worker::of_thread().is_some_and(|worker| std::ptr::eq(worker.jobs(), jobs));
    // SAFETY: pushed there, says the caller; and without that feature a tasklet stays on its worker.
    is_owner && unsafe { jobs.take_back(job) }
}
