//! Doing something once.
//!
//! | word       | meaning                          | left by                                                  |
//! |------------|----------------------------------|----------------------------------------------------------|
//! | INCOMPLETE | to be done                       | whoever begins: RUNNING                                  |
//! | RUNNING    | somebody is at it                | that one: COMPLETE, or INCOMPLETE if it unwinds or is dropped |
//! | COMPLETE   | done                             | nobody                                                   |
//!
//! *Waiting against the end.* (1) A waiter finds RUNNING, registers and looks again. (2) Whoever is at it changes the word, then looks at the
//! queue and wakes all, also when it has failed: one of them begins anew and the others wait again. By the order of SeqCst accesses
//! one of them sees the other. Since all are woken, a waiter that goes away takes nothing with it.

use super::place::Place;
use std::fmt;
use std::future::Future;
use tasklets_park::sync::atomic::{AtomicU32, Ordering};
use tasklets_park::{Note, Reason, WaitQueue};

const INCOMPLETE: u32 = 0;
const RUNNING: u32 = 1;
const COMPLETE: u32 = 2;

/// Something that is done once, by whoever comes first; the others wait until it is done.
///
/// What is done may wait in its turn. If it panics, or its tasklet is told to end, or its future is dropped, it counts as not
/// done, and the next one tries: there is no poisoning.
///
/// ```
/// use tasklets_runtime::{run, scope, sleep, sync::Once};
///
/// static SET_UP: Once = Once::new();
///
/// run(|| {
///     scope(|s| {
///         for _ in 0..3 {
///             s.spawn(|| {
///                 SET_UP.call_once(|| sleep(std::time::Duration::from_millis(1)));
///                 assert!(SET_UP.is_completed());
///             });
///         }
///     });
/// });
/// ```
pub struct Once {
    word: AtomicU32,
    queue: WaitQueue,
}

/// The right to do it. Dropped, it was not done.
pub(super) struct Running<'a>(&'a Once);

impl Running<'_> {
    /// It was done.
    pub(super) fn complete(self) {
        self.0.end(COMPLETE);
        std::mem::forget(self);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end(INCOMPLETE);
    }
}

impl Once {
    super::constructor! {
        /// To be done.
        pub fn new() -> Self {
            Self { word: AtomicU32::new(INCOMPLETE), queue: WaitQueue::new() }
        }
    }

    super::constructor! {
        /// Done already.
        pub(super) fn completed() -> Self {
            Self { word: AtomicU32::new(COMPLETE), queue: WaitQueue::new() }
        }
    }

    fn end(&self, word: u32) {
        self.word.swap(word, Ordering::SeqCst);
        if !self.queue.is_empty() {
            self.queue.wake_all();
        }
    }

    fn is_running(&self) -> bool {
        self.word.load(Ordering::SeqCst) == RUNNING
    }

    /// The right to do it, if it is to be done and nobody is at it; else whether it is done.
    fn try_begin(&self) -> Result<Running<'_>, bool> {
        match self.word.compare_exchange(INCOMPLETE, RUNNING, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Running(self)),
            Err(word) => Err(word == COMPLETE),
        }
    }

    /// The right to do it, or `None` once it is done; suspends while somebody is at it.
    pub(super) fn begin(&self) -> Option<Running<'_>> {
        loop {
            match self.try_begin() {
                Ok(running) => return Some(running),
                Err(true) => return None,
                Err(false) => _ = self.queue.wait(Note::NONE, Reason::Lock, None, || !self.is_running()),
            }
        }
    }

    /// As [`begin`](Self::begin), as a future.
    pub(super) async fn begin_async(&self) -> Option<Running<'_>> {
        loop {
            match self.try_begin() {
                Ok(running) => return Some(running),
                Err(true) => return None,
                Err(false) => _ = Place::new(&self.queue, Note::NONE, || !self.is_running(), || ()).await,
            }
        }
    }

    /// Calls `f` unless it was done before; suspends while another is at it. Afterwards it is done.
    ///
    /// Calling it again from within `f` waits for ever.
    ///
    /// # Panics
    /// With `f`'s panic.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call, or out of `f`, and the next one tries.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) {
        if self.is_completed() {
            return;
        }
        if let Some(running) = self.begin() {
            f();
            running.complete();
        }
    }

    /// As [`call_once`](Self::call_once), as a future, of a future. Dropped early, the next one tries.
    ///
    /// ```
    /// # tasklets_runtime::block_on(async {
    /// let once = tasklets_runtime::sync::Once::new();
    /// once.call_once_async(|| async {}).await;
    /// assert!(once.is_completed());
    /// # });
    /// ```
    pub async fn call_once_async<F: Future<Output = ()>>(&self, f: impl FnOnce() -> F) {
        if let Some(running) = self.begin_async().await {
            f().await;
            running.complete();
        }
    }

    /// Whether it was done. If so, all that was done is visible.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.word.load(Ordering::SeqCst) == COMPLETE
    }

    /// Suspends until it is done, by somebody else.
    ///
    /// # Cancellation
    /// A tasklet that is told to end unwinds out of this call.
    pub fn wait(&self) {
        while !self.is_completed() {
            let _ = self.queue.wait(Note::NONE, Reason::Lock, None, || self.is_completed());
        }
    }

    /// As [`wait`](Self::wait), as a future.
    pub async fn wait_async(&self) {
        while !self.is_completed() {
            let _ = Place::new(&self.queue, Note::NONE, || self.is_completed(), || ()).await;
        }
    }
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("completed", &self.is_completed()).finish_non_exhaustive()
    }
}
