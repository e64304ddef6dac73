//! Stackless tasks: polling them and waking them.
//!
//! A future is polled on a fiber of whichever worker took it. Between polls it has no stack and no home, and any worker may
//! take it next. If its `poll` calls something of this library that waits, that fiber is suspended like a tasklet's, and the
//! worker goes on with another; the future stays RUNNING meanwhile.

use crate::registry::Key;
use crate::shared::Shared;
use crate::task::cell::{Cell, Stage, finish, quietly, stage};
use crate::task::header::{Header, TaskRef, Told, runnable};
use crate::task::state::{Polled, Woken};
use crate::worker::Worker;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use tasklets_park::{Cancelled, shielded};

/// What a future's task knows of its runtime.
pub(crate) struct Runtime {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: Key,
}

/// What a future's task carries beside its future.
unsafe fn runtime<'a, F: Future>(header: NonNull<Header>) -> &'a Runtime {
    // SAFETY: the vtable that led here belongs to `Cell<F, F::Output, Runtime>`; the field is never mutably borrowed.
    unsafe { &(*header.cast::<Cell<F, F::Output, Runtime>>().as_ptr()).shared }
}

/// The vtable's `poll`.
///
/// # Safety
/// As [`Vtable::poll`](crate::task::header::Vtable) says.
pub(crate) unsafe fn poll<F: Future>(task: NonNull<Header>, told: Told) {
    // The runtime's reference keeps the task until the end of this function: `remove` hands it back at the future's end.
    // SAFETY: as above.
    let header = unsafe { task.as_ref() };
    header.state.begin_poll();
    // SAFETY: the state is RUNNING by us, so the stage is ours.
    let result = match unsafe { poll_stage::<F>(task, told) } {
        Ok(Poll::Pending) => {
            if header.state.end_poll() == Polled::Schedule {
                // SAFETY: `end_poll` said so.
                unsafe { reschedule::<F>(task) };
            }
            return;
        }
        Ok(Poll::Ready(output)) => Ok(output),
        Err(payload) => Err(payload),
    };
    // SAFETY: ours, and the future is gone.
    unsafe { finish::<F, F::Output, Runtime>(task, result) };
    // SAFETY: of the type that the vtable belongs to.
    let runtime = unsafe { runtime::<F>(task) };
    drop(runtime.shared.futures.remove(header, &runtime.key));
}

/// Polls the future once and drops it when it has ended, or when it is told to end.
unsafe fn poll_stage<F: Future>(task: NonNull<Header>, told: Told) -> std::thread::Result<Poll<F::Output>> {
    let stage = unsafe {
        // SAFETY: the caller owns the stage.
        &mut *stage::<F, F::Output, Runtime>(task)
    };
    let polled = match (&mut *stage, told) {
        (Stage::Work(future), Told::Run) => {
            // SAFETY: the reference is not dropped: the task keeps its own, and cloning the waker counts.
            let waker = ManuallyDrop::new(unsafe { waker(task) });
            // SAFETY: the future is in the task's allocation, which does not move, and is dropped in place below.
            let future = unsafe { Pin::new_unchecked(future) };
            let polled = catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(&waker))));
            if let Ok(Poll::Pending) = polled {
                return Ok(Poll::Pending);
            }
            polled
        }
        (Stage::Work(_), Told::End) => Err(Box::new(Cancelled) as _),
        _ => unreachable!("a future that has ended is not polled"),
    };
    // Dropped in place, as pinning asks. If that panics too, the first panic is the one to tell.
    let mut drop_it = || {
        catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the stage is ours and holds the future; it is overwritten without another drop below.
            unsafe {
                if let Stage::Work(future) = &mut *stage {
                    std::ptr::drop_in_place(future);
                }
            }
        }))
    };
    let dropped = if told == Told::End { shielded(&mut drop_it) } else { drop_it() };
    // SAFETY: the future is gone, so nothing is forgotten.
    unsafe { std::ptr::write(stage, Stage::Empty) };
    match (polled, dropped) {
        (Ok(output), Err(payload)) => {
            quietly(|| drop(output));
            Err(payload)
        }
        (Err(first), Err(second)) => {
            quietly(|| drop(second));
            Err(first)
        }
        (polled, Ok(())) => polled,
    }
}

/// The vtable's `schedule`: puts a woken future into a queue.
///
/// # Safety
/// As [`Vtable::schedule`](crate::task::header::Vtable) says.
pub(crate) unsafe fn schedule<F: Future>(task: NonNull<Header>) {
    // SAFETY: of the type that the vtable belongs to. A clone, since the future may run and end as soon as it is queued.
    let shared = unsafe { runtime::<F>(task) }.shared.clone();
    match Worker::of_thread() {
        Some(worker) if Arc::ptr_eq(&worker.shared, &shared) => worker.push_future(runnable(task)),
        _ => shared.inject(runnable(task)),
    }
}

/// Queues a future that was woken while it was polled: behind everybody else, since it yields.
unsafe fn reschedule<F: Future>(task: NonNull<Header>) {
    match Worker::of_thread() {
        Some(worker) if !worker.shared.idle.any_asleep() => worker.home.ready.push_back(runnable(task)),
        // Somebody has nothing to do: let him take it.
        // SAFETY: as the caller was told.
        _ => {
            // SAFETY: of the type that the vtable belongs to.
            let shared = unsafe { runtime::<F>(task) }.shared.clone();
            shared.inject(runnable(task));
        }
    }
}

/// Wakes a future.
pub(crate) fn wake(task: &TaskRef) {
    wake_header(NonNull::from(&**task));
}

fn wake_header(task: NonNull<Header>) {
    // SAFETY: callers hold a reference.
    let header = unsafe { task.as_ref() };
    if header.state.wake() == Woken::Schedule {
        // SAFETY: `wake` said so.
        unsafe { (header.vtable.schedule)(task) };
    }
}

/// A waker that owns one reference, which the caller gives up to it.
unsafe fn waker(task: NonNull<Header>) -> Waker {
    // SAFETY: the functions below keep to the contract: thread-safe, and counting references.
    unsafe { Waker::from_raw(RawWaker::new(task.as_ptr().cast(), &WAKER)) }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(
    |task| {
        // SAFETY: a waker's data is a header that the waker holds a reference to; the new one gets its own.
        let task = unsafe { TaskRef::new(header(task)) };
        RawWaker::new(task.into_raw().as_ptr().cast_const().cast(), &WAKER)
    },
    |task| {
        // SAFETY: as above; the waker gives its reference up.
        let task = unsafe { TaskRef::from_raw(header(task)) };
        wake(&task);
    },
    // SAFETY: as above.
    |task| wake_header(unsafe { header(task) }),
    // SAFETY: as above; the waker gives its reference up.
    |task| drop(unsafe { TaskRef::from_raw(header(task)) }),
);

unsafe fn header(task: *const ()) -> NonNull<Header> {
    // SAFETY: it was made from one.
    unsafe { NonNull::new_unchecked(task.cast_mut().cast()) }
}
