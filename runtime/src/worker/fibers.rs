//! Fibers made, kept and given back.
//!
//! Every stack on loan must be covered by a place in its pool's budget. A task brings the place that its spawn reserved; the
//! fibers and bare stacks kept here are covered by places that the worker reserved for itself; and the fiber that serves
//! futures and stolen jobs, which nobody reserved anything for, by one more.
//!
//! What a worker keeps, and takes at once, grows with its need from nothing: a program with a handful of tasklets makes no more
//! stacks than that.

use super::{Worker, run, wake};
use crate::fiber::Fiber;
use crate::shared::Shared;
use crate::stack::{Stack, StackError, StackPool};
use crate::task::header::Header;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Idle fibers kept by a worker, at most.
const KEPT_FIBERS: usize = 64;
/// Bare stacks taken from the pool, or given back to it, at once, at most.
const STACK_BATCH: usize = 16;
/// Idle fibers and bare stacks kept by a worker, at most.
const KEPT: usize = KEPT_FIBERS + 2 * STACK_BATCH;
/// Places taken at once for spawns, at first and at most, unless there is a limit on tasklets that must be exact.
const FIRST_PLACES: usize = 4;
const PLACE_BATCH: usize = 32;

pub(super) struct Fibers {
    /// The fiber that became idle last, its stack still in the cache.
    warm: Cell<Option<NonNull<Fiber>>>,
    idle: RefCell<Vec<NonNull<Fiber>>>,
    stacks: RefCell<Vec<Stack>>,
    /// How many stacks to take next.
    stack_batch: Cell<usize>,
    /// Places in the budget that spawns may use up.
    places: Cell<usize>,
    /// How many places to take next.
    place_batch: Cell<usize>,
    most_places: usize,
    /// Places for what is kept here, at most `KEPT`. The first is the warm fiber's.
    covered: Cell<usize>,
    /// Whether there is a place for the next fiber that serves a future or a job.
    service_place: Cell<bool>,
}

impl Fibers {
    pub(super) fn new(shared: &Shared) -> Self {
        let (first_places, most_places) =
            if shared.config.max_tasklets.is_some() { (1, 1) } else { (FIRST_PLACES, PLACE_BATCH) };
        Self {
            warm: Cell::new(None),
            idle: RefCell::default(),
            stacks: RefCell::default(),
            stack_batch: Cell::new(1),
            places: Cell::new(0),
            place_batch: Cell::new(first_places),
            most_places,
            covered: Cell::new(0),
            service_place: Cell::new(false),
        }
    }

    /// How many more idle fibers and stacks than now may be kept beside a warm fiber.
    fn room(&self) -> usize {
        self.covered.get().saturating_sub(1 + self.idle.borrow().len() + self.stacks.borrow().len())
    }

    /// Makes room for `wanted` if that is to be had. It is not if the worker keeps as much as it may, or under a kernel limit so
    /// tight that there are no stacks for it: then less is kept, and tasks pay the pool's price.
    fn make_room(&self, shared: &Shared, wanted: usize) -> bool {
        let more = wanted.saturating_sub(self.room());
        let covered = self.covered.get().max(1) + more;
        if more == 0 || covered > KEPT || shared.stacks.reserve_cache(covered - self.covered.get()).is_err() {
            return more == 0;
        }
        self.covered.set(covered);
        true
    }

    /// Worker's end: everything goes back.
    pub(super) fn give_back_all(&self, shared: &Shared) {
        for fiber in self.idle.take().into_iter().chain(self.warm.take()) {
            // SAFETY: idle fibers are ours alone.
            let (stack, _) = unsafe { Fiber::destroy(fiber) };
            shared.stacks.give([stack]);
        }
        shared.stacks.give(self.stacks.take());
        shared.stacks.unreserve(self.places.take());
        shared.stacks.unreserve_cache(self.covered.take() + usize::from(self.service_place.take()));
    }
}

impl Worker {
    /// Reserves a place for a task of the usual stack size that is spawned here.
    ///
    /// # Errors
    /// Which limit was hit.
    #[inline]
    pub(crate) fn reserve_place(&self) -> Result<(), StackError> {
        let places = &self.fibers.places;
        if places.get() == 0 {
            let batch = &self.fibers.place_batch;
            self.shared.stacks.reserve(batch.get())?;
            places.set(batch.get());
            batch.set((2 * batch.get()).min(self.fibers.most_places));
        }
        places.set(places.get() - 1);
        Ok(())
    }

    /// Takes back the place of a task of the usual stack size that has ended.
    #[inline]
    fn return_place(&self) {
        let (places, batch) = (&self.fibers.places, self.fibers.most_places);
        places.set(places.get() + 1);
        if places.get() >= 2 * batch || batch == 1 {
            self.shared.stacks.unreserve(batch);
            places.set(places.get() - batch);
        }
    }

    /// A fiber of the usual size.
    #[inline]
    pub(super) fn take_fiber(&self) -> NonNull<Fiber> {
        self.fibers.warm.take().unwrap_or_else(|| self.take_cold_fiber())
    }

