//! Waiting for several channel operations at once, and carrying out one.

mod buffer;
mod case;
mod operation;
mod wait;

use crate::channel::is_past;
use crate::err::{ReadyTimeoutError, SelectTimeoutError, TryReadyError, TrySelectError};
use crate::receiver::Receiver;
use crate::sender::Sender;
use buffer::Buffer;
use case::Case;
pub use operation::SelectedOperation;
use smallvec::SmallVec;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
#[cfg(not(tasklets_loom))]
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wait::{Ended, Purpose, wait};

/// A list of operations, of which one is chosen that needs no waiting, or the first that becomes so.
///
/// If several are ready one is chosen at random, or with [`new_biased`](Self::new_biased) the first of them. An operation is ready also if
/// it would return an error at once, because its channel is closed. Any number of operations can be waited for; the
/// [`select!`](crate::select!) macro is the same for a list that is known when the program is written.
///
/// ```
/// use tasklets_channels::{Select, unbounded};
///
/// let (s1, r1) = unbounded::<i32>();
/// let (_s2, r2) = unbounded::<i32>();
/// s1.send(10).unwrap();
///
/// let mut select = Select::new();
/// let first = select.recv(&r1);
/// let second = select.recv(&r2);
/// let operation = select.select();
/// assert_eq!(operation.index(), first);
/// assert_eq!(operation.recv(&r1), Ok(10));
/// assert_ne!(first, second);
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of a call that waits; no message is lost by that.
pub struct Select<'a> {
    /// Of type `Entry<'a>`, in the order of their indices if it is biased, otherwise in any. The lifetime is left out, and with it the promise
    /// that they point to something, because the list has a destructor: what an operation is on may go before the select does.
    entries: SmallVec<[MaybeUninit<Entry<'static>>; wait::INLINE]>,
    next_index: usize,
    biased: bool,
    lifetime: PhantomData<Entry<'a>>,
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    index: usize,
    case: &'a dyn Case,
}

// SAFETY: the list refers to senders and receivers, which `send` and `recv` take only if they may be used from any thread.
unsafe impl Send for Select<'_> {}
// SAFETY: as above.
unsafe impl Sync for Select<'_> {}

impl<'a> Select<'a> {
    /// An empty list.
    #[inline]
    pub fn new() -> Self {
        Self { entries: SmallVec::new(), next_index: 0, biased: false, lifetime: PhantomData }
    }

