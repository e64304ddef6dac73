//! The one allocation of a task: header, then closure or future, which its result replaces.

use crate::node::Kind;
use crate::task::future;
use crate::task::header::{Extras, Header, Told, Vtable};
use crate::task::join_error::JoinError;
use crate::task::memory;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use tasklets_park::{Cancelled, shielded};

/// What a task carries at present.
pub(crate) enum Stage<F, T> {
    /// What is to be run.
    Work(F),
    /// What it came to.
    Result(Result<T, JoinError>),
    /// Neither: it runs, or the result was taken.
    Empty,
}

/// A task. `S` is what its kind needs beside: nothing for a closure, the runtime for a future.
#[repr(C)]
pub(crate) struct Cell<F, T, S> {
    header: Header,
    pub(crate) shared: S,
    /// Belongs to whoever runs the task until COMPLETE, then as rule 1 of the state word says.
    pub(crate) stage: UnsafeCell<Stage<F, T>>,
}

/// What spawning is told of a task.
pub(crate) struct Birth {
    pub(crate) id: u64,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) extras: Option<Box<Extras>>,
}

impl<F: FnOnce() -> T, T> Cell<F, T, ()> {
    const VTABLE: &'static Vtable = &Vtable {
        run: Self::run,
        poll: not_a_future,
        schedule: not_a_future_to_schedule,
        take_result: take_result::<F, T, ()>,
        drop_result: drop_result::<F, T, ()>,
        free: free::<F, T, ()>,
    };

    /// Makes a stackful task of `work`, with a handle, for the caller to queue.
    ///
    /// Nothing is said here of `Send` and `'static`: the caller answers for both.
    pub(crate) fn new_fresh(work: F, birth: Birth) -> NonNull<Header> {
        allocate::<F, T, ()>(Header::new(Kind::Fresh, Self::VTABLE, birth.id, birth.spawned_at, birth.extras), (), work)
    }

    unsafe fn run(header: NonNull<Header>, told: Told) {
        // SAFETY: the vtable belongs to this type, and the caller is the one who runs the task, so the stage is ours.
        let work = unsafe { take_work::<F, T, ()>(header) };
        let result = match told {
            Told::Run => catch_unwind(AssertUnwindSafe(work)),
            Told::End => match shielded(|| catch_unwind(AssertUnwindSafe(|| drop(work)))) {
                Ok(()) => Err(Box::new(Cancelled) as _),
                Err(payload) => Err(payload),
            },
        };
        // SAFETY: as above.
        unsafe { finish::<F, T, ()>(header, result) };
        // SAFETY: the runtime's reference keeps the header.
        if let Some(siblings) = unsafe { header.as_ref() }.siblings() {
            // Closure and result are gone, or the result is the handle's, which cannot outlive the scope.
            siblings.one_ended();
        }
    }
}

unsafe fn not_a_future(_: NonNull<Header>, _: Told) {
    unreachable!("a stackful task is not polled");
}

unsafe fn not_a_future_to_schedule(_: NonNull<Header>) {
    unreachable!("a stackful task has no waker");
}

impl<F: Future> Cell<F, F::Output, future::Runtime> {
    const VTABLE: &'static Vtable = &Vtable {
        run: not_a_closure,
        poll: future::poll::<F>,
        schedule: future::schedule::<F>,
        take_result: take_result::<F, F::Output, future::Runtime>,
        drop_result: drop_result::<F, F::Output, future::Runtime>,
        free: free::<F, F::Output, future::Runtime>,
    };

    /// Makes a stackless task of `future`, as [`new_fresh`](Cell::new_fresh) does of a closure.
    pub(crate) fn new_future(future: F, birth: Birth, runtime: future::Runtime) -> NonNull<Header> {
        allocate::<F, F::Output, _>(
            Header::new(Kind::Future, Self::VTABLE, birth.id, birth.spawned_at, birth.extras),
            runtime,
            future,
        )
    }
}

unsafe fn not_a_closure(_: NonNull<Header>, _: Told) {
    unreachable!("a stackless task is polled, not run");
}

#[inline]
fn allocate<F, T, S>(header: Header, shared: S, work: F) -> NonNull<Header> {
    let cell = memory::allocate::<Cell<F, T, S>>();
    // SAFETY: memory for such a cell, ours alone.
    unsafe { cell.write(Cell { header, shared, stage: UnsafeCell::new(Stage::Work(work)) }) };
    // The header is the first field of a `repr(C)` struct, so its address is the cell's.
    cell.cast()
}

