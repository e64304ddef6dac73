//! A runtime from the outside: built, used, ended.

use crate::config::Config;
use crate::jobs::Fences;
use crate::monitor;
use crate::poller::Poller;
use crate::shared::{Remote, Shared};
use crate::spawn::{self, Destination, spawn_task};
use crate::stack::overflow;
use crate::task::JoinHandle;
use crate::task::header::Extras;
use crate::worker::{Seed, Worker};
use crossbeam_deque as deque;
use std::fmt;
use std::future::Future;
use std::io::{self, Write as _};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use tasklets_park::Waited;

/// Far more than machines have cores.
const MAX_WORKERS: usize = 4096;
/// How long dropping a runtime waits for its tasklets to unwind.
const DROP_PATIENCE: Duration = Duration::from_secs(10);

/// Runs `f` as the main tasklet of a runtime made with the defaults, and returns what it returns. The runtime ends when `f` does:
/// whatever else runs then is told to end.
///
/// `f` may borrow, since the caller waits for its end.
///
/// ```
/// let greeting = String::from("hello");
/// let length = tasklets_runtime::run(|| greeting.len());
/// assert_eq!(length, 5);
/// ```
///
/// # Panics
/// With `f`'s panic. Also if the runtime cannot be made (see [`RuntimeBuilder::build`]), and inside a tasklet, where waiting for
/// another runtime would block a worker.
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    refuse_inside_a_tasklet("run");
    match Runtime::new() {
        Ok(runtime) => runtime.run(f),
        Err(error) => panic!("the runtime could not be started: {error}"),
    }
}

#[track_caller]
fn refuse_inside_a_tasklet(what: &str) {
    if Worker::of_thread().is_some() {
        panic!(
            "`{what}` was called inside a tasklet, where it would block a worker: use `spawn` and `join` here, or call it on a \
             thread of its own (`unblock`)"
        );
    }
}

/// A runtime: workers, one per core, and the tasklets they run.
///
/// Dropping it tells every tasklet to end and waits until all have unwound, ten seconds at most; see
/// [`shutdown_timeout`](Self::shutdown_timeout).
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Runtime {
    /// A runtime with the defaults of [`RuntimeBuilder`].
    ///
    /// # Errors
    /// As [`RuntimeBuilder::build`].
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// Choices for a runtime.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }

    /// Runs `f` as a tasklet and waits for its end. Other tasklets of the runtime go on afterwards.
    ///
    /// # Panics
    /// With `f`'s panic; if there is no stack to be had; inside a tasklet.
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        refuse_inside_a_tasklet("Runtime::run");
        let at = Location::caller();
        // SAFETY: `F` and `T` are `Send`. What they borrow outlives this call, which waits for the task's end without being
        // cancellable: an OS thread never is.
        let spawned = unsafe { spawn_task(self.handle.shared(), Extras::default(), at, f, Destination::Anywhere) };
        match spawned {
            Ok(handle) => {
                let shared = self.handle.shared();
                shared.runs.fetch_add(1, Ordering::Relaxed);
                if !handle.wait_firmly_until(Instant::now() + monitor::GRACE) {
                    monitor::ensure(shared);
                }
                let result = handle.join_firmly();
                shared.runs.fetch_sub(1, Ordering::Relaxed);
                monitor::ensure_for_others(shared);
                result.unwrap_or_else(|error| error.resume())
            }
            Err(error) => spawn::no_stack(error),
        }
    }

    /// As [`Handle::spawn`].
    ///
    /// # Panics
    /// As [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle.spawn(f)
    }

    /// As [`Handle::spawn_future`].
    #[track_caller]
    pub fn spawn_future<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn_future(future)
    }

    /// A handle, for other threads and for later.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Tells every tasklet to end and waits until all have unwound on their homes, `patience` at most.
    ///
    /// What has not ended by then is reported on stderr and left to itself: its threads stay, and go on unwinding. That is sound,
    /// because everything in a runtime that nobody waits for is `'static`. Inside one of the runtime's own tasklets it
    /// does not wait at all.
    ///
    /// # Errors
    /// [`ShutdownError`] if the deadline passed.
    pub fn shutdown_timeout(mut self, patience: Duration) -> Result<(), ShutdownError> {
        self.shut_down(patience)
    }

    fn shut_down(&mut self, patience: Duration) -> Result<(), ShutdownError> {
        let threads = std::mem::take(&mut self.threads);
        if threads.is_empty() {
            return Ok(());
        }
        let shared = self.handle.shared();
        shared.end();
        if Worker::of_thread().is_some_and(|worker| Arc::ptr_eq(&worker.shared, shared)) {
            // One of ours drops its own runtime: it unwinds like the others, and nobody can wait for that here.
            return Ok(());
        }
        let began = Instant::now();
        let mut waited = shared.all_left.wait(Some(began + patience.min(monitor::GRACE)));
        if waited == Waited::TimedOut {
            monitor::ensure(shared);
            waited = shared.all_left.wait(began.checked_add(patience));
        }
        if waited == Waited::TimedOut {
            let error = ShutdownError { live: shared.live(), patience };
            let _ = writeln!(io::stderr(), "tasklets: {error}");
            return Err(error);
        }
        for thread in threads.into_iter().chain(shared.monitor.take_thread()) {
            // A worker's thread does not panic: whatever runs on it catches.
            let _ = thread.join();
        }
        Ok(())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Reported where it happened; a destructor has nobody to tell.
        let _ = self.shut_down(DROP_PATIENCE);
    }
}

