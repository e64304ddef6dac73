//! A task's life in one word: progress, who wants its result, and who keeps its memory.
//!
//! `references << 8 | flags`
//!
//! | flag      | set                                        | cleared                            | while set                                   |
//! |-----------|--------------------------------------------|------------------------------------|---------------------------------------------|
//! | COMPLETE  | by the task, once: `complete`              | never                              | the result belongs to the join handle       |
//! | JOINER    | by the join handle: `add_joiner`           | by the handle: `remove_joiner`     | the joiner field belongs to the completer   |
//! | HANDLE    | at birth                                   | by the join handle: `drop_handle`  | the handle is alive and counts as a reference |
//! | SCHEDULED | future: `wake`, or at birth                | future: `begin_poll`               | it is in a queue, or will be when its poll ends |
//! | RUNNING   | future: `begin_poll`                       | future: `end_poll`                 | it is being polled                          |
//!
//! Rules.
//! 1. The result is written before COMPLETE is set, by the task; after that only the handle touches it. If HANDLE is
//!    already clear when COMPLETE is set, the task drops the result itself.
//! 2. The joiner field is written by the handle while JOINER is clear and read by the completer if JOINER was set when it
//!    set COMPLETE. `remove_joiner` fails once COMPLETE is set, so the two never touch it at once.
//! 3. The runtime holds one reference until the task is complete; queues hold none. Wakers and `Tasklet`s hold one each.
//!    Whoever finds no reference and no handle left frees the memory.

use tasklets_park::sync::atomic::{AtomicU64, Ordering};

const COMPLETE: u64 = 1;
const JOINER: u64 = 1 << 1;
const HANDLE: u64 = 1 << 2;
const SCHEDULED: u64 = 1 << 3;
const RUNNING: u64 = 1 << 4;
const REFERENCE: u64 = 1 << 8;
/// Far beyond what memory allows for references that cost something; leaking clones in a loop could get here.
const MAX_REFERENCES: u64 = 1 << 48;

/// See the [module](self).
#[derive(Debug)]
pub struct State(AtomicU64);

/// What the completer must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Completed {
    /// Signal the joiner.
    pub wake_joiner: bool,
    /// Nobody will ask for the result: drop it.
    pub drop_result: bool,
}

/// What the join handle must do at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum HandleDropped {
    /// Nothing; the task sees to the rest.
    Nothing,
    /// It was the last to know of the task: free its memory.
    Free,
}

/// What the waker of a future must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Woken {
    /// Nothing.
    Nothing,
    /// Put it into a queue.
    Schedule,
}

/// What to do with a future that was polled and is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Polled {
    /// It waits to be woken.
    Idle,
    /// It was woken meanwhile: put it into a queue.
    Schedule,
}

impl State {
    /// A task just made: one reference for the runtime, a handle, and in a queue.
    pub fn new() -> Self {
        Self(AtomicU64::new(REFERENCE | HANDLE | SCHEDULED))
    }

    /// Whether the task has ended; acquires its result.
    #[inline]
    pub fn is_complete(&self) -> bool {
        self.0.load(Ordering::Acquire) & COMPLETE != 0
    }

    /// Whether somebody may still ask for the result.
    #[inline]
    pub fn has_handle(&self) -> bool {
        self.0.load(Ordering::Relaxed) & HANDLE != 0
    }

    /// Task: the result is written.
    #[inline]
    pub fn complete(&self) -> Completed {
        // Release: rule 1. Acquire: what the handle wrote for us before JOINER.
        let before = self.0.fetch_or(COMPLETE, Ordering::AcqRel);
        debug_assert_eq!(before & COMPLETE, 0, "a task completes once");
        Completed { wake_joiner: before & JOINER != 0, drop_result: before & HANDLE == 0 }
    }

    /// Handle: hands the joiner field to the completer. `false` if the task has ended (and nobody will read the field).
    #[inline]
    #[must_use]
    pub fn add_joiner(&self) -> bool {
        self.update_unless_complete(|state| state | JOINER)
    }

    /// Handle: takes the joiner field back, if the completer has it. `false` if the task has ended; then the field must be
    /// left alone.
    #[inline]
    #[must_use]
    pub fn remove_joiner(&self) -> bool {
        // JOINER is set and cleared by the handle alone, so a clear bit stays clear, and a field that the completer was never
        // given it does not read.
        match self.0.load(Ordering::Acquire) {
            state if state & COMPLETE != 0 => false,
            state if state & JOINER == 0 => true,
            _ => self.update_unless_complete(|state| state & !JOINER),
        }
    }

    #[inline]
    fn update_unless_complete(&self, change: impl Fn(u64) -> u64) -> bool {
        let mut state = self.0.load(Ordering::Acquire);
        loop {
            if state & COMPLETE != 0 {
                return false;
            }
            match self.0.compare_exchange_weak(state, change(state), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// Handle: leaves a task that has not ended. `None` if it has: the handle must first drop the result and then call
    /// [`drop_handle`](Self::drop_handle).
    #[inline]
    pub fn detach(&self) -> Option<HandleDropped> {
        // The runtime's reference is there until the task is complete, so this is never the last.
        self.update_unless_complete(|state| state & !HANDLE).then_some(HandleDropped::Nothing)
    }

    /// Handle: leaves a task that has ended, after seeing to its result.
    #[inline]
    pub fn drop_handle(&self) -> HandleDropped {
        // Release our reads of the result; acquire everybody's for whoever frees.
        let before = self.0.fetch_and(!HANDLE, Ordering::AcqRel);
        if before >= REFERENCE { HandleDropped::Nothing } else { HandleDropped::Free }
    }

    /// One more reference.
    #[inline]
    pub fn retain(&self) {
        // Relaxed: the caller has one, so the task is alive.
        let before = self.0.fetch_add(REFERENCE, Ordering::Relaxed);
        if before / REFERENCE > MAX_REFERENCES {
            std::process::abort();
        }
    }

    /// One reference less. Returns whether the caller must free the memory.
    #[inline]
    #[must_use]
    pub fn release(&self) -> bool {
        let before = self.0.fetch_sub(REFERENCE, Ordering::AcqRel);
        before / REFERENCE == 1 && before & HANDLE == 0
    }

    /// Waker of a future.
    #[inline]
    pub fn wake(&self) -> Woken {
        let mut state = self.0.load(Ordering::Acquire);
        loop {
            if state & COMPLETE != 0 {
                return Woken::Nothing;
            }
            // Also when it is scheduled already: the poll to come must see what the waker wrote before.
            match self.0.compare_exchange_weak(state, state | SCHEDULED, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if state & (SCHEDULED | RUNNING) == 0 => return Woken::Schedule,
                Ok(_) => return Woken::Nothing,
                Err(now) => state = now,
            }
        }
    }

    /// Worker: out of the queue, about to poll.
    #[inline]
    pub fn begin_poll(&self) {
        let before = self.0.fetch_xor(SCHEDULED | RUNNING, Ordering::AcqRel);
        debug_assert_eq!(before & (SCHEDULED | RUNNING), SCHEDULED);
    }

    /// Worker: the poll returned `Pending`.
    #[inline]
    pub fn end_poll(&self) -> Polled {
        let before = self.0.fetch_and(!RUNNING, Ordering::AcqRel);
        if before & SCHEDULED != 0 { Polled::Schedule } else { Polled::Idle }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
