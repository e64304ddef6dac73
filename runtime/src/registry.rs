//! What the teardown of a runtime must find although no home holds it: pending futures, and suspended tasklets that may migrate.

use crate::card::StartedList;
use crate::fiber::Fiber;
use crate::task::future;
use crate::task::header::{Header, TaskRef};
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tasklets_park::stable::BATCH;

/// Both kinds are spread over so many lists, so that workers seldom meet at one lock.
const SHARDS: usize = 16;

/// Every list operation leaves the list whole, so poison is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Futures that have not ended. It holds the runtime's reference of each.
#[derive(Default)]
pub(crate) struct FutureRegistry {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    futures: Vec<Option<TaskRef>>,
    free: Vec<usize>,
}

/// Where a future stands in the registry; written once, before it can run.
#[derive(Debug)]
pub(crate) struct Key(UnsafeCell<usize>);

impl Default for Key {
    fn default() -> Self {
        Self(UnsafeCell::new(usize::MAX))
    }
}

// SAFETY: it is written by the spawner before the task is shared, and only read afterwards.
unsafe impl Sync for Key {}

impl FutureRegistry {
    fn shard(&self, header: &Header) -> &Mutex<Shard> {
        &self.shards[header.id as usize % SHARDS]
    }

    /// Adds a future, with the runtime's reference.
    ///
    /// # Safety
    /// It was just made and nobody else knows of it; the caller gives the runtime's reference up. `key` is the future's.
    pub(crate) unsafe fn insert(&self, task: NonNull<Header>, key: &Key) {
        // SAFETY: the caller has the reference.
        let task = unsafe { TaskRef::from_raw(task) };
        let mut shard = lock(self.shard(&task));
        let at = shard.free.pop().unwrap_or(shard.futures.len());
        // SAFETY: nobody else knows of the future yet.
        unsafe { *key.0.get() = at };
        if at == shard.futures.len() {
            shard.futures.push(Some(task));
        } else {
            shard.futures[at] = Some(task);
        }
    }

    /// Removes a future that has ended, and returns its reference for the caller to drop.
    pub(crate) fn remove(&self, header: &Header, key: &Key) -> Option<TaskRef> {
        // SAFETY: written before the future could run.
        let at = unsafe { *key.0.get() };
        let mut shard = lock(self.shard(header));
        let task = shard.futures.get_mut(at)?.take();
        shard.free.push(at);
        task
    }

    /// Teardown: makes every pending future runnable, so that it is polled once more and told to end.
    pub(crate) fn wake_all(&self) {
        for shard in &self.shards {
            // Waking queues the future and runs none of its code, so the lock may be held.
            for task in lock(shard).futures.iter().flatten() {
                future::wake(task);
            }
        }
    }

    /// How many futures have not ended.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(lock).map(|shard| shard.futures.len() - shard.free.len()).sum()
    }

    /// Whether no future is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Tasklets spawned by `spawn_migrating` that have been suspended and have not ended. Most never are, and those pass it by.
#[derive(Default)]
pub(crate) struct Migrants {
    shards: [Mutex<StartedList>; SHARDS],
}

impl Migrants {
    /// The shard of a fiber: a thread gets the indices of its cards in batches, so workers seldom meet.
    fn shard(&self, fiber: &Fiber) -> MutexGuard<'_, StartedList> {
        lock(&self.shards[fiber.card.index() / BATCH % SHARDS])
    }

    pub(crate) fn insert(&self, fiber: &Fiber) {
        self.shard(fiber).insert(fiber);
    }

    pub(crate) fn remove(&self, fiber: &Fiber) {
        self.shard(fiber).remove(fiber);
    }

    /// Calls `each` for all of them, none of which ends meanwhile; it must not change the registry.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Fiber)) {
        for shard in &self.shards {
            lock(shard).for_each_while(|fiber| {
                each(fiber);
                true
            });
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).is_empty())
    }
}