/// Some tasklets had not ended when the deadline of a shutdown passed.
#[derive(Debug)]
pub struct ShutdownError {
    live: usize,
    patience: Duration,
}

impl ShutdownError {
    /// How many tasklets had not ended.
    pub fn live(&self) -> usize {
        self.live
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasklets had not ended {:?} after their runtime was told to; they are left to themselves (does one of them \
             compute or block its thread without waiting for anything of this library?)",
            self.live, self.patience
        )
    }
}

impl std::error::Error for ShutdownError {}

/// Choices for a [`Runtime`].
///
/// | choice         | default                                                             | environment            |
/// |----------------|---------------------------------------------------------------------|------------------------|
/// | `workers`      | the cores this process may use, cgroup quota included               | `TASKLETS_WORKERS`     |
/// | `stack_size`   | 256 KiB of address space                                            | `TASKLETS_STACK_SIZE`  |
/// | `max_tasklets` | none                                                                |                        |
/// | `fifo`         | `false`: newest first                                               |                        |
/// | `thread_name`  | `tasklets`                                                          |                        |
///
/// `TASKLETS_STACK_GUARD=protect` makes it use protected guard pages also where the kernel has something cheaper.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct RuntimeBuilder {
    config: Config,
}

impl RuntimeBuilder {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many workers; 0 counts as 1. One makes the order of everything deterministic.
    pub fn workers(mut self, workers: usize) -> Self {
        self.config.workers = workers.max(1);
        self
    }

