//! Work that must block a thread: `unblock`, and the threads it runs on.
//!
//! The pool grows on demand, up to a limit, and shrinks when threads have had nothing to do for a while. Jobs wait in line when
//! all are busy. A mutex is good enough here: a job costs a wakeup of a thread anyway.

use crate::task::JoinHandle;
use crate::task::cell::{Birth, Cell};
use crate::task::header::{Header, TaskRef, Told};
use crate::worker::Worker;
use std::collections::VecDeque;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tasklets_park::Reason;

/// As many as other runtimes allow: enough for slow disks, too few to exhaust a process.
const MAX_THREADS: usize = 512;
/// How long a thread without work stays.
const KEEP: Duration = Duration::from_secs(10);

/// The threads of one runtime that may block.
#[derive(Clone)]
pub(crate) struct BlockingPool(Arc<Pool>);

struct Pool {
    thread_name: String,
    state: Mutex<State>,
    /// There is a job.
    job: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// The runtime has ended: no job will come.
    closed: bool,
}

/// A task whose closure runs on a thread of the pool. It holds the runtime's reference.
struct Job(NonNull<Header>);

// SAFETY: the closure and its result are `Send` by the bounds of `unblock`.
unsafe impl Send for Job {}

impl Job {
    fn run(self) {
        // SAFETY: the task was made by `unblock` and given to the pool alone.
        unsafe {
            (self.0.as_ref().vtable.run)(self.0, Told::Run);
            drop(TaskRef::from_raw(self.0));
        }
    }
}

impl BlockingPool {
    pub(crate) fn new(thread_name: String) -> Self {
        Self(Arc::new(Pool { thread_name, state: Mutex::default(), job: Condvar::new() }))
    }

    /// Runtime's end: threads without work leave at once, the others when they have done theirs.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
        self.0.job.notify_all();
    }

    /// Runs the job on a thread; right here if there is none and none can be had.
    fn run(&self, job: Job) {
        let mut state = self.0.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            drop(state);
            self.0.job.notify_one();
            return;
        }
        if state.threads == MAX_THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let pool = self.0.clone();
        let spawned = thread::Builder::new().name(format!("{}-block", pool.thread_name)).spawn(move || pool.work());
        if spawned.is_err() {
            let mut state = self.0.lock();
            state.threads -= 1;
            // With other threads the jobs wait their turn; otherwise they block this one, which is better than never.
            while state.threads == 0
                && let Some(job) = state.jobs.pop_front()
            {
                drop(state);
                job.run();
                state = self.0.lock();
            }
        }
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user's runs while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job.run();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (locked, waited) = self
                .job
                .wait_timeout_while(state, KEEP, |state| state.jobs.is_empty() && !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            state = locked;
            state.idle -= 1;
            if (waited.timed_out() || state.closed) && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

/// Runs `f`, which may block its thread, on a thread made for that, and suspends the calling tasklet until it has ended. Files,
/// name look-ups, child processes and foreign libraries go through it.
///
/// Outside a runtime there is nothing to keep free, and it simply calls `f`.
///
/// ```
/// tasklets_runtime::run(|| {
///     let manifest = tasklets_runtime::unblock(|| std::fs::read_to_string("Cargo.toml")).unwrap();
///     assert!(manifest.contains("[package]"));
/// });
/// ```
///
/// # Panics
/// With `f`'s panic.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of this call at once; `f` goes on to its end on its thread, and its result is
/// dropped there.
#[track_caller]
pub fn unblock<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some((worker, _)) = Worker::current() else { return f() };
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras: None };
    let task = Cell::new_fresh(f, birth);
    // SAFETY: the task was made for a `T`, and this is its one handle.
    let handle = unsafe { JoinHandle::new(task) };
    worker.shared.blocking.run(Job(task));
    handle.join_because(Reason::Thread).unwrap_or_else(|error| error.resume())
}