    /// An empty list, of which the first operation that is ready will be chosen.
    #[inline]
    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::new() }
    }

    #[inline]
    fn add(&mut self, case: &'a dyn Case) -> usize {
        let index = self.next_index;
        let entry = MaybeUninit::new(Entry { index, case });
        // SAFETY: the types differ in a lifetime, and anything may be in a `MaybeUninit`.
        self.entries.push(unsafe { mem::transmute::<MaybeUninit<Entry<'a>>, MaybeUninit<Entry<'static>>>(entry) });
        self.next_index += 1;
        index
    }

    /// The list, and whether it is biased.
    #[inline]
    fn list(&mut self) -> (&mut [Entry<'a>], bool) {
        let entries: *mut [MaybeUninit<Entry<'static>>] = &raw mut *self.entries;
        // SAFETY: only `add` puts something there, which is an initialised `Entry<'a>`; and whoever calls this can put nothing else there.
        (unsafe { &mut *(entries as *mut [Entry<'a>]) }, self.biased)
    }

    /// Adds a send. Returns its index.
    #[inline]
    pub fn send<T>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender)
    }

    /// Adds a receive. Returns its index.
    #[inline]
    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.add(receiver)
    }

    /// Takes an operation out of the list. The other indices stay.
    ///
    /// # Panics
    /// If there is none with this index.
    pub fn remove(&mut self, index: usize) {
        let at = self.list().0.iter().position(|entry| entry.index == index);
        let at = at.unwrap_or_else(|| panic!("no operation has the index {index}"));
        self.entries.remove(at);
    }

    /// Chooses an operation that needs no waiting.
    ///
    /// # Errors
    /// If there is none.
    #[inline]
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        let mut operation = SelectedOperation::to_choose();
        let (entries, biased) = self.list();
        let chosen = start_any_at_last(entries, biased, &mut operation);
        if chosen { Ok(operation) } else { Err(TrySelectError) }
    }

    /// Chooses an operation, waiting until one needs no more waiting. Suspends the tasklet, or blocks the thread.
    ///
    /// # Panics
    /// If the list is empty.
    #[inline]
    pub fn select(&mut self) -> SelectedOperation<'a> {
        assert!(!self.entries.is_empty(), "the `Select` has no operations");
        let mut operation = SelectedOperation::to_choose();
        let (entries, biased) = self.list();
        let chosen = choose(entries, biased, None, &mut operation);
        assert!(chosen, "a wait without a deadline ends with an operation");
        operation
    }

    /// As [`select`](Self::select), for `timeout` at most.
    ///
    /// # Errors
    /// If the time has passed.
    #[inline]
    pub fn select_timeout(&mut self, timeout: Duration) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.select_deadline(deadline),
            None => Ok(self.select()),
        }
    }

    /// As [`select`](Self::select), until `deadline` at most.
    ///
    /// # Errors
    /// If the time has passed.
    #[inline]
    pub fn select_deadline(&mut self, deadline: Instant) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        let mut operation = SelectedOperation::to_choose();
        let (entries, biased) = self.list();
        let chosen = choose(entries, biased, Some(deadline), &mut operation);
        if chosen { Ok(operation) } else { Err(SelectTimeoutError) }
    }

    /// The index of an operation that would need no waiting now. Somebody else may be faster to carry it out.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        let (entries, biased) = self.list();
        any_ready(entries, biased).ok_or(TryReadyError)
    }

    /// As [`try_ready`](Self::try_ready), waiting until there is one. Suspends the tasklet, or blocks the thread.
    ///
    /// # Panics
    /// If the list is empty.
    pub fn ready(&mut self) -> usize {
        assert!(!self.entries.is_empty(), "the `Select` has no operations");
        let (entries, biased) = self.list();
        let ready = watch(entries, biased, None);
        ready.expect("a wait without a deadline ends with an operation")
    }

    /// As [`ready`](Self::ready), for `timeout` at most.
    ///
    /// # Errors
    /// If the time has passed.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.ready_deadline(deadline),
            None => Ok(self.ready()),
        }
    }

    /// As [`ready`](Self::ready), until `deadline` at most.
    ///
    /// # Errors
    /// If the time has passed.
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        let (entries, biased) = self.list();
        watch(entries, biased, Some(deadline)).ok_or(ReadyTimeoutError)
    }
}

/// Commits to an operation that needs no waiting, if there is one. (Not by returning it: it would be moved several times.)
fn start_any<'a>(entries: &mut [Entry<'a>], biased: bool, operation: &mut SelectedOperation<'a>) -> bool {
    find(entries, biased, |entry| operation.try_start(entry).then_some(())).is_some()
}

/// As [`start_any`], before giving up: goes through the list twice, since an operation may have become ready behind our back at the same time
/// as another, before us, ceased to be. Who always keeps one of them ready never sees a select give up.
fn start_any_at_last<'a>(entries: &mut [Entry<'a>], biased: bool, operation: &mut SelectedOperation<'a>) -> bool {
    start_any(entries, biased, operation) || start_any(entries, biased, operation)
}

