//! A meeting point.
//!
//! The word is `round << 32 | arrived`. Who arrives adds one, by compare-and-swap; the last of a round goes to the next round with
//! nobody arrived, and wakes all. Everyone else waits for the round to change.
//!
//! *Arriving against the last.* (1) One arrives, registers and then looks at the round. (2) The last changes the round, then looks at the
//! queue. By the order of SeqCst accesses one of them sees the other. Those of the next round who are woken by mistake look at the
//! round and wait again.
//!
//! *Leaving against the last.* A waiter that is cancelled takes its arrival back by a compare-and-swap of the whole word. If the
//! round is another by then, its arrival has counted. (The same round number comes again after 2^32 rounds, each of which would have to
//! end while that waiter is between reading the word and swapping it.)

use super::place::Place;
use std::fmt;
use tasklets_park::sync::atomic::{AtomicU64, Ordering};
use tasklets_park::{Note, Reason, WaitQueue};

/// A point at which a number of tasklets, threads or futures wait for each other. It may be used again and again.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tasklets_runtime::{run, scope, sync::Barrier};
///
/// run(|| {
///     let (barrier, arrived) = (Barrier::new(3), AtomicUsize::new(0));
///     scope(|s| {
///         for _ in 0..3 {
///             s.spawn(|| {
///                 arrived.fetch_add(1, Ordering::Relaxed);
///                 barrier.wait();
///                 assert_eq!(arrived.load(Ordering::Relaxed), 3);
///             });
///         }
///     });
/// });
/// ```
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of `wait`, and a future may be dropped; either takes its arrival back, unless the
/// last had come before.
pub struct Barrier {
    parties: u32,
    word: AtomicU64,
    queue: WaitQueue,
}

/// What [`Barrier::wait`] returns: one of each round is its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether the caller was the one who came last.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// An arrival in a round that is not over. Dropped, it is taken back.
struct Arrived<'a> {
    barrier: &'a Barrier,
    round: u32,
}

impl Arrived<'_> {
    fn is_over(&self) -> bool {
        round(self.barrier.word.load(Ordering::SeqCst)) != self.round
    }
}

impl Drop for Arrived<'_> {
    fn drop(&mut self) {
        let mut word = self.barrier.word.load(Ordering::SeqCst);
        while round(word) == self.round {
            match self.barrier.word.compare_exchange(word, word - 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }
}

fn round(word: u64) -> u32 {
    (word >> 32) as u32
}

impl Barrier {
    super::constructor! {
        /// A barrier for so many; with 0 or 1 nobody waits.
        ///
        /// # Panics
        /// With 2^32 or more.
        pub fn new(n: usize) -> Self {
            assert!(n <= u32::MAX as usize, "a barrier is for fewer than 2^32");
            Self { parties: n as u32, word: AtomicU64::new(0), queue: WaitQueue::new() }
        }
    }

    /// `None` for the last, who has ended the round.
    fn arrive(&self) -> Option<Arrived<'_>> {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            let is_last = word as u32 + 1 >= self.parties;
            let next = if is_last { u64::from(round(word).wrapping_add(1)) << 32 } else { word + 1 };
            match self.word.compare_exchange(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) if is_last => {
                    if !self.queue.is_empty() {
                        self.queue.wake_all();
                    }
                    return None;
                }
                Ok(_) => return Some(Arrived { barrier: self, round: round(word) }),
                Err(now) => word = now,
            }
        }
    }

    /// Suspends until as many have called this as the barrier is for.
    pub fn wait(&self) -> BarrierWaitResult {
        let Some(arrived) = self.arrive() else { return BarrierWaitResult(true) };
        while !arrived.is_over() {
            let _ = self.queue.wait(Note::NONE, Reason::Lock, None, || arrived.is_over());
        }
        BarrierWaitResult(false)
    }

    /// As [`wait`](Self::wait), as a future.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let barrier = tasklets_runtime::sync::Barrier::new(1);
    /// assert!(barrier.wait_async().await.is_leader());
    /// # });
    /// ```
    pub async fn wait_async(&self) -> BarrierWaitResult {
        let Some(arrived) = self.arrive() else { return BarrierWaitResult(true) };
        while !arrived.is_over() {
            // All are woken at once, so no wake-up need be passed on.
            let _ = Place::new(&self.queue, Note::NONE, || arrived.is_over(), || ()).await;
        }
        BarrierWaitResult(false)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.word.load(Ordering::SeqCst) as u32;
        f.debug_struct("Barrier").field("parties", &self.parties).field("arrived", &arrived).finish_non_exhaustive()
    }
}
