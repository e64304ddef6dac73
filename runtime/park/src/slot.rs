//! The word on which one wait is settled.
//!
//! A slot belongs to one *context* (a tasklet or an OS thread) at a time, and a context waits for one thing at a time.
//! Everyone who may end the wait holds a [`Ticket`](crate::Ticket), that is the slot's index and the *generation* of
//! the wait. One compare-and-swap on the slot's word decides between signal, timeout and cancellation: exactly one
//! wins, and a ticket of an earlier wait never matches.
//!
//! # The word
//!
//! `generation << 4 | phase`
//!
//! | phase     | meaning                                                     | left by                              |
//! |-----------|-------------------------------------------------------------|--------------------------------------|
//! | IDLE      | no wait under way                                           | owner, `begin`                       |
//! | WAITING   | wait begun, the owner still runs on its stack               | `commit`, or a winner                |
//! | PARKED    | the owner's registers are saved; somebody must wake it      | a winner, who must then wake it      |
//! | ASLEEP    | as PARKED, but the owner is a thread that sleeps on the word | a winner, who then wakes the sleeper |
//! | POLLED    | as PARKED, but the owner is a future that left its waker    | a winner, who then calls the waker; the owner, `unpoll` |
//! | SIGNALED  | won by a signal                                             | owner, `finish`                      |
//! | TIMED_OUT | won by the deadline                                         | owner, `finish`                      |
//! | CANCELLED | won by teardown                                             | owner, `finish`                      |
//! | HELD + one of the middle four | won, but the winner is not done with the owner's frame: the owner stays where it is | the winner, `release`: SIGNALED; the owner, `commit`: HELD + PARKED, ASLEEP or POLLED |
//! | HELD_DROPPED | HELD, and the owner is a future being dropped, whose thread sleeps on the word | the winner, `release`: SIGNALED |
//!
//! # The races
//!
//! *Signal against going to sleep.* (1) The owner publishes its ticket. (2) A signaller claims the word while the owner
//! is still between that and the switch. (3) The owner leaves its stack and the scheduler calls `commit_park`. The
//! scheduler finds SIGNALED instead of WAITING, and runs the owner again itself; the signaller, who saw WAITING, must
//! not. Of the two, whoever comes second is responsible, so the owner is scheduled exactly once and never while its
//! registers are still in use ("publish after switch").
//!
//! *Signal against timeout or cancellation.* All three are the same compare-and-swap; the losers do nothing.
//!
//! *The end of a thread.* A parked tasklet runs again only by its winner, who may so read from the slot how. A thread that
//! sleeps on the word may notice by itself that it was won, go on, end, and leave the slot to another owner, all before the
//! winner gets any further. So that the owner is a thread is said by the word, and the winner reads nothing else of the slot.
//! It then wakes whoever sleeps on the word by now; a sleeper woken for nothing looks at the word and sleeps again.
//!
//! *A hand-over against everything else.* A winner that has something to put into the owner's frame first moves the word to HELD,
//! which no other claim matches, writes, and then releases. An owner that meets HELD, because its deadline has passed or it found what
//! it wanted elsewhere, waits for the release: the frame is not its own until then.
//!
//! *The waker of a future.* The winner takes the waker out while the word is HELD, when the owner may not touch it; after the release the
//! owner may end the future and reuse the slot at once, so the winner calls the waker from its own copy. That is foreign code: a winner
//! that has a wait of its own under way calls it after that ([`Unwoken`]), and a panic in it ends there, since the winner's operation, and
//! often somebody else's, is half done.
//!
//! *Stale tickets.* A signaller may hold a ticket long after the wait ended. Slots are never unmapped (see
//! [`stable`](crate::stable)), so the access is to a live slot, and the generation no longer matches.
//!
//! # Orderings
//!
//! A winner's compare-and-swap releases what it wrote before (the message); `commit_park` failing or `finish` acquires
//! it. `commit_park` releases the owner's saved stack and its wake function; a winner that sees PARKED acquires them.

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::spin_until;
use std::task::{RawWakerVTable, Waker};

/// Bits of the word that hold the phase.
const PHASE_BITS: u32 = 4;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;