    /// Bytes of address space of each stack, guard page included. Memory is used only as far as a stack is touched.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.config.stack_size = bytes;
        self
    }

    /// At most so many tasklets live at once; a spawn beyond that is an error. The place of a tasklet that has ended is free
    /// again a moment after its `join` returns, when its stack is.
    pub fn max_tasklets(mut self, tasklets: usize) -> Self {
        self.config.max_tasklets = Some(tasklets);
        self
    }

    /// Runs what became runnable first, first. With one worker that is the exact order of Stackless Python; the default is
    /// newest first among tasklets that have not started, so that a tree of a million tasklets does not need a million stacks.
    pub fn fifo(mut self, fifo: bool) -> Self {
        self.config.fifo = fifo;
        self
    }

    /// What the threads' names begin with.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.config.thread_name = name.into();
        self
    }

    /// Uses protected guard pages even where the kernel has guard markers, as on kernels before 6.13. Each tasklet then takes two
    /// mappings, of which `vm.max_map_count` allows 65,530 by default.
    pub fn protected_guards(mut self, protected: bool) -> Self {
        self.config.guards = if protected { crate::stack::GuardKind::Protect } else { crate::stack::GuardKind::Auto };
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// If the kernel gives no thread, descriptor or memory; for a stack size over 64 GiB, more than 4096 workers, or a thread
    /// name with a NUL character.
    pub fn build(self) -> io::Result<Runtime> {
        if self.config.workers > MAX_WORKERS {
            let message =
                format!("{} workers are more than the {MAX_WORKERS} that a runtime may have", self.config.workers);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        if self.config.thread_name.contains('\0') {
            let message = "a thread's name must not contain a NUL character";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        overflow::install();
        overflow::set_describe(monitor::describe_overflow);
        let workers = self.config.workers;
        let fences = Fences::agree();
        let (mut seeds, mut remotes) = (Vec::with_capacity(workers), Vec::with_capacity(workers));
        for index in 0..workers {
            let (seed, remote) = split(index, self.config.fifo, fences)?;
            seeds.push(seed);
            remotes.push(remote);
        }
        let shared = Arc::new(Shared::new(self.config, remotes)?);
        let mut runtime = Runtime { handle: Handle::new(shared.clone()), threads: Vec::with_capacity(workers) };
        for seed in seeds {
            let name = format!("{}-{}", shared.config.thread_name, seed.index);
            let its = shared.clone();
            let thread = thread::Builder::new().name(name).spawn(move || Worker::main(seed, its));
            match thread {
                Ok(thread) => runtime.threads.push(thread),
                Err(error) => {
                    // The missing workers will never leave; count them out so that the others' end is noticed.
                    (runtime.threads.len()..workers).for_each(|_| shared.leave_unborn());
                    return Err(error);
                }
            }
        }
        Ok(runtime)
    }
}

/// The two halves of a worker to be.
fn split(index: usize, fifo: bool, fences: Fences) -> io::Result<(Seed, Arc<Remote>)> {
    let fresh = if fifo { deque::Worker::new_fifo() } else { deque::Worker::new_lifo() };
    let (poller, handle) = Poller::new()?;
    let remote = Arc::new(Remote::new(fences, fresh.stealer(), handle));
    Ok((Seed { index, fresh, poller, remote: remote.clone() }, remote))
}

/// A runtime from anywhere: to spawn into it from other threads.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// The handle of the runtime that the calling tasklet belongs to.
    ///
    /// # Panics
    /// Outside a runtime; see [`try_current`](Self::try_current).
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Some(handle) => handle,
            None => spawn::outside_a_runtime("Handle::current"),
        }
    }

    /// The handle of the runtime that the calling tasklet belongs to, if it belongs to one.
    pub fn try_current() -> Option<Self> {
        Worker::of_thread().map(|worker| Self(worker.shared.clone()))
    }

    /// Spawns a tasklet, from any thread. If the runtime has ended, `f` is dropped and the handle tells so.
    ///
    /// # Panics
    /// If there is no stack to be had, with the reason; [`Builder::spawn_on`](crate::Builder::spawn_on) returns that as an error.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        monitor::ensure(&self.0);
        // SAFETY: `F` and `T` are `Send` and `'static`.
        match unsafe { spawn_task(&self.0, Extras::default(), Location::caller(), f, Destination::Anywhere) } {
            Ok(handle) => handle,
            Err(error) => spawn::no_stack(error),
        }
    }

    /// Spawns a task that runs `future`, from any thread.
    #[track_caller]
    pub fn spawn_future<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        monitor::ensure(&self.0);
        spawn::spawn_future_in(&self.0, Location::caller(), future)
    }

    /// How many workers the runtime has.
    pub fn workers(&self) -> usize {
        self.0.workers.len()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("workers", &self.workers()).finish_non_exhaustive()
    }
}
