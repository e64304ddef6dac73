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
use std::cell::Cell;
use std::fmt;
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
    /// With holes where one was removed.
    few: [Option<Entry<'a>>; wait::INLINE],
    /// Those that do not fit into `few`.
    more: Vec<Entry<'a>>,
    next_index: usize,
    biased: bool,
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
        Self { few: [None; wait::INLINE], more: Vec::new(), next_index: 0, biased: false }
    }

    /// An empty list, of which the first operation that is ready will be chosen.
    #[inline]
    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::new() }
    }

    fn add(&mut self, case: &'a dyn Case) -> usize {
        let index = self.next_index;
        match self.few.get_mut(index) {
            Some(place) => *place = Some(Entry { index, case }),
            None => self.more.push(Entry { index, case }),
        }
        self.next_index += 1;
        index
    }

    /// Adds a send. Returns its index.
    pub fn send<T>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender)
    }

    /// Adds a receive. Returns its index.
    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.add(receiver)
    }

    /// Takes an operation out of the list. The other indices stay.
    ///
    /// # Panics
    /// If there is none with this index.
    pub fn remove(&mut self, index: usize) {
        let removed = match self.few.get_mut(index) {
            Some(place) => place.take().is_some(),
            None => {
                let at = self.more.iter().position(|entry| entry.index == index);
                at.map(|at| self.more.remove(at)).is_some()
            }
        };
        assert!(removed, "no operation has the index {index}");
    }

    /// Chooses an operation that needs no waiting.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.with_entries(|entries, biased| start_any_at_last(entries, biased, &mut Buffer::new()))
            .ok_or(TrySelectError)
    }

    /// Chooses an operation, waiting until one needs no more waiting. Suspends the tasklet, or blocks the thread.
    ///
    /// # Panics
    /// If the list is empty.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        assert!(self.few.iter().flatten().next().is_some() || !self.more.is_empty(), "the `Select` has no operations");
        let chosen = self.with_entries(|entries, biased| choose(entries, biased, None));
        chosen.expect("a wait without a deadline ends with an operation")
    }

    /// As [`select`](Self::select), for `timeout` at most.
    ///
    /// # Errors
    /// If the time has passed.
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
    pub fn select_deadline(&mut self, deadline: Instant) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.with_entries(|entries, biased| choose(entries, biased, Some(deadline))).ok_or(SelectTimeoutError)
    }

    /// The index of an operation that would need no waiting now. Somebody else may be faster to carry it out.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.with_entries(|entries, biased| any_ready(entries, biased)).ok_or(TryReadyError)
    }

    /// As [`try_ready`](Self::try_ready), waiting until there is one. Suspends the tasklet, or blocks the thread.
    ///
    /// # Panics
    /// If the list is empty.
    pub fn ready(&mut self) -> usize {
        assert!(self.few.iter().flatten().next().is_some() || !self.more.is_empty(), "the `Select` has no operations");
        let ready = self.with_entries(|entries, biased| watch(entries, biased, None));
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
        self.with_entries(|entries, biased| watch(entries, biased, Some(deadline))).ok_or(ReadyTimeoutError)
    }

    /// Calls `f` with the list, which is on the stack if it is short.
    fn with_entries<R>(&self, f: impl FnOnce(&mut [Entry<'a>], bool) -> R) -> R {
        let mut few = self.few.iter().flatten().copied();
        if !self.more.is_empty() {
            let mut all: Vec<_> = few.chain(self.more.iter().copied()).collect();
            return f(&mut all, self.biased);
        }
        let Some(first) = few.next() else { return f(&mut [], self.biased) };
        let mut list = [first; wait::INLINE];
        let mut len = 1;
        for entry in few {
            list[len] = entry;
            len += 1;
        }
        f(&mut list[..len], self.biased)
    }
}

/// Commits to an operation that needs no waiting.
fn start_any<'a>(entries: &mut [Entry<'a>], biased: bool, buffer: &mut Buffer) -> Option<SelectedOperation<'a>> {
    if !biased {
        shuffle(entries);
    }
    entries.iter().find_map(|&entry| start(entry, buffer))
}

fn start<'a>(Entry { index, case }: Entry<'a>, buffer: &mut Buffer) -> Option<SelectedOperation<'a>> {
    let started = case.try_start(buffer)?;
    Some(SelectedOperation::new(index, case, started, std::mem::replace(buffer, Buffer::new())))
}

/// As [`start_any`], before giving up: goes through the list twice, since an operation may have become ready behind our back at the same time
/// as another, before us, ceased to be. Who always keeps one of them ready never sees a select give up.
fn start_any_at_last<'a>(
    entries: &mut [Entry<'a>],
    biased: bool,
    buffer: &mut Buffer,
) -> Option<SelectedOperation<'a>> {
    start_any(entries, biased, buffer).or_else(|| start_any(entries, biased, buffer))
}

/// Any order is as likely as any other (Fisher and Yates).
fn shuffle(entries: &mut [Entry<'_>]) {
    for last in (1..entries.len()).rev() {
        // The upper half of the product: evenly spread, without a division.
        let other = (u64::from(random()) * (last as u64 + 1)) >> 32;
        entries.swap(last, other as usize);
    }
}

fn any_ready(entries: &mut [Entry<'_>], biased: bool) -> Option<usize> {
    if !biased {
        shuffle(entries);
    }
    entries.iter().find(|entry| entry.case.is_ready(None, false)).map(|entry| entry.index)
}

/// Commits to an operation, waiting until `deadline`.
fn choose<'a>(entries: &mut [Entry<'a>], biased: bool, deadline: Option<Instant>) -> Option<SelectedOperation<'a>> {
    let mut buffer = Buffer::new();
    let mut rounds = 0;
    loop {
        if let Some(operation) = start_any(entries, biased, &mut buffer) {
            return Some(operation);
        }
        if is_past(deadline) {
            return start_any_at_last(entries, biased, &mut buffer);
        }
        match wait(entries, Purpose::Choose, &mut buffer, deadline) {
            Ended::Started(at, started) => {
                let Entry { index, case } = entries[at];
                return Some(SelectedOperation::new(index, case, started, buffer));
            }
            // It is this one's turn. If somebody else was faster there is nothing to pass on.
            Ended::Told(at) => {
                if let Some(operation) = start(entries[at], &mut buffer) {
                    return Some(operation);
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
        Self { more: self.more.clone(), ..*self }
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
    select.more.reserve(CASES.saturating_sub(wait::INLINE));
    select
}