/// Generations a slot may go through before it is retired for good; they fit in a ticket beside the index.
pub(crate) const GENERATIONS: u64 = 1 << 36;

const IDLE: u64 = 0;
const WAITING: u64 = 1;
const PARKED: u64 = 2;
const ASLEEP: u64 = 3;
const POLLED: u64 = 4;
const SIGNALED: u64 = 5;
const TIMED_OUT: u64 = 6;
const CANCELLED: u64 = 7;
/// Added to WAITING, PARKED, ASLEEP or POLLED.
const HELD: u64 = 8;

/// The phases that a winner may leave.
fn is_open(phase: u64) -> bool {
    matches!(phase, WAITING | PARKED | ASLEEP | POLLED)
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody signalled the ticket.
    Signaled,
    /// The deadline passed first.
    TimedOut,
    /// The context was told to end first.
    Cancelled,
}

/// What the winner of a wait must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// The wait was over already, or is another one by now. Nothing to do.
    Lost,
    /// Won while the owner was still on its stack, or it is a thread that was woken by this: nothing to do.
    Running,
    /// Won, and the owner is off its stack: the winner alone must make it runnable.
    Parked,
}

const HELD_PARKED: u64 = HELD | PARKED;
const HELD_POLLED: u64 = HELD | POLLED;
/// As HELD + POLLED, and the owner, which is being dropped, sleeps on the word.
const HELD_DROPPED: u64 = HELD | SIGNALED;

/// A winner is busy with the owner's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldByWinner;

/// The waker of a future that was released, if it was one that has left a waker. Dropping this calls it.
#[derive(Debug)]
#[must_use]
pub struct Unwoken(Option<Waker>);

impl Drop for Unwoken {
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            call(waker);
        }
    }
}

/// Calls a waker in the middle of an operation that it must not end: the panic hook has told of its panic.
#[cfg(not(tasklets_loom))]
fn call(waker: Waker) {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        // Its drop might panic too.
        std::mem::forget(panic);
    }
}

/// In a model every panic is to be seen.
#[cfg(tasklets_loom)]
fn call(waker: Waker) {
    waker.wake();
}

/// What the scheduler must do with a context that has left its stack to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// It sleeps until a winner wakes it.
    Parked,
    /// The wait was won meanwhile: run the context again.
    Ready,
}

/// How to make a parked context runnable: called once by the winner, with the data registered beside it.
pub type WakeFn = unsafe fn(*const ());

/// Whom a winner wakes, beside the data for it.
#[derive(Clone, Copy, Debug)]
enum Wake {
    /// A thread, which sleeps on the word; or nobody yet.
    Sleeper,
    /// A tasklet.
    Call(WakeFn),
    /// A future: with the data these are the parts of its waker.
    Waker(&'static RawWakerVTable),
}

/// See the [module](self).
#[derive(Debug)]
#[repr(align(32))]
pub struct Slot {
    word: AtomicU64,
    wake: UnsafeCell<Wake>,
    data: UnsafeCell<*const ()>,
}

// SAFETY: `wake` and `data` are written only by the owner, in phase IDLE (`set_wake`) or WAITING (`set_waker`), and read only by a
// winner that saw PARKED or POLLED. Those are stored with release after that write and read with acquire, and the owner cannot
// write again before the winner has read: a parked owner runs only after the winner has called the function it read, and a future
// leaves POLLED by itself only through `unpoll`, which fails once a winner holds it.
unsafe impl Sync for Slot {}
// SAFETY: the pointers are only handed to `wake`, whose registrar promises that any thread may call it.
unsafe impl Send for Slot {}

impl Default for Slot {
    fn default() -> Self {
        Self {
            word: AtomicU64::new(IDLE),
            wake: UnsafeCell::new(Wake::Sleeper),
            data: UnsafeCell::new(std::ptr::null()),
        }
    }
}

impl Slot {
    /// Says how the owner is woken; `None` for a thread, which sleeps on the word itself and is never parked otherwise.
    ///
    /// # Safety
    /// The caller owns the slot and no wait is under way. `wake(data)` may be called from any thread, once a wait.
    pub unsafe fn set_wake(&self, wake: Option<WakeFn>, data: *const ()) {
        // SAFETY: no wait is under way, so no winner reads the cells.
        self.wake.with_mut(|w| unsafe { *w = wake.map_or(Wake::Sleeper, Wake::Call) });
        // SAFETY: as above.
        self.data.with_mut(|d| unsafe { *d = data });
    }

