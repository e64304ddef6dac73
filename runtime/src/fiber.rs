//! A fiber: a stack with a coroutine on it that runs one piece of work after the other.
//!
//! ```text
//! top of the stack slot
//!   | colour: 0 to 960 bytes, so that not all fibers compete for the same cache sets |
//!   | Fiber (this struct)                                                            |
//!   | corosensei's frame, then the frames of the work                                |
//!   v                                                             guard at the bottom
//! ```
//!
//! Everything about a parked tasklet but its header and closure, and its [`card`](crate::card), is on the one page that is touched
//! anyway. A fiber that has
//! done its work is kept by its worker for the next, with the coroutine waiting in its loop, so starting a tasklet is a
//! resume and no more.
//!
//! A fiber is created, resumed and destroyed by the worker that runs its home; only its `context` is for others.

use crate::card::OwnCard;
use crate::label::Label;
use crate::node::{Kind, Node, Runnable};
use crate::prefetch::{LINE, prefetch};
use crate::shared::Shared;
use crate::stack::{Stack, StackPool};
use crate::task::header::{Header, Told};
use corosensei::stack::StackPointer;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, UnsafeCell};
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;
use tasklets_park::context::{Context, SuspendFn};
use tasklets_park::slot::WakeFn;

/// Why a fiber left its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// To let others run; it is still runnable.
    Yield,
    /// To wait: its context must be committed.
    Park,
    /// Its work is done.
    Done,
}

/// What a fiber is to do next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Run a stackful task to its end.
    Task(NonNull<Header>),
    /// Poll a future once.
    Poll(NonNull<Header>),
    /// Run the half of a `join` that was stolen.
    Job(crate::jobs::JobRef),
    /// Leave the loop, so that the stack can be given back.
    Stop,
}

/// The part of the stack that corosensei may use.
struct CoroutineStack {
    base: NonZeroUsize,
    limit: NonZeroUsize,
}

// SAFETY: both come from a `Stack`, whose lowest page is its guard; `base` lies less than a page below its top, and a pool's
// stacks have four usable pages at least. Both are multiples of 16.
unsafe impl corosensei::stack::Stack for CoroutineStack {
    fn base(&self) -> StackPointer {
        self.base
    }

    fn limit(&self) -> StackPointer {
        self.limit
    }
}

type Inner = Coroutine<(), Switch, (), CoroutineStack>;

/// See the [module](self).
#[repr(C, align(64))]
pub(crate) struct Fiber {
    pub(crate) node: Node,
    pub(crate) context: Context,
    pub(crate) label: Label,
    /// Valid while any of its fibers is: its workers keep it.
    pub(crate) shared: *const Shared,
    yielder: Cell<*const Yielder<(), Switch>>,
    /// What an idle fiber does when it is resumed.
    pub(crate) work: Cell<Work>,
    /// The task that the code on this stack belongs to, for `current()`.
    pub(crate) task: Cell<Option<NonNull<Header>>>,
    /// It serves a future or a job, and has no place of a task's.
    pub(crate) serving: Cell<bool>,
    /// `task` was made for the sake of `current()` and is the fiber's own.
    pub(crate) owns_task: Cell<bool>,
    /// May change workers while it waits (`spawn_migrating`).
    pub(crate) migrating: Cell<bool>,
    /// It may not, in this wait or until it ends: a timer of its home, or tasks bound to its thread, depend on it.
    pub(crate) pinned: Cell<bool>,
    /// How many panics of this fiber's were hidden from its thread's count while it is switched out.
    pub(crate) hidden_panics: Cell<u32>,
    /// Whether it is in the list of started fibers of its home.
    pub(crate) is_started: Cell<bool>,
    pub(crate) card: OwnCard,
    coroutine: UnsafeCell<ManuallyDrop<Inner>>,
    stack: Stack,
    /// Where the stack goes back to, if it is not of the usual size.
    own_pool: Option<Arc<StackPool>>,
}

/// Bytes by which the fiber on the stack with this top is moved down.
fn colour(top: usize) -> usize {
    // Tops are a multiple of the stride apart, usually 256 KiB; neighbours get different colours.
    (top >> 16) % 64 / 4 * 64
}

/// Where the fiber of the stack with this top lies.
pub(crate) fn fiber_at(top: usize) -> *const Fiber {
    (top - colour(top) - size_of::<Fiber>()) as *const Fiber
}