/// What `ask` answers first, going through the list from the front, or if it is not biased in an order of which any is as likely as any other:
/// the shuffle of Fisher and Yates, which goes no further than is asked for.
#[inline]
fn find<'a, R>(entries: &mut [Entry<'a>], biased: bool, mut ask: impl FnMut(Entry<'a>) -> Option<R>) -> Option<R> {
    for at in 0..entries.len() {
        let next = if biased {
            at
        } else {
            // The upper half of the product: evenly spread, without a division.
            at + ((u64::from(random()) * (entries.len() - at) as u64) >> 32) as usize
        };
        if let Some(answer) = ask(entries[next]) {
            return Some(answer);
        }
        entries.swap(at, next);
    }
    None
}

fn any_ready(entries: &mut [Entry<'_>], biased: bool) -> Option<usize> {
    find(entries, biased, |entry| entry.case.is_ready(None, false).then_some(entry.index))
}

/// Commits to an operation, waiting until `deadline`. False if that has passed.
fn choose<'a>(
    entries: &mut [Entry<'a>],
    biased: bool,
    deadline: Option<Instant>,
    operation: &mut SelectedOperation<'a>,
) -> bool {
    let mut rounds = 0;
    loop {
        if start_any(entries, biased, operation) {
            return true;
        }
        if is_past(deadline) {
            return start_any_at_last(entries, biased, operation);
        }
        match wait(entries, Purpose::Choose, operation.buffer(), deadline) {
            Ended::Started(at, started) => {
                operation.start(entries[at], started);
                return true;
            }
            // It is this one's turn. If somebody else was faster there is nothing to pass on.
            Ended::Told(at) => {
                if operation.try_start(entries[at]) {
                    return true;
                }
            }
            Ended::Look => pause(&mut rounds),
            // A timer of a case, perhaps: look once more.
            Ended::TimedOut => {}
        }
    }
}

/// Waits until an operation is ready, or until `deadline`.
fn watch(entries: &mut [Entry<'_>], biased: bool, deadline: Option<Instant>) -> Option<usize> {
    loop {
        if let Some(index) = any_ready(entries, biased) {
            return Some(index);
        }
        if is_past(deadline) {
            return None;
        }
        match wait(entries, Purpose::Observe, &mut Buffer::new(), deadline) {
            Ended::Started(..) => unreachable!("an observer is given nothing"),
            Ended::Told(_) | Ended::Look | Ended::TimedOut => {}
        }
    }
}

/// After another select may have withdrawn at the same time as this one: a while that differs from its.
fn pause(rounds: &mut u32) {
    for _ in 0..random() & ((1 << (*rounds).min(10)) - 1) {
        tasklets_park::sync::spin();
    }
    *rounds += 1;
}

/// A number that nobody counts on (xorshift, Marsaglia), of which no two threads get the same sequence.
// Not inlined with tasklets that may change threads, or the optimiser might keep the thread-local's address across a suspension.
#[cfg_attr(feature = "migrating", inline(never))]
fn random() -> u32 {
    const SEED: u32 = 0x9E37_79B9;
    #[cfg(not(tasklets_loom))]
    static NEXT_SEED: AtomicU32 = AtomicU32::new(SEED);
    #[cfg(not(tasklets_loom))]
    std::thread_local! {
        static STATE: Cell<u32> = Cell::new(NEXT_SEED.fetch_add(SEED, Ordering::Relaxed) | 1);
    }
    // A model goes the same way each time.
    #[cfg(tasklets_loom)]
    loom::thread_local! {
        static STATE: Cell<u32> = Cell::new(SEED);
    }
    // A thread whose thread-locals are gone does without.
    let next = STATE.try_with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        state.set(x);
        x
    });
    next.unwrap_or(0)
}

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Select<'_> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), ..*self }
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("next_index", &self.next_index)
            .field("biased", &self.biased)
            .finish_non_exhaustive()
    }
}

/// What [`select!`](crate::select!) begins with.
#[doc(hidden)]
#[inline]
pub fn begin<'a, const CASES: usize>(biased: bool) -> Select<'a> {
    let mut select = if biased { Select::new_biased() } else { Select::new() };
    select.entries.reserve(CASES);
    select
}
