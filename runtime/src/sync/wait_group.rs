//! Waiting for work to be done, however many do it.
//!
//! The word is `added << 32 | handles`. Whoever takes the last of both out wakes all. At 0 there is no handle left to add to it, so
//! it stays there.
//!
//! *Waiting against the last.* (1) A waiter registers, then looks at the word. (2) The last changes the word, then looks at the
//! queue. By the order of SeqCst accesses one of them sees the other.

use super::place::Place;
use std::fmt;
use std::sync::Arc;
use tasklets_park::sync::atomic::{AtomicU64, Ordering};
use tasklets_park::{Note, Reason, WaitQueue};

const ONE_HANDLE: u64 = 1;
const ONE_ADDED: u64 = 1 << 32;
/// Neither count may reach this.
const TOO_MANY: u64 = 1 << 31;

fn handles(word: u64) -> u64 {
    word & (ONE_ADDED - 1)
}

fn added(word: u64) -> u64 {
    word >> 32
}

/// Waits until others have done their work, whether they are clones of it that are dropped, or counted by
/// [`add`](Self::add) and [`done`](Self::done).
///
/// ```
/// use tasklets_runtime::{run, spawn, sync::WaitGroup};
///
/// run(|| {
///     let group = WaitGroup::new();
///     for _ in 0..4 {
///         let group = group.clone();
///         spawn(move || {
///             // work
///             drop(group);
///         });
///     }
///     group.wait();
/// });
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of `wait`, and a future may be dropped; nobody else notices.
pub struct WaitGroup {
    shared: Arc<Shared>,
}

struct Shared {
    word: AtomicU64,
    queue: WaitQueue,
}

impl Shared {
    /// Takes one of what is counted out of the word, of which the caller has one.
    fn take(&self, one: u64) {
        if self.word.fetch_sub(one, Ordering::SeqCst) == one {
            self.wake_if_any();
        }
    }

    fn wake_if_any(&self) {
        if !self.queue.is_empty() {
            self.queue.wake_all();
        }
    }

    fn is_done(&self) -> bool {
        self.word.load(Ordering::SeqCst) == 0
    }
}

impl WaitGroup {
    /// A group with this handle alone.
    pub fn new() -> Self {
        Self { shared: Arc::new(Shared { word: AtomicU64::new(ONE_HANDLE), queue: WaitQueue::new() }) }
    }

    /// Counts `n` pieces of work more, each of which ends with a call of [`done`](Self::done).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tasklets_runtime::{run, scope, sync::WaitGroup};
    ///
    /// run(|| {
    ///     let group = WaitGroup::new();
    ///     group.add(3);
    ///     scope(|s| {
    ///         let waits = group.clone();
    ///         for _ in 0..3 {
    ///             s.spawn(|| group.done());
    ///         }
    ///         drop(waits);
    ///     });
    ///     group.wait();
    /// });
    /// ```
    ///
    /// # Panics
    /// With 2^31 or more at a time; nothing is counted then.
    pub fn add(&self, n: usize) {
        let mut word = self.shared.word.load(Ordering::SeqCst);
        loop {
            let sum = added(word).saturating_add(n as u64);
            assert!(sum < TOO_MANY, "a wait group counts fewer than 2^31 pieces of work");
            let next = handles(word) | sum << 32;
            match self.shared.word.compare_exchange(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// One piece of work that was [added](Self::add) is done. Never suspends.
    ///
    /// # Panics
    /// If there is none.
    pub fn done(&self) {
        let mut word = self.shared.word.load(Ordering::SeqCst);
        loop {
            assert!(added(word) > 0, "`done` was called more often than work was added");
            // This handle is counted too, so the word does not reach 0 here.
            match self.shared.word.compare_exchange(word, word - ONE_ADDED, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Drops this handle and suspends until all others have been dropped, or wait too, and all that was added is done.
    pub fn wait(self) {
        let shared = self.shared.clone();
        drop(self);
        while !shared.is_done() {
            let _ = shared.queue.wait(Note::NONE, Reason::Lock, None, || shared.is_done());
        }
    }

    /// As [`wait`](Self::wait), as a future. The handle is dropped when it is first polled, or dropped.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let group = tasklets_runtime::sync::WaitGroup::new();
    /// let works = group.clone();
    /// let worker = std::thread::spawn(move || drop(works));
    /// group.wait_async().await;
    /// # worker.join().unwrap();
    /// # });
    /// ```
    pub async fn wait_async(self) {
        let shared = self.shared.clone();
        drop(self);
        while !shared.is_done() {
            // All are woken at once, so no wake-up need be passed on.
            let _ = Place::new(&shared.queue, Note::NONE, || shared.is_done(), || ()).await;
        }
    }
}

impl Clone for WaitGroup {
    /// # Panics
    /// With 2^31 handles.
    fn clone(&self) -> Self {
        let shared = self.shared.clone();
        let before = handles(shared.word.fetch_add(ONE_HANDLE, Ordering::SeqCst));
        if before + 1 >= TOO_MANY {
            shared.take(ONE_HANDLE);
            panic!("a wait group has fewer than 2^31 handles");
        }
        Self { shared }
    }
}

impl Drop for WaitGroup {
    fn drop(&mut self) {
        self.shared.take(ONE_HANDLE);
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.shared.word.load(Ordering::SeqCst);
        f.debug_struct("WaitGroup").field("handles", &handles(word)).field("added", &added(word)).finish()
    }
}