    /// A future, in phase WAITING: leaves the waker with which a winner wakes it. The slot owns it from now on.
    pub(crate) fn set_waker(&self, waker: Waker) {
        let waker = std::mem::ManuallyDrop::new(waker);
        // SAFETY: the word is WAITING or HELD + WAITING, in which no winner reads the cells (see `commit_poll` for when they do).
        self.wake.with_mut(|w| unsafe { *w = Wake::Waker(waker.vtable()) });
        // SAFETY: as above.
        self.data.with_mut(|d| unsafe { *d = waker.data() });
    }

    /// Takes back what [`set_waker`](Self::set_waker) left.
    ///
    /// # Safety
    /// The caller is the owner in a phase in which no winner reads the cells, or the winner of a polled owner before its release.
    pub(crate) unsafe fn take_waker(&self) -> Option<Waker> {
        // SAFETY: the caller has the cells to itself.
        let (wake, data) = unsafe { (self.wake.with(|w| *w), self.data.with(|d| *d)) };
        let Wake::Waker(vtable) = wake else { return None };
        // SAFETY: as above.
        self.wake.with_mut(|w| unsafe { *w = Wake::Sleeper });
        // SAFETY: these are the parts of a waker that was not dropped, and they are taken out this once.
        Some(unsafe { Waker::new(data, vtable) })
    }

    /// Owner: begins a wait and returns its generation.
    #[inline]
    pub fn begin(&self) -> u64 {
        // Only the owner leaves IDLE, so a plain load and store are enough. Whoever gets the ticket gets it through a
        // release of the queue that carries it; the release here is for a canceller, who has no ticket.
        let generation = (self.word.load(Ordering::Relaxed) >> PHASE_BITS) + 1;
        self.word.store(generation << PHASE_BITS | WAITING, Ordering::Release);
        generation
    }

    /// Scheduler: the owner's registers are saved; lets others wake it.
    #[inline]
    pub fn commit_park(&self, generation: u64) -> Committed {
        self.commit(generation, PARKED)
    }

    /// A thread: it goes to sleep on the word.
    pub(crate) fn commit_sleep(&self, generation: u64) -> Committed {
        self.commit(generation, ASLEEP)
    }

    /// A future: it returns, and is to be polled when the wait has ended.
    pub(crate) fn commit_poll(&self, generation: u64) -> Committed {
        self.commit(generation, POLLED)
    }

    #[inline]
    fn commit(&self, generation: u64, phase: u64) -> Committed {
        let mut seen = generation << PHASE_BITS | WAITING;
        loop {
            // Keeps the HELD of a winner that is still busy with the owner's frame.
            let committed = seen - WAITING + phase;
            match self.word.compare_exchange(seen, committed, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Committed::Parked,
                // At most two rounds: a winner moves WAITING once.
                Err(now) if now & PHASE_MASK == HELD | WAITING => seen = now,
                Err(_) => return Committed::Ready,
            }
        }
    }

