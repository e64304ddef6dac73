//! What waits: a tasklet or an OS thread, and how each is suspended.
//!
//! | running                          | `current()` is                         | waiting suspends                        |
//! |----------------------------------|----------------------------------------|-----------------------------------------|
//! | a tasklet                        | the context the runtime entered        | the tasklet; its worker goes on         |
//! | a future polled by the runtime   | the context of the stack it is polled on | that stack; its worker goes on          |
//! | any other code                   | the OS thread's, made at first use     | the OS thread                           |

use crate::reason::Reason;
use crate::slot::{Claim, Committed, Outcome, Slot, WakeFn};
use crate::slots;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::turn::{Turn, TurnFn};
use std::cell::Cell;
use std::time::Instant;

/// Suspends the running context until its wait of the given generation has ended.
///
/// It is called on the context's own stack, calls [`Context::commit_park`] once that stack is left, and returns only
/// after a winner ended the wait. If the deadline passes it must see to it that the wait ends as
/// [`Outcome::TimedOut`].
pub type SuspendFn = unsafe fn(&Context, generation: u64, deadline: Option<Instant>);

/// One thing that can wait. The runtime embeds one in each started tasklet; an OS thread gets one at its first wait.
#[derive(Debug)]
pub struct Context {
    suspend: SuspendFn,
    /// How it lets others run without waiting. None for a thread.
    turn: Option<TurnFn>,
    index: Cell<u32>,
    slot: Cell<&'static Slot>,
    wake: Option<WakeFn>,
    data: *const (),
    /// Told to end: the next wait that may be cancelled unwinds.
    cancelled: AtomicBool,
    /// No wait may be cancelled while this is set: see [`shielded`](crate::shielded).
    shielded: AtomicBool,
    /// What it waits for, as a number. Settles nothing, so loom need not see it.
    reason: std::sync::atomic::AtomicU8,
    /// The present wait may not be cancelled.
    firm: AtomicBool,
}

impl Context {
    /// A context that is suspended by `suspend` and made runnable by `wake(data)`; without `wake` it is never parked.
    ///
    /// # Safety
    /// `suspend` keeps to the contract of [`SuspendFn`]; `wake(data)` may be called from any thread while a wait of
    /// this context is parked.
    pub unsafe fn new(suspend: SuspendFn, wake: Option<WakeFn>, data: *const ()) -> Self {
        let index = slots::take();
        let slot = slots::get(index);
        // SAFETY: the slot was free, so it is ours and idle; the caller promises the rest.
        unsafe { slot.set_wake(wake, data) };
        Self {
            suspend,
            turn: None,
            index: Cell::new(index),
            slot: Cell::new(slot),
            wake,
            data,
            reason: Default::default(),
            cancelled: AtomicBool::new(false),
            shielded: AtomicBool::new(false),
            firm: AtomicBool::new(false),
        }
    }

    /// The same, with a way to let others run.
    #[must_use]
    pub fn with_turn(mut self, turn: TurnFn) -> Self {
        self.turn = Some(turn);
        self
    }

