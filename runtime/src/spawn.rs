//! Making tasks.

use crate::fiber::Fiber;
use crate::monitor;
use crate::node::{Kind, Runnable};
use crate::runtime::Handle;
use crate::shared::Shared;
use crate::stack::{StackError, StackPool};
use crate::task::cell::{Birth, Cell};
use crate::task::future::Runtime;
use crate::task::header::{Extras, Header, TaskRef, runnable};
use crate::task::{JoinHandle, Tasklet};
use crate::worker::Worker;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

/// Says what is wrong and what to do, in the caller's name.
#[cold]
#[track_caller]
pub(crate) fn outside_a_runtime(what: &str) -> ! {
    panic!(
        "`{what}` was called outside a tasklets runtime: call it in a tasklet, for example inside `tasklets::run(|| ..)`, or \
         use a handle of the runtime (`Handle::spawn`), which works from any thread"
    )
}

/// Spawns a tasklet that runs `f`, and returns a handle to wait for it.
///
/// The tasklet may be taken by any worker until it first runs; from then on it stays with that worker's thread. `f` may block
/// as it likes with the operations of this library: only the tasklet waits.
///
/// ```
/// tasklets_runtime::run(|| {
///     let handle = tasklets_runtime::spawn(|| "hello");
///     assert_eq!(handle.join().unwrap(), "hello");
/// });
/// ```
///
/// # Panics
/// Outside a runtime; or if there is no stack to be had, with the reason. [`Builder::spawn`] returns that as an error.
#[inline]
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some(worker) = Worker::of_thread() else { outside_a_runtime("spawn") };
    if let Err(error) = worker.reserve_place() {
        no_stack(error);
    }
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras: None };
    let header = Cell::new_fresh(f, birth);
    worker.push_fresh(runnable(header));
    // SAFETY: the task was made for a `T`, and this is its one handle.
    unsafe { JoinHandle::new(header) }
}

#[cold]
#[track_caller]
pub(crate) fn no_stack(error: StackError) -> ! {
    panic!("no tasklet was spawned: {error}")
}

/// Spawns a tasklet on the calling tasklet's own thread, never to leave it, so `f` need not be `Send`.
///
/// ```
/// use std::rc::Rc;
/// tasklets_runtime::run(|| {
///     let shared = Rc::new(5);
///     let copy = shared.clone();
///     assert_eq!(tasklets_runtime::spawn_local(move || *copy + 1).join().unwrap(), 6);
/// });
/// ```
///
/// # Panics
/// As [`spawn`]; and from a tasklet of `spawn_migrating`, which has no thread of its own, it pins the caller to the thread it
/// runs on now.
#[track_caller]
pub fn spawn_local<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let Some((worker, fiber)) = Worker::current() else { outside_a_runtime("spawn_local") };
    fiber.pinned.set(true);
    if let Err(error) = worker.reserve_place() {
        no_stack(error);
    }
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras: None };
    let header = Cell::new_fresh(f, birth);
    worker.home.ready.push_back(runnable(header));
    // SAFETY: the task was made for a `T`, and this is its one handle. It is `Send` only if `T` is.
    unsafe { JoinHandle::new(header) }
}

/// Spawns a task that runs `future` without a stack of its own: 200 bytes or so while it waits, and any worker may go on with it.
/// Its `poll` may call the blocking operations of this library; that costs it a stack for the time.
///
/// ```
/// tasklets_runtime::run(|| {
///     let handle = tasklets_runtime::spawn_future(async { 6 * 7 });
///     assert_eq!(handle.join().unwrap(), 42);
/// });
/// ```
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn spawn_future<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let Some(worker) = Worker::of_thread() else { outside_a_runtime("spawn_future") };
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras: None };
    let header = new_future(future, birth, &worker.shared);
    worker.push_future(runnable(header));
    // SAFETY: the task was made for this output, and this is its one handle.
    unsafe { JoinHandle::new(header) }
}