    /// A future: takes back its [`commit_poll`](Self::commit_poll). False if a winner was first.
    pub(crate) fn unpoll(&self, generation: u64) -> bool {
        let polled = generation << PHASE_BITS | POLLED;
        let waiting = generation << PHASE_BITS | WAITING;
        self.word.compare_exchange(polled, waiting, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends the wait `generation` with `outcome`, if nobody else has.
    #[inline]
    pub fn claim(&self, generation: u64, outcome: Outcome) -> Claim {
        let phase = match outcome {
            Outcome::Signaled => SIGNALED,
            Outcome::TimedOut => TIMED_OUT,
            Outcome::Cancelled => CANCELLED,
        };
        let won = generation << PHASE_BITS | phase;
        let mut seen = generation << PHASE_BITS | PARKED;
        loop {
            match self.word.compare_exchange(seen, won, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if seen & PHASE_MASK == PARKED => return Claim::Parked,
                Ok(_) => {
                    if seen & PHASE_MASK == ASLEEP {
                        crate::futex::wake(&self.word);
                    }
                    return Claim::Running;
                }
                // Its waker must be taken out first, which takes holding it. Only a signal comes from elsewhere.
                Err(now) if now == generation << PHASE_BITS | POLLED => {
                    if self.hold(generation) {
                        self.release(generation);
                        return Claim::Running;
                    }
                    return Claim::Lost;
                }
                // At most three rounds: the owner moves from WAITING to one of the others once.
                Err(now) if now >> PHASE_BITS == generation && is_open(now & PHASE_MASK) => seen = now,
                Err(_) => return Claim::Lost,
            }
        }
    }

    /// Wins the wait `generation`, if nobody else has, and keeps the owner where it is until [`release`](Self::release).
    #[inline]
    pub(crate) fn hold(&self, generation: u64) -> bool {
        let mut seen = generation << PHASE_BITS | PARKED;
        loop {
            match self.word.compare_exchange(seen, seen | HELD, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                // A future goes back and forth between WAITING and POLLED, once a poll.
                Err(now) if now >> PHASE_BITS == generation && is_open(now & PHASE_MASK) => seen = now,
                Err(_) => return false,
            }
        }
    }

    /// The holder: ends the wait as signalled, and makes the owner runnable.
    #[inline]
    pub(crate) fn release(&self, generation: u64) {
        drop(self.release_unwoken(generation));
    }

    /// As [`release`](Self::release), but leaves the call of a future's waker to the caller.
    #[inline]
    pub(crate) fn release_unwoken(&self, generation: u64) -> Unwoken {
        let signaled = generation << PHASE_BITS | SIGNALED;
        match self.word.load(Ordering::Acquire) & PHASE_MASK {
            HELD_PARKED => {
                // A plain store: an owner that is off its stack changes nothing, nor does anybody else.
                self.word.store(signaled, Ordering::Release);
                // SAFETY: we hold the parked owner, and wake it this once.
                unsafe { self.wake() };
                Unwoken(None)
            }
            HELD_POLLED | HELD_DROPPED => {
                // SAFETY: we hold the polled owner, and have not released it.
                let waker = unsafe { self.take_waker() };
                if self.word.swap(signaled, Ordering::AcqRel) & PHASE_MASK == HELD_DROPPED {
                    crate::futex::wake(&self.word);
                }
                Unwoken(waker)
            }
            _ => self.release_running(generation),
        }
    }

    /// As [`release`](Self::release), for an owner that may be about to commit, or is a thread.
    fn release_running(&self, generation: u64) -> Unwoken {
        let signaled = generation << PHASE_BITS | SIGNALED;
        let mut seen = generation << PHASE_BITS | HELD | WAITING;
        // At most two rounds: the owner commits once.
        while let Err(now) = self.word.compare_exchange(seen, signaled, Ordering::AcqRel, Ordering::Acquire) {
            if matches!(now & PHASE_MASK, HELD_PARKED | HELD_POLLED | HELD_DROPPED) {
                return self.release_unwoken(generation);
            }
            seen = now;
        }
        if seen & PHASE_MASK == HELD | ASLEEP {
            crate::futex::wake(&self.word);
        }
        Unwoken(None)
    }

    /// Winner of a parked owner: makes it runnable.
    ///
    /// # Safety
    /// The caller got [`Claim::Parked`] from this slot, or holds its parked owner, and calls this once for it.
    #[inline]
    pub unsafe fn wake(&self) {
        // SAFETY: the claim acquired the owner's writes, and the owner is off its stack until this very call.
        let (wake, data) = unsafe { (self.wake.with(|w| *w), self.data.with(|d| *d)) };
        let Wake::Call(wake) = wake else { unreachable!("only an owner with a wake function is parked") };
        // SAFETY: `set_wake`'s caller promised that this may be called from any thread.
        unsafe { wake(data) }
    }

    /// Owner: how the wait ended, or `None` if it has not.
    #[inline]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.word.load(Ordering::Acquire) & PHASE_MASK {
            SIGNALED => Some(Outcome::Signaled),
            TIMED_OUT => Some(Outcome::TimedOut),
            CANCELLED => Some(Outcome::Cancelled),
            _ => None,
        }
    }

