//! A home: the identity that started tasklets belong to.
//!
//! A home is an OS thread's thread-locals, the ready queue of the tasklets that have started there, their inbox and their
//! timers. A [worker](crate::worker) is a core's executor that runs a home. They are one to one at present; only
//! [`Shared::new`](crate::shared::Shared) knows that.

use crate::card::StartedList;
use crate::inbox::Inbox;
use crate::node::{List, Runnable};
use crate::time::wheel::Wheel;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::time::Instant;

/// What others may use of a home.
#[derive(Debug)]
pub(crate) struct Home {
    /// What others made runnable for it.
    pub(crate) inbox: Inbox,
    /// The worker that runs it.
    worker: AtomicU32,
    /// How many more tasks have started here than ended here, which may be less than none, since some migrate. To be added up over all
    /// homes; written by the home.
    live: AtomicIsize,
}

impl Home {
    pub(crate) fn new(worker: usize) -> Self {
        Self { inbox: Inbox::default(), worker: AtomicU32::new(worker as u32), live: AtomicIsize::new(0) }
    }

    pub(crate) fn worker(&self) -> usize {
        self.worker.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn live(&self) -> isize {
        self.live.load(Ordering::Relaxed)
    }

    /// Home: a task has started. A plain load and store, since only the home writes.
    #[inline]
    pub(crate) fn count_in(&self) {
        self.live.store(self.live() + 1, Ordering::Relaxed);
    }

    /// Home: a task has ended.
    #[inline]
    pub(crate) fn count_out(&self) {
        self.live.store(self.live() - 1, Ordering::Relaxed);
    }
}

/// The part of a home that its own thread alone touches.
pub(crate) struct LocalHome {
    /// Its number among the homes of the runtime.
    pub(crate) index: u32,
    /// Started tasklets that can go on, and fresh tasks that must start here.
    pub(crate) ready: List,
    /// The one that the running tasklet woke last: it goes first.
    pub(crate) run_next: Cell<Option<Runnable>>,
    /// Fibers suspended with work under way.
    pub(crate) started: StartedList,
    /// The runtime ends, and all of them were told.
    pub(crate) told_to_end: Cell<bool>,
    timers: UnsafeCell<Wheel>,
}

impl LocalHome {
    pub(crate) fn new(index: u32, now: Instant) -> Self {
        Self {
            index,
            ready: List::default(),
            run_next: Cell::new(None),
            started: StartedList::default(),
            told_to_end: Cell::new(false),
            timers: UnsafeCell::new(Wheel::new(now)),
        }
    }

    /// Uses the timers.
    #[inline]
    pub(crate) fn with_timers<R>(&self, f: impl FnOnce(&mut Wheel) -> R) -> R {
        // SAFETY: one thread, and no `f` in this crate calls back into here.
        f(unsafe { &mut *self.timers.get() })
    }
}
