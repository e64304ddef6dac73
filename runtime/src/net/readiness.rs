//! Waiting until the kernel says that a socket can go on.
//!
//! A socket costs nothing here until an operation would block for the first time. Then it gets an *io slot* and is registered,
//! edge-triggered, with the poller of the worker that runs the caller's home; when a tasklet of another home has to wait for it, it
//! moves to that worker's poller. While only reads have had to wait it is registered for them alone: that it can be written to, as
//! nearly every socket can, would be an event right away, and end a sleep for nothing. Io slots never go away (see [`stable`](tasklets_park::stable)), so an
//! event that arrives after its socket was closed finds a slot with another generation and is ignored.
//!
//! # One direction
//!
//! `count of events << 3 | ODD | DRAINED | READY`
//!
//! | bit     | set                                             | cleared                                        |
//! |---------|-------------------------------------------------|------------------------------------------------|
//! | READY   | by an event                                     | by an operation that would have blocked        |
//! | DRAINED | by a read that got less than it had room for    | by an event                                    |
//! | ODD     | by an event that tells of an end or urgent data | never: there may be no further event           |
//!
//! DRAINED saves the system call that would only say "would block": the next read waits first. A read that got less than it had
//! room for may have stopped before an end, or at urgent data with more behind it; so once ODD is set DRAINED no longer is.
//!
//! # No event is lost
//!
//! *Event against clearing.* An operation reads the word before it asks the kernel and clears by compare-and-swap against that
//! value. If an event came in between the count differs, the clearing fails, and the operation asks again.
//!
//! *Event against going to sleep.* (1) The waiter stores its ticket. (2) Fence. (3) It looks at READY again. The reporter (a) sets
//! READY, (b) fence, (c) takes the tickets. The fences are sequentially consistent: if (b) is before (2), the waiter sees READY in
//! (3); otherwise the reporter sees the ticket in (c).

use crate::poller::PollerHandle;
use crate::worker::Worker;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tasklets_park::stable::{INDEX_BITS, StablePool, ThreadCache};
use tasklets_park::{Reason, Ticket, Waited, Waiter};

const READY: u64 = 1;
const DRAINED: u64 = 2;
const ODD: u64 = 4;
const EVENT: u64 = 8;

/// After so many operations without a wait the others get a turn: a socket that is always ready must not starve them.
const MAX_STREAK: u32 = 32;

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Into the program: reads and accepts.
    Read,
    /// Out of it: writes and connects.
    Write,
}

#[derive(Default)]
struct Side {
    word: AtomicU64,
    /// The ticket of one waiter, or 0.
    waiter: AtomicU64,
    /// How many tickets are in `more`; changed under its lock.
    crowd: AtomicU32,
    /// Waiters beyond the first: several tasklets that read one socket.
    more: Mutex<Vec<Ticket>>,
}

#[derive(Default)]
struct IoSlot {
    generation: AtomicU64,
    read: Side,
    write: Side,
}

static SLOTS: StablePool<IoSlot> = StablePool::new();