    /// Owner, running: ends the wait, so that its ticket is dead from here on.
    ///
    /// Returns how it had ended, or `None` if nobody had won it.
    ///
    /// # Errors
    /// If a winner holds it: the owner must wait for the release, then ask again.
    #[inline]
    pub fn finish(&self) -> Result<Option<Outcome>, HeldByWinner> {
        let mut won = self.outcome();
        if won.is_none() {
            // Still WAITING, or POLLED: a signaller may be racing us for the word, so it is settled like any other race.
            let generation = self.word.load(Ordering::Relaxed) >> PHASE_BITS;
            if self.word.load(Ordering::Relaxed) & HELD != 0 {
                return Err(HeldByWinner);
            }
            if !self.hold(generation) {
                won = self.outcome();
                if won.is_none() {
                    return Err(HeldByWinner);
                }
            }
        }
        // Settled: nobody else writes the word until the next `begin`.
        let generation = self.word.load(Ordering::Relaxed) >> PHASE_BITS;
        self.word.store(generation << PHASE_BITS | IDLE, Ordering::Relaxed);
        Ok(won)
    }

    /// A future that is being dropped: sleeps until the winner that holds it releases it, which takes a copy of a message at most.
    pub(crate) fn sleep_until_released(&self) {
        if spin_until(|| self.word.load(Ordering::Acquire) & HELD == 0) {
            return;
        }
        let seen = self.word.load(Ordering::Acquire);
        if seen & PHASE_MASK != HELD_POLLED && seen & PHASE_MASK != HELD | WAITING {
            return;
        }
        let dropped = seen & !PHASE_MASK | HELD_DROPPED;
        if self.word.compare_exchange(seen, dropped, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            while self.word.load(Ordering::Acquire) == dropped {
                crate::futex::wait(&self.word, dropped, None);
            }
        }
    }

    /// Whether the wait `generation` can still be won.
    pub(crate) fn is_open(&self, generation: u64) -> bool {
        let word = self.word.load(Ordering::Acquire);
        word >> PHASE_BITS == generation && is_open(word & PHASE_MASK)
    }

    /// Whether the slot has used up its generations and must not be handed out again.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.word.load(Ordering::Relaxed) >> PHASE_BITS >= GENERATIONS - 1
    }

    /// The generation of the latest wait.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.word.load(Ordering::Acquire) >> PHASE_BITS
    }

    /// A thread, before it goes to sleep: looks whether the wait ends within a microsecond or so, which saves it and the winner a call of the
    /// kernel each, some microseconds in all.
    #[cfg(not(tasklets_loom))]
    pub(crate) fn ends_soon(&self) -> bool {
        /// Steps of twice as many turns each, and then of letting other threads run.
        const SPINNING: u32 = 7;
        const YIELDING: u32 = 4;
        (0..SPINNING + YIELDING).any(|step| {
            if step < SPINNING {
                (0..1 << step).for_each(|_| crate::sync::spin());
            } else {
                std::thread::yield_now();
            }
            self.outcome().is_some()
        })
    }

    /// Under loom it sleeps at once.
    #[cfg(tasklets_loom)]
    pub(crate) fn ends_soon(&self) -> bool {
        false
    }

    /// An OS thread sleeps here until the wait has ended or `deadline` passes.
    pub(crate) fn sleep_until_claimed(&self, generation: u64, deadline: Option<std::time::Instant>) {
        let asleep = generation << PHASE_BITS | ASLEEP;
        loop {
            let seen = self.word.load(Ordering::Acquire);
            let deadline = match seen {
                _ if seen == asleep => deadline,
                // Won already: the release will come.
                _ if seen == asleep | HELD => None,
                _ => return,
            };
            if crate::futex::wait(&self.word, seen, deadline) == crate::futex::Woken::DeadlinePassed {
                // Losing means that somebody else has just won.
                let _ = self.claim(generation, Outcome::TimedOut);
            }
        }
    }
}
