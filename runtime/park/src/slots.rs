//! Where slots live, and the cache of free ones that each thread keeps.

use crate::slot::Slot;

#[cfg(not(tasklets_loom))]
mod storage {
    use super::Slot;
    use crate::stable::{StablePool, ThreadCache};

    static SLOTS: StablePool<Slot> = StablePool::new();

    thread_local! {
        static CACHE: ThreadCache<Slot> = ThreadCache::new(&SLOTS);
    }

    #[inline]
    pub(crate) fn get(index: u32) -> &'static Slot {
        SLOTS.get(index)
    }

    pub(crate) fn take() -> u32 {
        ThreadCache::take(&CACHE, &SLOTS)
    }

    pub(crate) fn give(index: u32) {
        ThreadCache::give(&CACHE, &SLOTS, index);
    }
}

/// Under loom a handful of slots, made anew for each execution; the one given back last is taken first.
#[cfg(tasklets_loom)]
mod storage {
    use super::Slot;
    use std::sync::Arc;

    const SLOTS: usize = 8;

    struct Storage {
        slots: Vec<Slot>,
        free: loom::sync::Mutex<Vec<u32>>,
    }

    loom::lazy_static! {
        static ref STORAGE: Arc<Storage> = Arc::new(Storage {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            free: loom::sync::Mutex::new((0..SLOTS as u32).map(|i| i + crate::stable::FIRST_INDEX).collect()),
        });
    }

    pub(crate) fn get(index: u32) -> &'static Slot {
        let slot: *const Slot = &STORAGE.slots[(index - crate::stable::FIRST_INDEX) as usize];
        // SAFETY: the storage lives until the end of the execution, which outlives every thread of the model.
        unsafe { &*slot }
    }

    pub(crate) fn take() -> u32 {
        STORAGE.free.lock().expect("nothing panics under this lock").pop().expect("a model uses at most eight contexts")
    }

    pub(crate) fn give(index: u32) {
        if std::thread::panicking() {
            // The model has failed, and with it all that is global is gone.
            return;
        }
        STORAGE.free.lock().expect("nothing panics under this lock").push(index);
    }
}

pub(crate) use storage::{get, give, take};