impl Fiber {
    /// Makes a fiber on `stack`.
    ///
    /// # Safety
    /// `shared` outlives it. `suspend` and `wake` keep to their contracts for a context whose data is the fiber.
    pub(crate) unsafe fn create(
        stack: Stack,
        own_pool: Option<Arc<StackPool>>,
        shared: *const Shared,
        suspend: SuspendFn,
        wake: WakeFn,
    ) -> NonNull<Fiber> {
        let at = fiber_at(stack.top()).cast_mut();
        // The struct is aligned to 64 bytes: tops are page-aligned, colours and the struct's size multiples of 64.
        let fiber = NonNull::new(at).expect("stacks are not at address 0");
        let base = NonZeroUsize::new(at as usize).expect("as above");
        let limit = NonZeroUsize::new(stack.limit()).expect("as above");
        // The address goes in as a number: the closure must be `'static`, and the fiber outlives its coroutine.
        let body = move |yielder: &Yielder<(), Switch>, ()| {
            // SAFETY: the coroutine is resumed only by `resume`, when the fiber is initialised and alive.
            let fiber = unsafe { fiber.as_ref() };
            fiber.yielder.set(yielder);
            fiber.run_work();
        };
        let coroutine = Coroutine::with_stack(CoroutineStack { base, limit }, body);
        // SAFETY: the memory is the top of a stack that is ours alone, writable, large enough and aligned; the coroutine
        // begins below it. The context's promises are the caller's.
        unsafe {
            at.write(Fiber {
                node: Node::new(Kind::Started),
                context: Context::new(suspend, Some(wake), at.cast()).with_turn(crate::turn::take_turn),
                label: Label::default(),
                shared,
                yielder: Cell::new(std::ptr::null()),
                work: Cell::new(Work::Stop),
                task: Cell::new(None),
                serving: Cell::new(false),
                owns_task: Cell::new(false),
                migrating: Cell::new(false),
                pinned: Cell::new(false),
                hidden_panics: Cell::new(0),
                is_started: Cell::new(false),
                card: OwnCard::new(at),
                coroutine: UnsafeCell::new(ManuallyDrop::new(coroutine)),
                stack,
                own_pool,
            });
        }
        fiber
    }

    /// Ends an idle fiber and gives its stack back to the caller.
    ///
    /// # Safety
    /// It is idle (fresh, or its last switch was `Done`) and nobody uses it afterwards.
    pub(crate) unsafe fn destroy(fiber: NonNull<Fiber>) -> (Stack, Option<Arc<StackPool>>) {
        // SAFETY: idle, says the caller, so the coroutine is ours to resume; told to stop it returns.
        let done = unsafe {
            fiber.as_ref().work.set(Work::Stop);
            fiber.as_ref().resume()
        };
        debug_assert_eq!(done, None);
        // SAFETY: the coroutine has returned, so no frame is left on the stack; the fiber itself is read out of it.
        let fiber = unsafe { fiber.as_ptr().read() };
        let coroutine = ManuallyDrop::into_inner(fiber.coroutine.into_inner());
        coroutine.into_stack();
        (fiber.stack, fiber.own_pool)
    }

    /// Asks for the memory that a suspended fiber needs to go on: itself and its last frames.
    #[inline]
    pub(crate) fn prefetch(fiber: *const Fiber) {
        /// Bytes of frames between a loop of the user's and a wait in it.
        const FRAMES: usize = 512;
        let start = fiber.addr();
        (start - FRAMES..start + size_of::<Fiber>()).step_by(LINE).for_each(prefetch);
    }

    /// The loop on the fiber's own stack.
    fn run_work(&self) {
        loop {
            match self.work.replace(Work::Stop) {
                Work::Task(header) => {
                    // SAFETY: the worker took the task out of its queue and gave it to us alone.
                    unsafe { (header.as_ref().vtable.run)(header, self.told()) }
                }
                Work::Poll(header) => {
                    // SAFETY: as above.
                    unsafe { (header.as_ref().vtable.poll)(header, self.told()) }
                }
                // SAFETY: as above; the job's owner waits for it.
                Work::Job(job) => unsafe { job.execute() },
                Work::Stop => return,
            }
            self.switch(Switch::Done);
        }
    }

    fn told(&self) -> Told {
        if self.context.is_cancelled() { Told::End } else { Told::Run }
    }

    /// Fiber: leaves its stack; returns when it is resumed.
    #[inline]
    pub(crate) fn switch(&self, why: Switch) {
        // SAFETY: set when the coroutine began, and we run on its stack.
        unsafe { (*self.yielder.get()).suspend(why) }
    }

    /// Worker: runs the fiber until it leaves its stack. `None` if it has stopped for good.
    ///
    /// # Safety
    /// The caller has the sole right to run it: it is idle and was given work, or was handed over as runnable.
    #[inline]
    pub(crate) unsafe fn resume(&self) -> Option<Switch> {
        // SAFETY: nobody else runs it, says the caller, so nobody else uses the coroutine.
        match unsafe { (*self.coroutine.get()).resume(()) } {
            CoroutineResult::Yield(why) => Some(why),
            CoroutineResult::Return(()) => None,
        }
    }

    /// Whether it may go on at another worker after the present wait. A panic under way is counted by the thread.
    #[inline]
    pub(crate) fn may_migrate(&self) -> bool {
        self.migrating.get() && !self.pinned.get() && self.hidden_panics.get() == 0
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Whether its stack has a size of its own, so that it is not kept for other tasks.
    pub(crate) fn is_odd_sized(&self) -> bool {
        self.own_pool.is_some()
    }

    #[inline]
    pub(crate) fn runnable(&self) -> Runnable {
        Runnable::new(NonNull::from(&self.node))
    }

    /// The fiber that a runnable of kind `Started` points to.
    ///
    /// # Safety
    /// It is of that kind.
    #[inline]
    pub(crate) unsafe fn of_runnable<'a>(runnable: Runnable) -> &'a Fiber {
        // SAFETY: the node is the first field of a `repr(C)` struct, and what is runnable is alive.
        unsafe { &*runnable.as_ptr().cast::<Fiber>() }
    }
}
