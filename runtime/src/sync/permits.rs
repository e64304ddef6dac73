//! A number of permits, given out first come, first served: what `Semaphore` and `RwLock` are made of.
//!
//! # The word
//!
//! `permits | demand | CALLED | FRONT | CLOSED`, with 30 bits for `permits` (how many are at hand) and 31 for `demand`:
//!
//! | demand    | FRONT | meaning                                                         | left by                                      |
//! |-----------|-------|-----------------------------------------------------------------|----------------------------------------------|
//! | NONE      | no    | nobody waits; permits may be taken by a compare-and-swap        | whoever has just registered: BUSY            |
//! | BUSY      | no    | one context has the *turn*: it alone pops the queue             | that context, as `distribute` finds things   |
//! | n < BUSY  | no    | somebody waits (n is 1) and there was no permit                 | whoever brings a permit, unless by *hand-over*, or closes: BUSY |
//! | n < BUSY  | yes   | a waiter that needs n permits has left the queue: it is *at the front* | whoever brings the n-th, or that waiter giving up: BUSY |
//!
//! CLOSED is never taken back, and under it no permit is given out. CALLED says that somebody has registered while another had the turn, and is
//! taken back by the holder of the turn before it looks at the queue.
//!
//! A waiter registers a `Request` with what it needs. Whoever has the turn pops requests in order and gives each its permits as
//! long as there are enough. The queue cannot be looked into without popping, so the first request for more than there are is
//! woken once to wait at the front, in a queue of its own, and its need becomes the demand. Requests for one permit do not
//! go there, since nothing is popped while there are none, unless permits are taken out for good in between.
//!
//! *Hand-over.* As long as permits come one by one and everybody wants one, the word stays as it is, at a demand of 1: whoever brings
//! a permit gives it to the first who waits, without the turn, and nobody writes the word.
//!
//! Whatever comes meanwhile sees a demand and registers behind: permits pile up until the front is served, so that it does not
//! starve however many it needs.
//!
//! # The races
//!
//! *Registering against the last to leave.* (1) The holder of the turn finds the queue empty. (2) A waiter registers, sees BUSY and would wait. (3) The
//! holder sets NONE, and whoever comes then gets in before that waiter, if not worse. So the waiter sets CALLED: the holder, whose swap is of
//! the word as it was before (1), fails and looks again. A waiter that sees NONE instead takes the turn. It does not serve itself, but whoever is first.
//!
//! *Hand-over against a request for many.* The turn keeps a request for one from being served before a request for many that was
//! registered earlier, and one may not be handed a permit past it either. (1) A releaser sees who is first in the queue. (2) It looks at the word.
//! (3) It takes out the first, if that is still the same. A request for many that was before the first in the queue was popped before (1),
//! with the turn, so at (2) the word says BUSY or FRONT unless that request has been settled. What is taken out at (3) wants one, and gets it, whatever
//! has become of the word since: the permit was never in there. A permit handed over while somebody closes was so before.
//!
//! *Release against the holder of the turn.* A holder leaves by a compare-and-swap of the whole word. (1) It finds no
//! permits. (2) Another adds some, sees BUSY and leaves. (3) The holder's swap fails and it looks again. Likewise for closing.
//!
//! *Grant against giving up at the front.* Both are a compare-and-swap of a word with FRONT. If the grant wins, the permits are
//! already taken for the waiter, and the *turn is handed to the waiter*, not to the granter: no other request gets to the front
//! before this one has seen how its wait ended, so FRONT is never mistaken for another's. The granter wakes the front after its
//! swap; by then another may be there, who looks at FRONT and waits on.
//!
//! *Cancelled after a grant.* A popped request is not cancelled any more; a future dropped then, or a tasklet unwound at the front,
//! puts the permits back and, if it had the turn, serves the next.
//!
//! # Orderings
//!
//! All accesses to the word are SeqCst: the ones before a look at a queue must be (see `WaitQueue`), and a read-modify-write costs
//! the same on x86. A taker so sees what the releaser of its permits wrote. A verdict is written by whoever popped the request, before
//! `Held::release`, which its reader's wait acquires; relaxed is enough.

