//! Who waits for something: first come, first served, without a lock.

use crate::fifo::{Extra, Fifo};
use crate::note::Note;
use crate::reason::Reason;
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU64, Ordering};
use crate::sync::order_after_rmw;
use crate::ticket::{Held, Ticket};
use crate::waiter::{Waited, Waiter};
use std::time::Instant;

/// Entries of ended waits that a queue may hold before it looks for them.
#[cfg(not(tasklets_loom))]
const TOLERATED: i64 = 32;
#[cfg(tasklets_loom)]
const TOLERATED: i64 = 0;

/// The waiters of one thing, in the order in which they came: what channels, semaphores and locks wait on.
///
/// # How nobody sleeps for ever
///
/// 1. A waiter registers (a sequentially consistent read-modify-write), and *then* looks once more whether what it wants is there.
/// 2. Whoever makes something available does that by a sequentially consistent read-modify-write, and *then* looks for waiters.
/// 3. Of two that do so at once, at least one sees the other. If it is the waiter it withdraws. If it is the other it takes the waiter
///    out. If both do, the waiter's word decides.
///
/// # Whose entry is dead
///
/// An entry is the ticket of a wait. A wait that ends otherwise (the deadline, cancellation, another case of a select) leaves it behind:
/// whoever pops it sees that its ticket wins nothing, and takes the next. When more than half of the entries are dead, the one who left the
/// last goes through the queue: dead ones are taken out, the others go to the end one after the other, so that their order stays. A living
/// one is put at the end before it is taken out at the front, so that nobody who looks meanwhile misses it; if somebody takes it out in
/// between, its second entry is a dead one. Whoever is popped while that goes on may be so before its turn. So a queue holds no more than
/// about twice as many entries as there are waiters.
#[derive(Debug, Default)]
pub struct WaitQueue {
    entries: Fifo<(), Entry>,
    /// Entries whose wait has ended, as far as is known; may be off for moments.
    dead: AtomicI64,
    /// Somebody goes through the queue.
    sweeping: AtomicBool,
    /// The end of what sweeps have put behind others.
    moved: AtomicU64,
}

/// Atomic because a sweep looks at it while others may reuse it.
#[derive(Debug, Default)]
struct Entry {
    ticket: AtomicU64,
    note: AtomicPtr<()>,
}

// SAFETY: zeros are the dead ticket and no note.
unsafe impl Extra for Entry {}

impl Entry {
    fn get(&self) -> (Ticket, Note) {
        // Acquire, partner of the releases in `push`: a sweep that reads what was stored for a later position finds by `is_front`, which
        // comes after, that the head has moved on, and does not take this ticket and that note for a pair.
        let bits = self.ticket.load(Ordering::Acquire);
        // SAFETY: only tickets are stored, by `push`, and before that 0, which is the dead ticket. If it belongs to another position than
        // the caller thinks it is a ticket all the same.
        (unsafe { Ticket::from_bits(bits) }, self.note())
    }

    fn note(&self) -> Note {
        Note::from_pointer(self.note.load(Ordering::Acquire))
    }
}

/// How a wait in a queue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wait {
    /// What was waited for was there after all; nobody had taken the waiter out.
    Ready,
    /// Somebody took the waiter out and released it.
    Woken,
    /// The deadline passed first.
    TimedOut,
}

impl WaitQueue {
    /// Nobody waits.
    #[cfg(not(tasklets_loom))]
    pub const fn new() -> Self {
        Self {
            entries: Fifo::new(),
            dead: AtomicI64::new(0),
            sweeping: AtomicBool::new(false),
            moved: AtomicU64::new(0),
        }
    }

    /// Nobody waits.
    #[cfg(tasklets_loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody waits; false if there are dead entries only. To be called right after the sequentially consistent read-modify-write
    /// that made something available.
    #[inline]
    pub fn is_empty(&self) -> bool {
        order_after_rmw();
        self.entries.is_empty()
    }

    /// Whether [`pop`](Self::pop) may find somebody: as not [`is_empty`](Self::is_empty), but false too if there is only one who is still
    /// registering, and looks after that. What a loop that pops goes by: it would else turn until that one gets on.
    #[inline]
    pub fn is_ready(&self) -> bool {
        order_after_rmw();
        self.entries.is_firmly_ready()
    }

    /// How many wait: a snapshot.
    pub fn len(&self) -> usize {
        let dead = self.dead.load(Ordering::Relaxed).max(0) as u64;
        self.entries.len().saturating_sub(dead) as usize
    }

    /// Whether somebody waits for whom `matches` holds, given the ticket and the note that were registered. Those who register meanwhile may be
    /// missed: they look after that. May be wrong the other way: then it is worth looking again.
    pub fn any(&self, mut matches: impl FnMut(Ticket, Note) -> bool) -> bool {
        order_after_rmw();
        self.entries.any(|entry| {
            let (ticket, note) = entry.get();
            ticket.is_open() && matches(ticket, note)
        })
    }

    /// Takes out whoever has waited longest. It stays suspended until the result is released, and what it has registered is the caller's
    /// alone until then.
    #[inline]
    pub fn pop(&self) -> Option<(Held, Note)> {
        self.take_out(|_| true)
    }

    /// As [`pop`](Self::pop), but only if `wanted` holds for the note of whoever has waited longest. It is asked when all who came before have
    /// been taken out; it may be shown the note of one that came later, and if it then refuses so does this.
    #[inline]
    pub fn pop_if(&self, mut wanted: impl FnMut(Note) -> bool) -> Option<(Held, Note)> {
        // Acquire for the reason that `Entry::get` has: the note of a later position comes with a head that has moved on, and nobody is
        // taken out for it.
        self.take_out(|entry| wanted(entry.note()))
    }