/// The stage of a task.
///
/// # Safety
/// The header is that of a live `Cell<F, T, S>`.
pub(crate) unsafe fn stage<F, T, S>(header: NonNull<Header>) -> *mut Stage<F, T> {
    // SAFETY: says the caller; no reference to the stage itself is made here.
    unsafe { UnsafeCell::raw_get(&raw const (*header.cast::<Cell<F, T, S>>().as_ptr()).stage) }
}

unsafe fn take_work<F, T, S>(header: NonNull<Header>) -> F {
    // SAFETY: the caller runs the task, so the stage is its own.
    match unsafe { std::mem::replace(&mut *stage::<F, T, S>(header), Stage::Empty) } {
        Stage::Work(work) => work,
        _ => unreachable!("a task runs once"),
    }
}

/// Writes the result and lets the world know. Runs on the task's own stack, so whatever user code it comes to (a waker,
/// the destructor of a result that nobody wants) may wait.
///
/// # Safety
/// By whoever runs the task, once; the stage holds nothing.
pub(crate) unsafe fn finish<F, T, S>(header: NonNull<Header>, result: std::thread::Result<T>) {
    // SAFETY: the runtime's reference keeps the header alive beyond this function.
    let head = unsafe { header.as_ref() };
    let result = result.map_err(|payload| JoinError::new(head, payload));
    // SAFETY: ours until COMPLETE (rule 1). Nothing is overwritten: the stage is empty.
    unsafe { stage::<F, T, S>(header).write(Stage::Result(result)) };
    if !head.state.has_handle() {
        // Nobody will ask, so drop it before the task counts as ended: whoever waits for that must not see its values
        // alive.
        // SAFETY: HANDLE never comes back, and COMPLETE is not set.
        unsafe { drop_quietly::<F, T, S>(header) };
    }
    let completed = head.state.complete();
    if completed.drop_result {
        // SAFETY: rule 1; if it was dropped above this finds it empty.
        unsafe { drop_quietly::<F, T, S>(header) };
    }
    if completed.wake_joiner {
        // SAFETY: `complete` said so.
        quietly(|| unsafe { head.wake_joiner() });
    }
}

unsafe fn drop_quietly<F, T, S>(header: NonNull<Header>) {
    // SAFETY: the caller owns the stage.
    quietly(|| unsafe { drop_result::<F, T, S>(header) });
}

/// Runs a user's code that nobody waits for, such as a destructor or a foreign waker. Its panic was reported by the panic hook;
/// there is nobody else to tell. Payloads may panic when they are dropped: the second is forgotten, or there might be no end.
pub(crate) fn quietly(f: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { return };
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

unsafe fn take_result<F, T, S>(header: NonNull<Header>, to: *mut ()) {
    // SAFETY: the handle owns the stage after COMPLETE, and `to` is memory for such a result.
    match unsafe { std::mem::replace(&mut *stage::<F, T, S>(header), Stage::Empty) } {
        // SAFETY: as above.
        Stage::Result(result) => unsafe { to.cast::<Result<T, JoinError>>().write(result) },
        _ => unreachable!("a result is there after COMPLETE and is taken once"),
    }
}

unsafe fn drop_result<F, T, S>(header: NonNull<Header>) {
    // SAFETY: the caller owns the stage. It is emptied before the value is dropped, so a panic drops nothing twice.
    let unwanted = unsafe { std::mem::replace(&mut *stage::<F, T, S>(header), Stage::Empty) };
    // SAFETY: the caller's handle or reference keeps the header.
    if let (Stage::Result(Err(error)), Some(siblings)) = (unwanted, unsafe { header.as_ref() }.siblings()) {
        siblings.note(error);
    }
}

unsafe fn free<F, T, S>(header: NonNull<Header>) {
    let cell = header.cast::<Cell<F, T, S>>();
    // SAFETY: it was made by `allocate` with these types, and the state word says that nobody knows of it any more.
    unsafe {
        // By now nothing of a user's is in it; should that change, a panic must not get to whoever happens to be last.
        quietly(|| cell.drop_in_place());
        memory::free(cell);
    }
}

/// Takes the result of an ended task.
///
/// # Safety
/// The caller is the handle, `T` is the task's type, COMPLETE is set, and the result was not taken.
pub(crate) unsafe fn result<T>(header: NonNull<Header>) -> Result<T, JoinError> {
    let mut result = MaybeUninit::<Result<T, JoinError>>::uninit();
    // SAFETY: as the caller says; `take_result` initialises it.
    unsafe {
        (header.as_ref().vtable.take_result)(header, result.as_mut_ptr().cast());
        result.assume_init()
    }
}

/// Unwraps what a task that ran on behalf of the caller came to, passing its panic on.
pub(crate) fn unwrap_or_resume<T>(result: std::thread::Result<T>) -> T {
    result.unwrap_or_else(|payload| resume_unwind(payload))
}