use super::place::Place;
use std::time::Instant;
use tasklets_park::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use tasklets_park::sync::order_after_rmw;
use tasklets_park::{Note, Reason, Wait, WaitQueue, count_operation};

/// As many permits as there may be.
pub(super) const MAX_PERMITS: u64 = (1 << 30) - 1;

const DEMAND_SHIFT: u32 = 3;
const PERMITS_SHIFT: u32 = 34;
const NONE: u64 = 0;
const BUSY: u64 = (1 << (PERMITS_SHIFT - DEMAND_SHIFT)) - 1;

/// The word in parts.
#[derive(Clone, Copy)]
struct State {
    permits: u64,
    demand: u64,
    called: bool,
    front: bool,
    closed: bool,
}

impl State {
    #[inline]
    fn of(word: u64) -> Self {
        Self {
            permits: word >> PERMITS_SHIFT,
            demand: word >> DEMAND_SHIFT & BUSY,
            called: word & 4 != 0,
            front: word & 2 != 0,
            closed: word & 1 != 0,
        }
    }

    #[inline]
    fn word(self) -> u64 {
        let bits = u64::from(self.called) << 2 | u64::from(self.front) << 1 | u64::from(self.closed);
        self.permits << PERMITS_SHIFT | self.demand << DEMAND_SHIFT | bits
    }

    /// Whether a permit that comes need not go into the word.
    #[inline]
    fn hands_over(self) -> bool {
        self.demand == 1 && !self.front
    }
}

const UNDECIDED: u32 = 0;
const GRANTED: u32 = 1;
const AT_FRONT: u32 = 2;
const CLOSED: u32 = 3;

/// What a waiter registers.
struct Request {
    need: u64,
    verdict: AtomicU32,
}

impl Request {
    fn new(need: u64) -> Self {
        Self { need, verdict: AtomicU32::new(UNDECIDED) }
    }

    /// What is registered: where it is, and whether it needs one.
    fn note(&self) -> Note {
        Note::to(self, self.need == 1)
    }

    /// # Safety
    /// The note was popped from the queue of a `Permits`, and its owner has not been released.
    unsafe fn of<'a>(note: Note) -> &'a Self {
        // SAFETY: whatever is in this queue was registered with the note of a `Request` that lives as long as its owner is suspended, which it is
        // until it is released.
        unsafe { note.follow() }
    }

    fn verdict(&self) -> u32 {
        self.verdict.load(Ordering::Relaxed)
    }
}

/// Why there are no permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are too few, or others wait for them.
    NoPermits,
    /// No more are given out.
    Closed,
    /// The deadline has passed.
    TimedOut,
}

/// See the [module](self).
///
/// While permits are handed over everybody reads the word and nobody writes it, so it is kept away from what is written in the queue, whose two
/// ends are 64 bytes apart.
#[repr(C, align(64))]
pub(super) struct Permits {
    queue: WaitQueue,
    /// The one at the front, and nobody else.
    front: WaitQueue,
    word: AtomicU64,
}

impl Permits {
    super::constructor! {
        /// At most `MAX_PERMITS`.
        pub(super) fn new(permits: u64) -> Self {
            Self { word: AtomicU64::new(permits << PERMITS_SHIFT), queue: WaitQueue::new(), front: WaitQueue::new() }
        }
    }

    #[inline]
    fn load(&self) -> State {
        State::of(self.word.load(Ordering::SeqCst))
    }