fn new_future<F: Future>(future: F, birth: Birth, shared: &Arc<Shared>) -> NonNull<Header> {
    let header = Cell::new_future(future, birth, Runtime { shared: shared.clone(), key: Default::default() });
    // SAFETY: just made, of this type.
    let runtime = unsafe { &(*header.cast::<Cell<F, F::Output, Runtime>>().as_ptr()).shared };
    // SAFETY: just made and not queued; its one reference becomes the registry's.
    unsafe { shared.futures.insert(header, &runtime.key) };
    header
}

/// Spawns a tasklet that any worker may continue after each suspension, so a busy runtime balances it at every wait.
///
/// Experimental (feature `migrating`). The language does not define what happens when a running function changes threads; this
/// is *not justified by the language today*.
///
/// # Safety
/// Throughout `f`'s run, and after all inlining, also across crates under LTO: no function that is active at a suspension uses a
/// thread-local before and after it (LLVM may keep its address); nothing that belongs to a thread is alive across one, such as a
/// lock guard of std, a borrow of a thread-local, or an `Rc` that came from one; and nothing is dropped on the wrong thread. Std and
/// most allocators use thread-locals inside, and they may be inlined, so avoid LTO into such code.
///
/// # Panics
/// As [`spawn`].
#[cfg(feature = "migrating")]
#[track_caller]
pub unsafe fn spawn_migrating<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some(worker) = Worker::of_thread() else { outside_a_runtime("spawn_migrating") };
    if let Err(error) = worker.reserve_place() {
        no_stack(error);
    }
    let extras = Some(Box::new(Extras { migrating: true, ..Extras::default() }));
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras };
    let header = Cell::new_fresh(f, birth);
    worker.push_fresh(runnable(header));
    // SAFETY: the task was made for a `T`, and this is its one handle.
    unsafe { JoinHandle::new(header) }
}

/// Choices for one tasklet: a name, a stack size, a neighbour.
///
/// ```
/// tasklets_runtime::run(|| {
///     let handle = tasklets_runtime::Builder::new()
///         .name("deep thought")
///         .stack_size(1 << 20)
///         .spawn(|| tasklets_runtime::current().name().map(str::to_owned))?;
///     assert_eq!(handle.join().unwrap().as_deref(), Some("deep thought"));
///     std::io::Result::Ok(())
/// })
/// .unwrap();
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `spawn`"]
pub struct Builder {
    name: Option<Box<str>>,
    stack_size: Option<usize>,
    near: Option<u32>,
}

impl Builder {
    /// The defaults: no name, the runtime's stack size, placed by the runtime.
    pub fn new() -> Self {
        Self::default()
    }

    /// A name, for messages and `current().name()`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// Bytes of address space for its stack, guard page included; memory is used only as far as the stack is touched.
    /// Rounded up to pages, and to 16 KiB and the guard.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Asks for the home of `tasklet`, a tasklet of the same runtime, if that has started: the two will run on one thread, never at
    /// the same time, and wake each other cheaply.
    pub fn near(mut self, tasklet: &Tasklet) -> Self {
        self.near = Some(tasklet.header().node.home()).filter(|&home| home != crate::node::NO_HOME);
        self
    }

    /// Spawns the tasklet in the calling runtime.
    ///
    /// # Errors
    /// Of kind `OutOfMemory`, if there is no stack to be had, with the reason: the runtime's limit, the kernel's on mappings, or on
    /// address space.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Some(worker) = Worker::of_thread() else { outside_a_runtime("Builder::spawn") };
        self.spawn_in(&worker.shared, Location::caller(), f)
    }

    /// As [`spawn`](Self::spawn), in the runtime of `handle`; from any thread.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_on<F, T>(self, handle: &Handle, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        monitor::ensure(handle.shared());
        self.spawn_in(handle.shared(), Location::caller(), f)
    }

    fn spawn_in<F, T>(self, shared: &Arc<Shared>, at: &'static Location<'static>, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let stacks = match self.stack_size {
            Some(size) if size != shared.config.stack_size => Some(shared.stacks_of(size)?),
            _ => None,
        };
        let extras = Extras { name: self.name, stacks, ..Extras::default() };
        // The neighbour may belong to another runtime, with more homes.
        let near = self.near.filter(|&home| (home as usize) < shared.homes.len());
        let destination = near.map_or(Destination::Anywhere, Destination::Home);
        // SAFETY: `F` and `T` are `Send` and `'static`.
        Ok(unsafe { spawn_task(shared, extras, at, f, destination) }?)
    }
}

