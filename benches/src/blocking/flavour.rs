//! The two ways to spawn a tasklet.

use tasklets::{JoinHandle, Runtime};

use crate::failure::Failure;

/// How the tasklets of a workload are spawned.
pub(crate) trait Flavour: 'static {
    /// Fails if this program was built without it.
    fn check_available() -> Result<(), Failure>;
    /// Runs `main` as a task of this flavour and waits for its result.
    fn run<T, M>(runtime: &Runtime, main: M) -> Result<T, Failure>
    where
        T: Send + 'static,
        M: FnOnce() -> Result<T, Failure> + Send + 'static;
    /// Spawns from a thread that is none of the runtime's.
    fn spawn_from_outside<T, G>(runtime: &Runtime, f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static;
    /// Spawns from a task.
    fn spawn<T, G>(f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static;
}

/// `spawn`, the default: once started, a tasklet keeps its thread.
pub(crate) struct Homed;

impl Flavour for Homed {
    fn check_available() -> Result<(), Failure> {
        Ok(())
    }

    fn run<T, M>(runtime: &Runtime, main: M) -> Result<T, Failure>
    where
        T: Send + 'static,
        M: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        runtime.run(main)
    }

    fn spawn_from_outside<T, G>(runtime: &Runtime, f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        runtime.spawn(f)
    }

    #[inline(always)]
    fn spawn<T, G>(f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        tasklets::spawn(f)
    }
}

/// `spawn_migrating`: a tasklet may change threads whenever it waits. Only in the program of [`crate::migrating`].
///
/// There is no such spawn from outside: a tasklet of the default flavour does it there, and the main task is spawned by one too.
pub(crate) struct Migrating;

impl Flavour for Migrating {
    fn check_available() -> Result<(), Failure> {
        match cfg!(feature = "migrating") {
            true => Ok(()),
            false => Err(Failure::new("this program was built without the feature `migrating`")),
        }
    }

    fn run<T, M>(runtime: &Runtime, main: M) -> Result<T, Failure>
    where
        T: Send + 'static,
        M: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        runtime.run(move || Self::spawn(main).join()?)
    }

    fn spawn_from_outside<T, G>(runtime: &Runtime, f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        runtime.run(move || Self::spawn(f))
    }

    #[inline(always)]
    #[cfg(feature = "migrating")]
    fn spawn<T, G>(f: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        // SAFETY: the tasks of the workloads that have this side keep nothing across a wait but numbers, clocks and ends of channels: no
        // lock guard of std, no borrow of a thread-local, no `Rc`. They use no thread-locals themselves; those of std, of the allocator
        // and of this library are behind calls that are not inlined, since the program is built without LTO.
        unsafe { tasklets::spawn_migrating(f) }
    }

    #[inline(always)]
    #[cfg(not(feature = "migrating"))]
    fn spawn<T, G>(_: G) -> JoinHandle<T>
    where
        T: Send + 'static,
        G: FnOnce() -> T + Send + 'static,
    {
        unreachable!("no runtime starts without the feature")
    }
}