    #[inline]
    fn replace(&self, old: State, new: State) -> bool {
        self.word.compare_exchange(old.word(), new.word(), Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(super) fn available(&self) -> u64 {
        self.load().permits
    }

    pub(super) fn is_closed(&self) -> bool {
        self.load().closed
    }

    /// Takes `need` permits if nobody waits for any.
    #[inline]
    pub(super) fn try_acquire(&self, need: u64) -> Result<(), Refused> {
        loop {
            let state = self.load();
            if state.closed {
                return Err(Refused::Closed);
            }
            if need == 0 {
                return Ok(());
            }
            if state.demand != NONE || state.permits < need {
                return Err(Refused::NoPermits);
            }
            if self.replace(state, State { permits: state.permits - need, ..state }) {
                return Ok(());
            }
        }
    }

    /// Takes `need` permits, at most `MAX_PERMITS`; suspends until its turn has come and there are enough.
    #[inline]
    pub(super) fn acquire(&self, need: u64, deadline: Option<Instant>) -> Result<(), Refused> {
        // Before, not after: nobody gives others a turn with the permits in its hands.
        count_operation();
        match self.try_acquire(need) {
            Err(Refused::NoPermits) => self.wait(need, deadline),
            settled => settled,
        }
    }

    #[cold]
    fn wait(&self, need: u64, deadline: Option<Instant>) -> Result<(), Refused> {
        let request = Request::new(need);
        if self.queue.wait(request.note(), Reason::Lock, deadline, || self.attend()) == Wait::TimedOut {
            return Err(Refused::TimedOut);
        }
        match request.verdict() {
            GRANTED => return Ok(()),
            CLOSED => return Err(Refused::Closed),
            _ => {}
        }
        let place = AtFront { permits: self, need };
        loop {
            let waited = self.front.wait(Note::NONE, Reason::Lock, deadline, || self.front_may_go());
            if waited == Wait::TimedOut {
                return place.leave(Refused::TimedOut);
            }
            if self.front_may_go() {
                return place.leave(Refused::Closed);
            }
        }
    }

    /// As [`acquire`](Self::acquire), for futures. Dropped early it takes no permits.
    pub(super) async fn acquire_async(&self, need: u64) -> Result<(), Refused> {
        match self.try_acquire(need) {
            Err(Refused::NoPermits) => {}
            settled => return settled,
        }
        let request = Request::new(need);
        let _ = Place::new(&self.queue, request.note(), || self.attend(), || self.hand_back(&request)).await;
        match request.verdict() {
            GRANTED => return Ok(()),
            CLOSED => return Err(Refused::Closed),
            _ => {}
        }
        let place = AtFront { permits: self, need };
        loop {
            // A wake-up at the front is for nobody else, so none is passed on; what it stood for is settled by `place`.
            let _ = Place::new(&self.front, Note::NONE, || self.front_may_go(), || ()).await;
            if self.front_may_go() {
                return place.leave(Refused::Closed);
            }
        }
    }

    /// Right after FRONT was cleared, or CLOSED set.
    fn wake_front(&self) {
        if !self.front.is_empty() {
            self.front.wake_one();
        }
    }

    /// Whether the one at the front has nothing to wait for any more.
    fn front_may_go(&self) -> bool {
        let state = self.load();
        !state.front || state.closed
    }

    /// A popped request whose owner has gone.
    fn hand_back(&self, request: &Request) {
        match request.verdict() {
            GRANTED => self.release(request.need),
            AT_FRONT => drop(AtFront { permits: self, need: request.need }),
            _ => {}
        }
    }

    /// Puts permits in, given out before or new.
    ///
    /// # Panics
    /// If there would be more than `MAX_PERMITS`; nothing has changed then.
    #[inline]
    pub(super) fn release(&self, permits: u64) {
        loop {
            let state = self.load();
            if permits == 1 && state.hands_over() && self.hand_over() {
                return;
            }
            let mut next = State { permits: state.permits.saturating_add(permits), ..state };
            assert!(next.permits <= MAX_PERMITS, "a semaphore holds at most {MAX_PERMITS} permits");
            let met = !state.closed && state.demand != NONE && state.demand != BUSY && next.permits >= state.demand;
            if met {
                next.demand = BUSY;
                next.front = false;
                if state.front {
                    next.permits -= state.demand;
                }
            }
            if !self.replace(state, next) {
                continue;
            }
            match (met, state.front) {
                (false, _) => {}
                (true, true) => self.wake_front(),
                (true, false) => self.distribute(),
            }
            return;
        }
    }

    /// Gives a permit to the first who waits, if there is anybody and one is all it needs.
    fn hand_over(&self) -> bool {
        // The word is looked at after the queue: see "Hand-over against a request for many".
        let Some((held, note)) = self.queue.pop_if(|note| note.flag() && self.load().hands_over()) else {
            return false;
        };
        // SAFETY: just popped.
        unsafe { Request::of(note) }.verdict.store(GRANTED, Ordering::Relaxed);
        held.release();
        true
    }

    /// Takes up to `permits` out for good; returns how many.
    pub(super) fn forget(&self, permits: u64) -> u64 {
        loop {
            let state = self.load();
            let taken = permits.min(state.permits);
            if self.replace(state, State { permits: state.permits - taken, ..state }) {
                return taken;
            }
        }
    }

    /// From now on no permit is given out, and nobody waits.
    pub(super) fn close(&self) {
        loop {
            let state = self.load();
            if state.closed {
                return;
            }
            let unattended = state.demand != NONE && state.demand != BUSY && !state.front;
            let demand = if unattended { BUSY } else { state.demand };
            if !self.replace(state, State { demand, closed: true, ..state }) {
                continue;
            }
            if unattended {
                self.distribute();
            } else if state.front {
                self.wake_front();
            }
            return;
        }
    }

    /// Called after registering: sees to it that somebody looks at the queue.
    ///
    /// Never saves the wait, but may end it: the request may be popped right here.
    fn attend(&self) -> bool {
        loop {
            let state = self.load();
            match state.demand {
                NONE => {
                    if self.replace(state, State { demand: BUSY, ..state }) {
                        self.distribute();
                        return false;
                    }
                }
                BUSY if !state.called => {
                    if self.replace(state, State { called: true, ..state }) {
                        return false;
                    }
                }
                // Whoever brings what is demanded, or takes CALLED back, looks.
                _ => return false,
            }
        }
    }

    /// With the turn: serves requests in order while there are permits, then gives the turn up.
    #[cold]
    fn distribute(&self) {
        loop {
            let state = self.load();
            debug_assert!(state.demand == BUSY && !state.front);
            if state.called {
                // First, and then the look at the queue: who calls after this is not in what was seen.
                self.replace(state, State { called: false, ..state });
                continue;
            }
            if state.permits == 0 && !state.closed && !self.queue.is_empty() {
                // Popping somebody would only wake it for nothing. Whoever brings the next permit goes on from here.
                if self.replace(state, State { demand: 1, ..state }) {
                    return;
                }
                continue;
            }
            // Partner of the one in `push`: a waiter that is missed below sees BUSY without CALLED, or what has become of that.
            order_after_rmw();
            if (state.permits > 0 || state.closed)
                && let Some((held, note)) = self.queue.pop()
            {
                // SAFETY: just popped.
                let request = unsafe { Request::of(note) };
                let verdict = self.decide(request.need);
                request.verdict.store(verdict, Ordering::Relaxed);
                held.release();
                if verdict == AT_FRONT {
                    return;
                }
                continue;
            }
            // Fails if somebody has called, or permits have come, since the queue was found empty.
            if self.replace(state, State { demand: NONE, ..state }) {
                return;
            }
        }
    }

    /// With the turn: what becomes of a request; with `AT_FRONT` the turn is gone.
    fn decide(&self, need: u64) -> u32 {
        loop {
            let state = self.load();
            let (next, verdict) = if state.closed {
                return CLOSED;
            } else if state.permits >= need {
                (State { permits: state.permits - need, ..state }, GRANTED)
            } else {
                (State { demand: need, front: true, ..state }, AT_FRONT)
            };
            if self.replace(state, next) {
                return verdict;
            }
        }
    }
}

/// Being at the front. Dropped by an unwinding tasklet or with a future, it takes no permits.
struct AtFront<'a> {
    permits: &'a Permits,
    need: u64,
}

impl AtFront<'_> {
    /// Steps aside, and serves the next. Fails with `otherwise` unless the permits had come.
    fn leave(self, otherwise: Refused) -> Result<(), Refused> {
        let granted = self.take_turn_back();
        self.permits.distribute();
        std::mem::forget(self);
        if granted { Ok(()) } else { Err(otherwise) }
    }

    /// Has the turn afterwards; returns whether it was granted, and then has the permits too.
    fn take_turn_back(&self) -> bool {
        loop {
            let state = self.permits.load();
            if !state.front {
                return true;
            }
            if self.permits.replace(state, State { demand: BUSY, front: false, ..state }) {
                return false;
            }
        }
    }
}

impl Drop for AtFront<'_> {
    fn drop(&mut self) {
        if self.take_turn_back() {
            self.permits.release(self.need);
        }
        self.permits.distribute();
    }
}