    #[inline]
    pub(crate) fn slot(&self) -> &'static Slot {
        self.slot.get()
    }

    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.index.get()
    }

    /// Begins a wait, on a new slot if this one has used up its generations.
    #[inline]
    pub(crate) fn begin(&self, firm: bool) -> u64 {
        if self.slot().is_spent() {
            self.replace_slot();
        }
        // Released by `begin` with the new generation; a canceller reads the generation first (see `cancel`).
        self.firm.store(firm, Ordering::Relaxed);
        self.set_reason(Reason::Other);
        self.slot().begin()
    }

    #[cold]
    fn replace_slot(&self) {
        // The spent slot is left alone for ever: a stale ticket may name any of its generations.
        let index = slots::take();
        let slot = slots::get(index);
        // SAFETY: as in `new`.
        unsafe { slot.set_wake(self.wake, self.data) };
        self.index.set(index);
        self.slot.set(slot);
    }

    /// Scheduler: the context has left its stack; lets others wake it.
    #[inline]
    pub fn commit_park(&self) -> Committed {
        self.slot().commit_park(self.slot().generation())
    }

    /// Scheduler, on the thread that runs this context, while it is parked: its deadline has passed. Returns whether
    /// the caller must make it runnable.
    #[must_use]
    pub fn time_out(&self) -> bool {
        self.slot().claim(self.slot().generation(), Outcome::TimedOut) == Claim::Parked
    }

    /// Scheduler: tells the context, which must be alive, to end. A wait that may be cancelled unwinds now, otherwise the
    /// next one does. Returns whether the caller must make it runnable.
    ///
    /// From another thread than the context's a wait that begins at this very moment may be missed: the caller repeats it until the
    /// context has ended.
    #[must_use]
    pub fn cancel(&self) -> bool {
        self.set_cancelled(true);
        // The generation first, with acquire: `firm` and `shielded` then belong to this wait or a later one, and the claim
        // fails for a later one.
        let generation = self.slot().generation();
        let may_not = self.firm.load(Ordering::Relaxed) || self.shielded.load(Ordering::Relaxed);
        !may_not && self.slot().claim(generation, Outcome::Cancelled) == Claim::Parked
    }

    /// What the present wait, or the last one, is for.
    pub fn reason(&self) -> Reason {
        Reason::from_number(self.reason.load(std::sync::atomic::Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn set_reason(&self, reason: Reason) {
        self.reason.store(reason as u8, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether the context was told to end, and is to heed it now.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) && !self.shielded.load(Ordering::Relaxed)
    }

    /// Owner: whether the present wait may not be cancelled.
    #[inline]
    pub(crate) fn is_firm(&self) -> bool {
        self.firm.load(Ordering::Relaxed)
    }

    /// Raises or lowers the shield; returns how it was.
    pub(crate) fn set_shielded(&self, shielded: bool) -> bool {
        self.shielded.swap(shielded, Ordering::Relaxed)
    }

    /// Scheduler, before a context is used for something new: whether that is to end at once.
    #[inline]
    pub fn set_cancelled(&self, cancelled: bool) {
        self.cancelled.store(cancelled, Ordering::Relaxed);
    }

    /// What was given to [`new`](Self::new) beside the wake function.
    #[inline]
    pub fn data(&self) -> *const () {
        self.data
    }

    /// Calls the suspend function.
    #[inline]
    pub(crate) fn suspend(&self, generation: u64, deadline: Option<Instant>) {
        // SAFETY: `new`'s caller promised the contract, and the running context is this one: waiters are made from
        // `current()` and cannot leave it.
        unsafe { (self.suspend)(self, generation, deadline) }
    }

    /// The context of an OS thread, for a model to enter.
    #[cfg(tasklets_loom)]
    pub fn of_model_thread() -> Self {
        Self::of_thread()
    }

    fn of_thread() -> Self {
        unsafe fn sleep(context: &Context, generation: u64, deadline: Option<Instant>) {
            if context.slot().ends_soon() {
                return;
            }
            if context.slot().commit_sleep(generation) == Committed::Parked {
                context.slot().sleep_until_claimed(generation, deadline);
            }
        }
        // SAFETY: `sleep` returns only when the wait has ended; it never parks but sleeps on the word, through which the winner
        // wakes it, so it needs no wake function.
        unsafe { Self::new(sleep, None, std::ptr::null()) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.slot().is_spent() {
            slots::give(self.index());
        }
    }
}

#[cfg(not(tasklets_loom))]
std::thread_local! {
    static CURRENT: Cell<*const Context> = const { Cell::new(std::ptr::null()) };
    static THREAD: Context = Context::of_thread();
}

#[cfg(tasklets_loom)]
loom::thread_local! {
    static CURRENT: Cell<*const Context> = Cell::new(std::ptr::null());
}

/// Reads the current context's address.
///
/// With tasklets that may change threads it is neither inlined nor transparent to the optimiser, which would otherwise keep the
/// thread-local's address across a suspension. Without them every stack stays on its thread, and it may.
#[cfg_attr(feature = "migrating", inline(never))]
#[cfg_attr(not(feature = "migrating"), inline(always))]
fn load_current() -> *const Context {
    #[cfg(feature = "migrating")]
    // SAFETY: an empty statement; it only stops the optimiser from treating this function as pure.
    unsafe {
        std::arch::asm!("", options(nostack, preserves_flags));
    }
    CURRENT.with(Cell::get)
}

/// Scheduler: from now on the code on this thread runs in `context`.
///
/// # Safety
/// `context` stays valid until another is entered or [`leave`] is called.
#[inline]
pub unsafe fn enter(context: *const Context) {
    CURRENT.with(|c| c.set(context));
}

/// Scheduler: from now on the code on this thread is the thread's own.
#[inline]
pub fn leave() {
    CURRENT.with(|c| c.set(std::ptr::null()));
}

/// The context that the calling code runs in.
#[inline]
pub(crate) fn current() -> *const Context {
    let current = load_current();
    if current.is_null() { thread_context() } else { current }
}

/// The running context lets others run, if it has a way to.
pub(crate) fn take_turn(turn: Turn) -> bool {
    // SAFETY: the current context is valid while its code runs, and that code is running.
    let current = unsafe { load_current().as_ref() };
    current.and_then(|context| context.turn).is_some_and(|take_turn| take_turn(turn))
}

/// The calling OS thread's own context, made at the first call.
#[cfg(not(tasklets_loom))]
#[cold]
fn thread_context() -> *const Context {
    THREAD.try_with(std::ptr::from_ref).unwrap_or_else(|_| {
        // While the thread's locals are being destroyed there is none left to use; whoever waits in a destructor there gets one
        // that is never freed, for the rest of the thread's time.
        let context: *const Context = Box::leak(Box::new(Context::of_thread()));
        CURRENT.with(|c| c.set(context));
        context
    })
}

/// Under loom a thread's locals die after whoever joins it has gone on, perhaps to the end of the execution and of all that is
/// global; so a model makes the contexts of its threads itself, enters them, and drops them in time.
#[cfg(tasklets_loom)]
fn thread_context() -> *const Context {
    panic!("a thread of a model waits in a context that the model has made for it")
}