thread_local! {
    static CACHE: ThreadCache<IoSlot> = ThreadCache::new(&SLOTS);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is done under these locks leaves everything whole at each step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl IoSlot {
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

impl Side {
    fn report(&self, odd: bool) {
        let add = |word: u64| Some(((word & ODD) | READY | if odd { ODD } else { 0 }) + (word & !7) + EVENT);
        // Release: what the kernel did before it told us; paired with the acquire of whoever tries again.
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, add);
        // Partner: the fence in `Waiting::new`.
        fence(Ordering::SeqCst);
        let waiter = self.waiter.swap(0, Ordering::AcqRel);
        if waiter != 0 {
            // SAFETY: what is not 0 was put there by `Listed::new`, from a ticket.
            unsafe { Ticket::from_bits(waiter) }.signal();
        }
        if self.crowd.load(Ordering::Relaxed) > 0 {
            let mut more = lock(&self.more);
            self.crowd.store(0, Ordering::Relaxed);
            more.drain(..).for_each(|ticket| {
                ticket.signal();
            });
        }
    }

    /// Replaces the bits `clear` by `set`, unless there was an event since `seen`. Returns whether it did.
    fn update(&self, seen: u64, clear: u64, set: u64) -> bool {
        self.word.compare_exchange(seen, (seen & !clear) | set, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Waits for an event, unless there has been one.
    fn wait(&self, deadline: Option<Instant>) -> Waited {
        let waiter = Waiter::begin().because(Reason::Socket);
        let listed = Listed::new(self, waiter.ticket());
        // Partner: the fence in `report`.
        fence(Ordering::SeqCst);
        if self.word.load(Ordering::Acquire) & READY != 0 {
            return Waited::Signaled;
        }
        let waited = waiter.wait(deadline);
        drop(listed);
        waited
    }
}

/// A ticket where reporters find it; taken out again on drop, also when the wait unwinds.
struct Listed<'a> {
    side: &'a Side,
    ticket: Ticket,
}

impl<'a> Listed<'a> {
    fn new(side: &'a Side, ticket: Ticket) -> Self {
        if side.waiter.compare_exchange(0, ticket.into_bits(), Ordering::AcqRel, Ordering::Relaxed).is_err() {
            let mut more = lock(&side.more);
            more.push(ticket);
            side.crowd.store(more.len() as u32, Ordering::Relaxed);
        }
        Self { side, ticket }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let Self { side, ticket } = self;
        if side.waiter.compare_exchange(ticket.into_bits(), 0, Ordering::AcqRel, Ordering::Relaxed).is_err()
            && side.crowd.load(Ordering::Relaxed) > 0
        {
            let mut more = lock(&side.more);
            more.retain(|other| other != ticket);
            side.crowd.store(more.len() as u32, Ordering::Relaxed);
        }
    }
}

/// Worker: the kernel has an event for the socket with this token.
pub(crate) fn report(token: usize, readable: bool, writable: bool, odd: bool) {
    let slot = SLOTS.get(token as u32 & ((1 << INDEX_BITS) - 1));
    if slot.generation.load(Ordering::Acquire) != (token >> INDEX_BITS) as u64 {
        // The socket was closed since. (And if it is closed just now: a needless READY, which is only a hint.)
        return;
    }
    if readable {
        slot.read.report(odd);
    }
    if writable {
        slot.write.report(odd);
    }
}

/// A socket's side of it all: whether and where it is registered. Part of every socket type.
#[derive(Default)]
pub(crate) struct Source {
    /// The io slot, once there is one.
    index: AtomicU32,
    /// Which poller it is registered with, to compare addresses; `registration` keeps it.
    poller: AtomicPtr<PollerHandle>,
    /// Whether it is registered for writes too. Once it is, it stays so, also when it moves.
    writes: AtomicBool,
    registration: Mutex<Option<Arc<PollerHandle>>>,
    /// There may be other descriptors of the same socket, so closing this one does not end the registration.
    shared: AtomicBool,
    /// How many operations in a row succeeded without a wait.
    streak: AtomicU32,
}

impl Source {
    /// A source for a socket of which there may be other descriptors.
    pub(crate) fn of_shared_socket() -> Self {
        Self { shared: AtomicBool::new(true), ..Self::default() }
    }

    /// From now on there may be other descriptors of this socket.
    pub(crate) fn mark_shared(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }

    /// Runs `operation`, which must not block, until it does something else than complain that it would; in between the
    /// tasklet waits for events. `short` tells of a result that it exhausted what there was.
    ///
    /// On an OS thread outside a runtime the thread waits in `poll(2)`.
    ///
    /// # Errors
    /// The operation's; `TimedOut` if it had to wait longer than `timeout`; or why the socket could not be registered.
    pub(crate) fn run<R>(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        timeout: Option<Duration>,
        mut operation: impl FnMut() -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> io::Result<R> {
        if self.streak.load(Ordering::Relaxed) >= MAX_STREAK {
            self.streak.store(0, Ordering::Relaxed);
            crate::yield_now();
        }
        // Known from the first wait on: most operations need no clock.
        let mut deadline = None;
        let mut wait = || {
            let until = || timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            self.wait(fd, direction, *deadline.get_or_insert_with(until))
        };
        loop {
            let side = self.known_side(direction);
            let seen = side.map_or(0, |side| side.word.load(Ordering::Acquire));
            if seen & DRAINED != 0
                && let Some((worker, _)) = Worker::current()
                && self.is_with(&worker.shared.workers[worker.index].poller, direction)
            {
                wait()?;
                continue;
            }
            match operation() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let settled = side.is_none_or(|side| seen & READY == 0 || side.update(seen, READY, 0));
                    if settled {
                        wait()?;
                    }
                }
                Ok(result) => {
                    if let Some(side) = side
                        && direction == Direction::Read
                        && seen & ODD == 0
                        && short(&result)
                    {
                        side.update(seen, READY, DRAINED);
                    }
                    // A lost count among several tasklets does no harm.
                    self.streak.store(self.streak.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    return Ok(result);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn known_side(&self, direction: Direction) -> Option<&'static Side> {
        let index = self.index.load(Ordering::Acquire);
        (index != 0).then(|| SLOTS.get(index).side(direction))
    }

    /// Whether `poller` tells of events of this direction.
    fn is_with(&self, poller: &Arc<PollerHandle>, direction: Direction) -> bool {
        // Acquire: partners of the releases in `register`.
        std::ptr::eq(self.poller.load(Ordering::Acquire), Arc::as_ptr(poller))
            && (direction == Direction::Read || self.writes.load(Ordering::Acquire))
    }

    /// Waits for an event of this direction.
    fn wait(&self, fd: BorrowedFd<'_>, direction: Direction, deadline: Option<Instant>) -> io::Result<()> {
        let Some((worker, _)) = Worker::current() else {
            return poll_on_thread(fd, direction, deadline);
        };
        self.streak.store(0, Ordering::Relaxed);
        let poller = &worker.shared.workers[worker.index].poller;
        if !self.is_with(poller, direction) {
            self.register(fd, poller, direction)?;
        }
        let side = self.known_side(direction).expect("a registered socket has a slot");
        match side.wait(deadline) {
            Waited::Signaled => Ok(()),
            Waited::TimedOut => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Gives it an io slot, if it has none yet, and returns the token by which [`report`] reaches it.
    pub(crate) fn token(&self) -> usize {
        self.token_under(&lock(&self.registration))
    }

    /// As [`token`](Self::token), for a caller that holds the lock.
    fn token_under(&self, _: &MutexGuard<'_, Option<Arc<PollerHandle>>>) -> usize {
        let mut index = self.index.load(Ordering::Relaxed);
        if index == 0 {
            index = ThreadCache::take(&CACHE, &SLOTS);
            self.index.store(index, Ordering::Release);
        }
        let generation = SLOTS.get(index).generation.load(Ordering::Relaxed);
        (generation as usize) << INDEX_BITS | index as usize
    }

    /// Registers the socket with `poller`, and with no other any more.
    ///
    /// Those who wait while it moves lose nothing: the new poller begins by reporting what is ready, and reports go to the slot,
    /// whichever poller they come from. The same goes for a registration that is widened.
    #[cold]
    fn register(&self, fd: BorrowedFd<'_>, poller: &Arc<PollerHandle>, direction: Direction) -> io::Result<()> {
        let mut registration = lock(&self.registration);
        let raw = fd.as_raw_fd();
        let mut socket = SourceFd(&raw);
        let token = Token(self.token_under(&registration));
        let mut interest = Interest::READABLE | Interest::PRIORITY;
        // Who writes and has to wait, or connects, soon reads.
        let writes = direction == Direction::Write || self.writes.load(Ordering::Relaxed);
        if writes {
            interest |= Interest::WRITABLE;
        }
        if registration.as_ref().is_some_and(|before| Arc::ptr_eq(before, poller)) {
            poller.registry.reregister(&mut socket, token, interest)?;
        } else {
            match poller.registry.register(&mut socket, token, interest) {
                // Left by an earlier descriptor of this number and socket, which was closed while others of the socket were not.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    poller.registry.reregister(&mut socket, token, interest)?;
                }
                other => other?,
            }
        }
        // Release: who sees these knows that it is registered so. `writes` never goes back, so it is true of any `poller`.
        self.writes.store(writes, Ordering::Release);
        self.poller.store(Arc::as_ptr(poller).cast_mut(), Ordering::Release);
        if let Some(before) = registration.replace(poller.clone())
            && !Arc::ptr_eq(&before, poller)
        {
            // It may have lost the socket by itself, if all its descriptors were closed and this number was used again.
            let _ = before.registry.deregister(&mut socket);
        }
        Ok(())
    }

    /// Ends the registration, before the descriptor is closed or handed out.
    pub(crate) fn deregister(&mut self, fd: BorrowedFd<'_>) {
        let before = self.registration.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(before) = before
            && *self.shared.get_mut()
        {
            // An error would mean that it is not registered, which is what we want.
            let _ = before.registry.deregister(&mut SourceFd(&fd.as_raw_fd()));
        }
        *self.poller.get_mut() = std::ptr::null_mut();
        *self.writes.get_mut() = false;
        let index = std::mem::take(self.index.get_mut());
        if index == 0 {
            return;
        }
        let slot = SLOTS.get(index);
        // Events on their way find another generation. It has 36 bits in a token: the wheel of all of them takes longer to turn
        // than an event stays in a poller.
        let next = (slot.generation.load(Ordering::Relaxed) + 1) & ((1 << (usize::BITS - INDEX_BITS)) - 1);
        slot.generation.store(next, Ordering::Release);
        for side in [&slot.read, &slot.write] {
            // Nobody waits: waiting borrows the socket, and the caller has it alone.
            side.word.store(0, Ordering::Relaxed);
        }
        ThreadCache::give(&CACHE, &SLOTS, index);
    }
}

/// Waits on an OS thread.
fn poll_on_thread(fd: BorrowedFd<'_>, direction: Direction, deadline: Option<Instant>) -> io::Result<()> {
    let events = match direction {
        Direction::Read => libc::POLLIN,
        Direction::Write => libc::POLLOUT,
    };
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let timeout = match deadline {
        None => -1,
        Some(deadline) => {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            // Rounded up, so that it does not spin through the last millisecond.
            libc::c_int::try_from(left.as_millis() + 1).unwrap_or(libc::c_int::MAX)
        }
    };
    // SAFETY: one valid entry, for the time of the call.
    if unsafe { libc::poll(&mut entry, 1, timeout) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // Ready, timed out or interrupted: the caller tries again and, if need be, comes back.
    Ok(())
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("index", &self.index).finish_non_exhaustive()
    }
}