/// Where a task is to start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Destination {
    /// Where the scheduler sees fit.
    Anywhere,
    /// At this home.
    Home(u32),
}

/// Spawns a stackful task from anywhere.
///
/// # Safety
/// `f` and its result may be used from another thread, and outlive the task's end.
pub(crate) unsafe fn spawn_task<F, T>(
    shared: &Arc<Shared>,
    extras: Extras,
    spawned_at: &'static Location<'static>,
    f: F,
    to: Destination,
) -> Result<JoinHandle<T>, StackError>
where
    F: FnOnce() -> T,
{
    let worker = Worker::of_thread().filter(|worker| Arc::ptr_eq(&worker.shared, shared));
    match (&extras.stacks, worker) {
        (Some(pool), _) => StackPool::reserve(pool, 1)?,
        (None, Some(worker)) => worker.reserve_place()?,
        (None, None) => shared.stacks.reserve(1)?,
    }
    let plain = extras.name.is_none() && extras.stacks.is_none() && extras.siblings.is_none();
    let extras = (!plain).then(|| Box::new(extras));
    let id = worker.map_or_else(|| shared.take_ids(1), Worker::next_id);
    let header = Cell::new_fresh(f, Birth { id, spawned_at, extras });
    // SAFETY: the task was made for a `T`, and this is its one handle.
    let handle = unsafe { JoinHandle::new(header) };
    send(shared, worker, runnable(header), to);
    Ok(handle)
}

fn send(shared: &Shared, worker: Option<&Worker>, runnable: Runnable, to: Destination) {
    debug_assert_eq!(runnable.node().kind(), Kind::Fresh);
    match (to, worker) {
        (Destination::Home(home), Some(worker)) if home == worker.home.index => worker.home.ready.push_back(runnable),
        (Destination::Home(home), _) => shared.send_home(home, runnable),
        (Destination::Anywhere, Some(worker)) => worker.push_fresh(runnable),
        (Destination::Anywhere, None) => shared.inject(runnable),
    }
}

/// Spawns a stackless task from anywhere.
pub(crate) fn spawn_future_in<F>(
    shared: &Arc<Shared>,
    spawned_at: &'static Location<'static>,
    future: F,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let birth = Birth { id: shared.take_ids(1), spawned_at, extras: None };
    let header = new_future(future, birth, shared);
    // SAFETY: the task was made for this output, and this is its one handle.
    let handle = unsafe { JoinHandle::new(header) };
    shared.inject(runnable(header));
    handle
}

/// The task that the calling code belongs to.
///
/// # Panics
/// Outside a runtime; see [`try_current`].
#[track_caller]
pub fn current() -> Tasklet {
    match try_current() {
        Some(tasklet) => tasklet,
        None => outside_a_runtime("current"),
    }
}

/// The task that the calling code belongs to, if it belongs to one.
pub fn try_current() -> Option<Tasklet> {
    // SAFETY: the runtime's reference keeps it while its code runs.
    current_task().map(|task| Tasklet::new(unsafe { TaskRef::new(task) }))
}

/// The header of the task that the calling code belongs to; alive while that code runs.
#[inline]
pub(crate) fn current_task() -> Option<NonNull<Header>> {
    let (worker, fiber) = Worker::current()?;
    Some(fiber.task.get().unwrap_or_else(|| identify(worker, fiber)))
}

/// Makes a task for the stolen half of a join, which has none of its own until somebody asks.
#[cold]
fn identify(worker: &Worker, fiber: &Fiber) -> NonNull<Header> {
    let birth = Birth { id: worker.next_id(), spawned_at: Location::caller(), extras: None };
    let header = Cell::new_fresh(|| (), birth);
    // The handle goes at once; the runtime's reference is the fiber's.
    // SAFETY: the task was made for `()`, and this is its one handle.
    drop(unsafe { JoinHandle::<()>::new(header) });
    fiber.task.set(Some(header));
    fiber.owns_task.set(true);
    header
}