    #[inline(never)]
    fn take_cold_fiber(&self) -> NonNull<Fiber> {
        let kept = self.fibers.idle.borrow_mut().pop();
        if let Some(fiber) = kept {
            return fiber;
        }
        if self.fibers.stacks.borrow().is_empty() {
            self.take_stacks();
        }
        let stack = self.fibers.stacks.borrow_mut().pop().expect("the pool has a stack for every place");
        self.fiber_on(stack, None)
    }

    /// Takes stacks from the pool: one for somebody who has a place for it, the others to keep.
    fn take_stacks(&self) {
        let fibers = &self.fibers;
        let batch = fibers.stack_batch.get();
        let kept = if fibers.make_room(&self.shared, batch - 1) { batch - 1 } else { fibers.room().min(batch - 1) };
        self.shared.stacks.take(&mut fibers.stacks.borrow_mut(), 1 + kept);
        fibers.stack_batch.set((2 * batch).min(STACK_BATCH));
    }

    fn fiber_on(&self, stack: Stack, pool: Option<Arc<StackPool>>) -> NonNull<Fiber> {
        // SAFETY: the worker keeps `shared` while any fiber of its home lives, and the two functions are made for fibers.
        unsafe { Fiber::create(stack, pool, Arc::as_ptr(&self.shared), run::suspend, wake::wake_fiber) }
    }

    /// A fiber for this task, of the size it asks for.
    #[inline]
    pub(super) fn take_fiber_for(&self, task: &Header) -> NonNull<Fiber> {
        match task.extras.as_ref().and_then(|extras| extras.stacks.as_ref()) {
            None => self.take_fiber(),
            Some(pool) => {
                let mut stack = Vec::new();
                pool.take(&mut stack, 1);
                self.fiber_on(stack.pop().expect("the pool has a stack for every place"), Some(pool.clone()))
            }
        }
    }

    /// Takes back the fiber and the place of a task that has ended.
    #[inline]
    pub(super) fn retire_task_fiber(&self, fiber: NonNull<Fiber>) {
        // SAFETY: its last switch was `Done`, so it is ours.
        if unsafe { fiber.as_ref() }.is_odd_sized() {
            self.retire_odd_fiber(fiber);
        } else {
            self.keep_or_destroy(fiber);
            self.return_place();
        }
    }

    #[cold]
    fn retire_odd_fiber(&self, fiber: NonNull<Fiber>) {
        self.forget_running();
        // SAFETY: as in `retire_task_fiber`.
        let (stack, pool) = unsafe { Fiber::destroy(fiber) };
        if let Some(pool) = pool {
            pool.give([stack]);
            pool.unreserve(1);
        }
    }

    #[inline]
    fn keep_or_destroy(&self, fiber: NonNull<Fiber>) {
        // The stack used last is the warmest; the one before it goes to the others.
        if self.fibers.covered.get() == 0 && !self.fibers.make_room(&self.shared, 1) {
            self.destroy_fiber(fiber);
        } else if let Some(cooler) = self.fibers.warm.replace(Some(fiber)) {
            self.keep_cold_fiber(cooler);
        }
    }

    #[inline(never)]
    fn keep_cold_fiber(&self, fiber: NonNull<Fiber>) {
        let fibers = &self.fibers;
        if fibers.idle.borrow().len() < KEPT_FIBERS - 1 && fibers.make_room(&self.shared, 1) {
            fibers.idle.borrow_mut().push(fiber);
        } else {
            self.destroy_fiber(fiber);
        }
    }

    fn destroy_fiber(&self, fiber: NonNull<Fiber>) {
        self.forget_running();
        // SAFETY: its last switch was `Done`, so it is ours.
        let (stack, _) = unsafe { Fiber::destroy(fiber) };
        if !self.fibers.make_room(&self.shared, 1) {
            return self.shared.stacks.give([stack]);
        }
        let mut stacks = self.fibers.stacks.borrow_mut();
        stacks.push(stack);
        if stacks.len() >= 2 * STACK_BATCH {
            self.shared.stacks.give(stacks.drain(STACK_BATCH..));
        }
    }

    /// The fiber that ran last is about to go: the monitor must not look at it any more.
    fn forget_running(&self) {
        self.remote.running.store(std::ptr::null_mut(), Ordering::Release);
    }

    /// A fiber to serve a future or a job; `None` if the budget has no place for one.
    #[inline]
    pub(super) fn take_service_fiber(&self) -> Option<NonNull<Fiber>> {
        if !self.fibers.service_place.replace(true) && self.shared.stacks.reserve_cache(1).is_err() {
            self.fibers.service_place.set(false);
            return None;
        }
        Some(self.take_fiber())
    }

    /// The serving fiber did not come back: what it served waits. Its place stays with it.
    #[inline]
    pub(super) fn service_fiber_kept(&self) {
        self.fibers.service_place.set(false);
    }

    /// Takes back a fiber that has served. One that `waited` meanwhile comes back with the place that stayed with it.
    #[inline]
    pub(super) fn retire_service_fiber(&self, fiber: NonNull<Fiber>, waited: bool) {
        self.keep_or_destroy(fiber);
        if waited && self.fibers.service_place.replace(true) {
            self.shared.stacks.unreserve_cache(1);
        }
    }
}
