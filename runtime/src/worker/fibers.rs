//! Fibers made, kept and given back.
//!
//! Every stack on loan must be covered by a place in its pool's budget. A task brings the place that its spawn reserved; the
//! fibers and bare stacks kept here are covered by places that the worker reserved for itself; and the fiber that serves
//! futures and stolen jobs, which nobody reserved anything for, by one more.

use super::{Worker, run, wake};
use crate::fiber::Fiber;
use crate::shared::Shared;
use crate::stack::{Stack, StackError, StackPool};
use crate::task::header::Header;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Idle fibers kept by a worker.
const KEPT_FIBERS: usize = 64;
/// Bare stacks taken from the pool, or given back to it, at once.
const STACK_BATCH: usize = 16;
/// Places taken at once for spawns, unless there is a limit on tasklets that must be exact.
const PLACE_BATCH: usize = 32;

pub(super) struct Fibers {
    /// The fiber that became idle last, its stack still in the cache.
    warm: Cell<Option<NonNull<Fiber>>>,
    idle: RefCell<Vec<NonNull<Fiber>>>,
    stacks: RefCell<Vec<Stack>>,
    /// Places in the budget that spawns may use up.
    places: Cell<usize>,
    place_batch: usize,
    /// Places for what is kept here.
    covered: usize,
    /// Whether there is a place for the next fiber that serves a future or a job.
    service_place: Cell<bool>,
}

impl Fibers {
    pub(super) fn new(shared: &Shared) -> Self {
        // Under a kernel limit so tight that this fails nothing is kept, and each task pays the pool's price.
        let wanted = KEPT_FIBERS + 2 * STACK_BATCH;
        let covered = if shared.stacks.reserve_cache(wanted).is_ok() { wanted } else { 0 };
        Self {
            warm: Cell::new(None),
            idle: RefCell::new(Vec::with_capacity(KEPT_FIBERS)),
            stacks: RefCell::new(Vec::with_capacity(2 * STACK_BATCH)),
            places: Cell::new(0),
            place_batch: if shared.config.max_tasklets.is_some() { 1 } else { PLACE_BATCH },
            covered,
            service_place: Cell::new(false),
        }
    }

    fn may_keep(&self) -> bool {
        self.covered > 0 && self.idle.borrow().len() < KEPT_FIBERS - 1
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
        shared.stacks.unreserve_cache(self.covered + usize::from(self.service_place.take()));
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
            self.shared.stacks.reserve(self.fibers.place_batch)?;
            places.set(self.fibers.place_batch);
        }
        places.set(places.get() - 1);
        Ok(())
    }

    /// Takes back the place of a task of the usual stack size that has ended.
    #[inline]
    fn return_place(&self) {
        let (places, batch) = (&self.fibers.places, self.fibers.place_batch);
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
        let stack = {
            let mut stacks = self.fibers.stacks.borrow_mut();
            if stacks.is_empty() {
                let batch = if self.fibers.covered > 0 { STACK_BATCH } else { 1 };
                self.shared.stacks.take(&mut stacks, batch);
            }
            stacks.pop().expect("the pool has a stack for every place")
        };
        self.fiber_on(stack, None)
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
        if self.fibers.covered == 0 {
            self.destroy_fiber(fiber);
        } else if let Some(cooler) = self.fibers.warm.replace(Some(fiber)) {
            self.keep_cold_fiber(cooler);
        }
    }

    #[inline(never)]
    fn keep_cold_fiber(&self, fiber: NonNull<Fiber>) {
        if self.fibers.may_keep() {
            self.fibers.idle.borrow_mut().push(fiber);
        } else {
            self.destroy_fiber(fiber);
        }
    }

    fn destroy_fiber(&self, fiber: NonNull<Fiber>) {
        self.forget_running();
        // SAFETY: its last switch was `Done`, so it is ours.
        let (stack, _) = unsafe { Fiber::destroy(fiber) };
        let mut stacks = self.fibers.stacks.borrow_mut();
        stacks.push(stack);
        let keep = if self.fibers.covered > 0 { STACK_BATCH } else { 0 };
        if stacks.len() >= 2 * STACK_BATCH || keep == 0 {
            self.shared.stacks.give(stacks.drain(keep..));
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
