//! The word on which one wait is settled.
//!
//! A slot belongs to one *context* (a tasklet or an OS thread) at a time, and a context waits for one thing at a time.
//! Everyone who may end the wait holds a [`Ticket`](crate::Ticket), that is the slot's index and the *generation* of
//! the wait. One compare-and-swap on the slot's word decides between signal, timeout and cancellation: exactly one
//! wins, and a ticket of an earlier wait never matches.
//!
//! # The word
//!
//! `generation << 3 | phase`
//!
//! | phase     | meaning                                                     | left by                              |
//! |-----------|-------------------------------------------------------------|--------------------------------------|
//! | IDLE      | no wait under way                                           | owner, `begin`                       |
//! | WAITING   | wait begun, the owner still runs on its stack               | `commit_park`, `commit_sleep`, or a winner |
//! | PARKED    | the owner's registers are saved; somebody must wake it      | a winner, who must then wake it      |
//! | ASLEEP    | as PARKED, but the owner is a thread that sleeps on the word | a winner, who then wakes the sleeper |
//! | SIGNALED  | won by a signal                                             | owner, `finish`                      |
//! | TIMED_OUT | won by the deadline                                         | owner, `finish`                      |
//! | CANCELLED | won by teardown                                             | owner, `finish`                      |
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
//! *Stale tickets.* A signaller may hold a ticket long after the wait ended. Slots are never unmapped (see
//! [`stable`](crate::stable)), so the access is to a live slot, and the generation no longer matches.
//!
//! # Orderings
//!
//! A winner's compare-and-swap releases what it wrote before (the message); `commit_park` failing or `finish` acquires
//! it. `commit_park` releases the owner's saved stack and its wake function; a winner that sees PARKED acquires them.

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Bits of the word that hold the phase.
const PHASE_BITS: u32 = 3;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;

/// Generations a slot may go through before it is retired for good; they fit in a ticket beside the index.
pub(crate) const GENERATIONS: u64 = 1 << 36;

const IDLE: u64 = 0;
const WAITING: u64 = 1;
const PARKED: u64 = 2;
const SIGNALED: u64 = 3;
const TIMED_OUT: u64 = 4;
const CANCELLED: u64 = 5;
const ASLEEP: u64 = 6;

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

/// See the [module](self).
#[derive(Debug)]
#[repr(align(32))]
pub struct Slot {
    word: AtomicU64,
    wake: UnsafeCell<Option<WakeFn>>,
    data: UnsafeCell<*const ()>,
}

// SAFETY: `wake` and `data` are written only by the owner between waits (`set_wake`, phase IDLE) and read only by a
// winner that saw PARKED. PARKED is stored with release after that write and read with acquire, and the owner cannot
// reach IDLE again before the winner has called the function it read.
unsafe impl Sync for Slot {}
// SAFETY: the pointers are only handed to `wake`, whose registrar promises that any thread may call it.
unsafe impl Send for Slot {}

impl Default for Slot {
    fn default() -> Self {
        Self { word: AtomicU64::new(IDLE), wake: UnsafeCell::new(None), data: UnsafeCell::new(std::ptr::null()) }
    }
}

impl Slot {
    /// Says how the owner is woken; `None` for a thread, which sleeps on the word itself and is never parked otherwise.
    ///
    /// # Safety
    /// The caller owns the slot and no wait is under way. `wake(data)` may be called from any thread, once a wait.
    pub unsafe fn set_wake(&self, wake: Option<WakeFn>, data: *const ()) {
        // SAFETY: no wait is under way, so no winner reads the cells.
        self.wake.with_mut(|w| unsafe { *w = wake });
        // SAFETY: as above.
        self.data.with_mut(|d| unsafe { *d = data });
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

    #[inline]
    fn commit(&self, generation: u64, phase: u64) -> Committed {
        let waiting = generation << PHASE_BITS | WAITING;
        let committed = generation << PHASE_BITS | phase;
        match self.word.compare_exchange(waiting, committed, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Committed::Parked,
            Err(_) => Committed::Ready,
        }
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
                // At most three rounds: the owner moves from WAITING to one of the other two once.
                Err(now)
                    if now >> PHASE_BITS == generation && matches!(now & PHASE_MASK, WAITING | PARKED | ASLEEP) =>
                {
                    seen = now;
                }
                Err(_) => return Claim::Lost,
            }
        }
    }

    /// Winner of a parked owner: makes it runnable.
    ///
    /// # Safety
    /// The caller got [`Claim::Parked`] from this slot and calls this once for it.
    #[inline]
    pub unsafe fn wake(&self) {
        // SAFETY: the claim acquired the owner's writes, and the owner is off its stack until this very call.
        let (wake, data) = unsafe { (self.wake.with(|w| *w), self.data.with(|d| *d)) };
        let wake = wake.expect("only an owner with a wake function is parked");
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

    /// Owner, running: ends the wait whatever its phase, so that its ticket is dead from here on.
    ///
    /// Returns how it had ended, or `None` if nobody had won it.
    #[inline]
    pub fn finish(&self) -> Option<Outcome> {
        let won = self.outcome();
        if won.is_none() {
            // Still WAITING: a signaller may be racing us for the word, so it is settled like any other race.
            let generation = self.word.load(Ordering::Relaxed) >> PHASE_BITS;
            if self.claim(generation, Outcome::Cancelled) == Claim::Lost {
                return self.finish();
            }
        }
        // Settled: nobody else writes the word until the next `begin`.
        let generation = self.word.load(Ordering::Relaxed) >> PHASE_BITS;
        self.word.store(generation << PHASE_BITS | IDLE, Ordering::Relaxed);
        won
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

    /// An OS thread sleeps here until the wait has ended or `deadline` passes.
    pub(crate) fn sleep_until_claimed(&self, generation: u64, deadline: Option<std::time::Instant>) {
        let asleep = generation << PHASE_BITS | ASLEEP;
        while self.word.load(Ordering::Acquire) == asleep {
            if crate::futex::wait(&self.word, asleep, deadline) == crate::futex::Woken::DeadlinePassed {
                // Losing means that somebody else has just won: the loop ends either way.
                let _ = self.claim(generation, Outcome::TimedOut);
            }
        }
    }
}
