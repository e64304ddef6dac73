//! A lock without a value: what `Mutex` is made of.
//!
//! # The word
//!
//! | bit    | meaning                                                                    | set by            | cleared by            |
//! |--------|----------------------------------------------------------------------------|-------------------|-----------------------|
//! | LOCKED | somebody has it                                                            | whoever takes it  | the owner             |
//! | WOKEN  | a waiter was popped and is on its way to try; nobody else need be woken    | the owner, leaving | that waiter, arriving |
//!
//! Whoever comes may take a free lock at once, past those who wait (*barging*): it costs no switch, so contended locks stay fast. A waiter
//! that was beaten registers again at the back and now *insists*: when its turn comes again, the owner leaves the lock to it
//! without unlocking. So a waiter is passed over once, and waits for at most two rounds of the queue.
//!
//! # The races
//!
//! *Waiting against unlocking.* (1) A waiter finds LOCKED and registers. (2) The owner clears LOCKED and looks at the queue. (3) The
//! waiter looks at the word again. In the one order of SeqCst accesses either the owner sees the waiter, or the waiter sees the lock
//! free. An owner that sees one locks again, if it still can, to pop it; if it cannot, the new owner will look at the queue when
//! it unlocks.
//!
//! *WOKEN and the others who wait.* An owner that sees WOKEN wakes nobody. The waiter on its way then clears WOKEN in the same step in
//! which it takes the lock, or finds it taken. Having the lock, it looks at the queue when it unlocks. Having found it taken, its step
//! comes before that owner's unlocking, which so finds WOKEN clear and looks at the queue.
//!
//! *A waiter that goes away.* A waiter popped on its way never unwinds before it has arrived; a future dropped then hands on what
//! it got: a lock is unlocked, and WOKEN is cleared, with a look at the queue if the lock is free.

use super::place::Place;
use std::time::Instant;
use tasklets_park::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tasklets_park::{Note, Reason, Wait, WaitQueue, count_operation};

const LOCKED: u32 = 1;
const WOKEN: u32 = 2;

/// What a waiter registers. Aligned as a [`Note`] wants it.
#[repr(align(2))]
struct Waiting {
    /// It was beaten before: the lock is to be handed to it.
    insists: bool,
    /// It has the lock. Written before `Held::release`, which the waiter acquires.
    handed_over: AtomicBool,
}

impl Waiting {
    fn new(insists: bool) -> Self {
        Self { insists, handed_over: AtomicBool::new(false) }
    }

    fn note(&self) -> Note {
        Note::to(self, false)
    }

    fn has_lock(&self) -> bool {
        self.handed_over.load(Ordering::Relaxed)
    }
}

/// See the [module](self).
pub(super) struct RawMutex {
    word: AtomicU32,
    queue: WaitQueue,
}

impl RawMutex {
    super::constructor! {
        pub(super) fn new() -> Self {
            Self { word: AtomicU32::new(0), queue: WaitQueue::new() }
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.word.load(Ordering::SeqCst) & LOCKED != 0
    }

    #[inline]
    pub(super) fn try_lock(&self) -> bool {
        let mut seen = 0;
        loop {
            match self.word.compare_exchange(seen, seen | LOCKED, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) if now & LOCKED != 0 => return false,
                // Only WOKEN differs.
                Err(now) => seen = now,
            }
        }
    }

    /// Whether it got the lock before the deadline.
    #[inline]
    pub(super) fn lock(&self, deadline: Option<Instant>) -> bool {
        // Before, not after: nobody gives others a turn with the lock in its hands.
        count_operation();
        self.try_lock() || self.wait(deadline)
    }

    #[cold]
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut insists = false;
        loop {
            let waiting = Waiting::new(insists);
            let waited = self.queue.wait(waiting.note(), Reason::Lock, deadline, || !self.is_locked());
            if waited == Wait::TimedOut {
                return false;
            }
            if self.settle(&waiting, waited) {
                return true;
            }
            insists = true;
        }
    }

    /// As [`lock`](Self::lock), for futures.
    pub(super) async fn lock_async(&self) {
        if self.try_lock() {
            return;
        }
        let mut insists = false;
        loop {
            let waiting = Waiting::new(insists);
            let free = || !self.is_locked();
            let waited = Place::new(&self.queue, waiting.note(), free, || self.hand_back(&waiting)).await;
            if self.settle(&waiting, waited) {
                return;
            }
            insists = true;
        }
    }

    /// After a wait: whether the waiter has the lock now.
    fn settle(&self, waiting: &Waiting, waited: Wait) -> bool {
        match waited {
            Wait::Woken => waiting.has_lock() || self.arrive(),
            Wait::Ready | Wait::TimedOut => self.try_lock(),
        }
    }

    /// A popped waiter tries to lock, and is no longer on its way.
    fn arrive(&self) -> bool {
        let mut seen = WOKEN;
        loop {
            match self.word.compare_exchange(seen, LOCKED, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return seen & LOCKED == 0,
                // Nobody else clears WOKEN, so only LOCKED differs. If it is set, the step from there to LOCKED clears WOKEN alone.
                Err(now) => seen = now,
            }
        }
    }

    /// A popped waiter that does not want the lock any more.
    fn hand_back(&self, waiting: &Waiting) {
        if waiting.has_lock() || self.arrive() {
            self.unlock();
        }
    }

    /// The caller has the lock.
    #[inline]
    pub(super) fn unlock(&self) {
        if !self.queue.is_empty() {
            return self.unlock_contended();
        }
        if self.word.fetch_sub(LOCKED, Ordering::SeqCst) & WOKEN == 0 && self.queue.is_ready() && self.try_lock() {
            self.unlock_contended();
        }
    }

    #[cold]
    fn unlock_contended(&self) {
        loop {
            // Set by owners alone, so it does not come up meanwhile; if it goes down, the waiter has arrived and is beaten, and the
            // check after unlocking makes up for it.
            if self.word.load(Ordering::SeqCst) & WOKEN == 0
                && let Some((held, note)) = self.queue.pop()
            {
                // SAFETY: whatever is in this queue was registered with a note to a `Waiting` that lives as long as its
                // owner is suspended, which it is until `release`.
                let waiting = unsafe { note.follow::<Waiting>() };
                if waiting.insists {
                    waiting.handed_over.store(true, Ordering::Relaxed);
                } else {
                    // In one step, or a second waiter could be woken.
                    self.word.fetch_add(WOKEN - LOCKED, Ordering::SeqCst);
                }
                held.release();
                return;
            }
            if self.word.fetch_sub(LOCKED, Ordering::SeqCst) & WOKEN != 0 || !self.queue.is_ready() || !self.try_lock()
            {
                return;
            }
        }
    }
}