    #[inline]
    fn take_out(&self, mut wanted: impl FnMut(&Entry) -> bool) -> Option<(Held, Note)> {
        loop {
            let (ticket, note) = self.entries.pop_with_if(&mut wanted, |(), entry| entry.get())?;
            if let Some(held) = ticket.hold() {
                return Some((held, note));
            }
            self.dead.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Wakes whoever has waited longest. Returns whether there was anybody.
    #[inline]
    pub fn wake_one(&self) -> bool {
        self.pop().map(|(held, _)| held.release()).is_some()
    }

    /// Wakes all that wait now. Those that come meanwhile are not woken, except while somebody goes through the queue.
    pub fn wake_all(&self) {
        let mut end = self.entries.tail_position();
        loop {
            if self.entries.head_position() < end {
                // A waiter always has an entry that is there to be taken, so if there is none, none is left.
                if !self.wake_one() {
                    return;
                }
                continue;
            }
            // A sweep may have put one that was here behind one that came later. It said how far before it moved the head over the
            // former entry, which is before `end`.
            let moved = self.moved.load(Ordering::SeqCst);
            if moved <= end {
                return;
            }
            end = moved;
        }
    }

    /// Registers a wait; the caller then looks whether what it wants is there after all. `note` is whatever the two sides agree upon.
    #[inline]
    pub fn push(&self, ticket: Ticket, note: Note) {
        loop {
            let Ok(place) = self.entries.reserve(u64::MAX) else { unreachable!("neither bounded nor ever closed") };
            place.extra().ticket.store(ticket.into_bits(), Ordering::Release);
            place.extra().note.store(note.into_pointer(), Ordering::Release);
            // Firmly: whoever registers looks next, and the others look for it after an ordinary read-modify-write.
            if place.fill_firmly(()).is_ok() {
                return;
            }
        }
    }

    /// An entry was left behind whose wait has ended, or will right away, without having been [popped](Self::pop).
    pub fn forsake(&self) {
        let dead = self.dead.fetch_add(1, Ordering::Relaxed) + 1;
        if dead <= TOLERATED || dead as u64 <= self.entries.len() / 2 {
            return;
        }
        if !self.sweeping.swap(true, Ordering::Acquire) {
            self.sweep();
            self.sweeping.store(false, Ordering::Release);
        }
    }

    #[cold]
    fn sweep(&self) {
        for _ in 0..self.entries.len() {
            let Some((position, entry)) = self.entries.front() else { return };
            let (ticket, note) = entry.get();
            if !self.entries.is_front(position) {
                continue;
            }
            let living = ticket.is_open();
            if living {
                self.push(ticket, note);
                // Before the head moves over the former entry: see `wake_all`. The tail never goes back, and one sweeps at a time.
                self.moved.store(self.entries.tail_position(), Ordering::SeqCst);
            }
            // One entry more or less: gone if it was dead, doubled if somebody else has just taken it out.
            match (self.entries.pop_if(position), living) {
                (Some(()), false) => self.dead.fetch_sub(1, Ordering::Relaxed),
                (None, true) => self.dead.fetch_add(1, Ordering::Relaxed),
                _ => continue,
            };
        }
    }

    /// Registers the running context, then asks `ready`; waits unless it says yes.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call, unless somebody has taken it out before: then it returns [`Wait::Woken`].
    #[inline]
    pub fn wait(&self, note: Note, reason: Reason, deadline: Option<Instant>, ready: impl FnOnce() -> bool) -> Wait {
        self.wait_with(Waiter::begin().because(reason), note, deadline, ready)
    }

    /// As [`wait`](Self::wait), but cannot be cancelled.
    pub fn wait_firmly(&self, note: Note, reason: Reason, ready: impl FnOnce() -> bool) -> Wait {
        self.wait_with(Waiter::begin_firmly().because(reason), note, None, ready)
    }

    #[inline]
    fn wait_with(&self, waiter: Waiter, note: Note, deadline: Option<Instant>, ready: impl FnOnce() -> bool) -> Wait {
        self.push(waiter.ticket(), note);
        if ready() { self.withdraw(waiter) } else { self.wait_pushed(waiter, deadline) }
    }

    /// Ends a wait after [`push`](Self::push) with the ticket of `waiter` and a look that found something. [`Wait::Ready`], or [`Wait::Woken`]
    /// if somebody had taken it out.
    #[inline]
    pub fn withdraw(&self, waiter: Waiter) -> Wait {
        if !waiter.withdraw() {
            return Wait::Woken;
        }
        self.forsake();
        Wait::Ready
    }

    /// Waits, after [`push`](Self::push) with the ticket of `waiter` and a look. [`Wait::Woken`] or [`Wait::TimedOut`].
    ///
    /// # Cancellation
    /// As [`wait`](Self::wait).
    #[inline]
    pub fn wait_pushed(&self, waiter: Waiter, deadline: Option<Instant>) -> Wait {
        let forsaken = Forsaken(self);
        match waiter.wait(deadline) {
            Waited::Signaled => {
                std::mem::forget(forsaken);
                Wait::Woken
            }
            Waited::TimedOut => Wait::TimedOut,
        }
    }
}

/// Says that the entry is dead when the wait ends otherwise, also by unwinding.
struct Forsaken<'a>(&'a WaitQueue);

impl Drop for Forsaken<'_> {
    fn drop(&mut self) {
        self.0.forsake();
    }
}
