//! The sides whose tasks block.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{PERMITS, TASKS, figures, pauses, turns, writes};
use crate::blocking::{Blocking, May, Tasklets, Threads};
use crate::failure::Failure;
use crate::workload::{Scale, Started};

/// A runtime with locks. What is done under one is the same for all: `pause` yields.
pub(super) trait Locks: Blocking {
    type Mutex: Send + Sync + 'static;
    type RwLock: Send + Sync + 'static;

    fn new_mutex() -> Self::Mutex;
    fn new_rwlock() -> Self::RwLock;
    /// Adds one to what the mutex protects and returns it.
    fn add(mutex: &Self::Mutex, pause: bool) -> u64;
    /// Adds one to what the lock protects and returns it.
    fn write(rwlock: &Self::RwLock, pause: bool) -> u64;
    /// Returns what the lock protects.
    fn read(rwlock: &Self::RwLock, pause: bool) -> u64;
}

/// A runtime with a semaphore.
pub(super) trait Permits: Blocking {
    type Semaphore: Send + Sync + 'static;

    fn new_semaphore() -> Self::Semaphore;
    /// Takes a permit and gives it back.
    fn pass(semaphore: &Self::Semaphore, pause: bool) -> Result<(), Failure>;
}

/// What a task does with its permission to write.
fn count<R: Blocking>(value: &mut u64, pause: bool) -> u64 {
    *value += 1;
    if pause {
        R::yield_now();
    }
    *value
}

/// What a task does with its permission to read.
fn look<R: Blocking>(value: &u64, pause: bool) -> u64 {
    if pause {
        R::yield_now();
    }
    *value
}

impl Locks for Tasklets {
    type Mutex = tasklets::sync::Mutex<u64>;
    type RwLock = tasklets::sync::RwLock<u64>;

    fn new_mutex() -> Self::Mutex {
        tasklets::sync::Mutex::new(0)
    }

    fn new_rwlock() -> Self::RwLock {
        tasklets::sync::RwLock::new(0)
    }

    fn add(mutex: &Self::Mutex, pause: bool) -> u64 {
        count::<Self>(&mut mutex.lock(), pause)
    }

    fn write(rwlock: &Self::RwLock, pause: bool) -> u64 {
        count::<Self>(&mut rwlock.write(), pause)
    }

    fn read(rwlock: &Self::RwLock, pause: bool) -> u64 {
        look::<Self>(&rwlock.read(), pause)
    }
}

impl Permits for Tasklets {
    type Semaphore = tasklets::sync::Semaphore;

    fn new_semaphore() -> Self::Semaphore {
        tasklets::sync::Semaphore::new(PERMITS)
    }

    fn pass(semaphore: &Self::Semaphore, pause: bool) -> Result<(), Failure> {
        let _permit = semaphore.acquire()?;
        if pause {
            Self::yield_now();
        }
        Ok(())
    }
}

// may's and std's locks can be poisoned. No task panics here, so a poisoned one is taken as it is.

impl Locks for May {
    type Mutex = may::sync::Mutex<u64>;
    type RwLock = may::sync::RwLock<u64>;

    fn new_mutex() -> Self::Mutex {
        may::sync::Mutex::new(0)
    }

    fn new_rwlock() -> Self::RwLock {
        may::sync::RwLock::new(0)
    }

    fn add(mutex: &Self::Mutex, pause: bool) -> u64 {
        count::<Self>(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner), pause)
    }

    fn write(rwlock: &Self::RwLock, pause: bool) -> u64 {
        count::<Self>(&mut rwlock.write().unwrap_or_else(PoisonError::into_inner), pause)
    }

    fn read(rwlock: &Self::RwLock, pause: bool) -> u64 {
        look::<Self>(&rwlock.read().unwrap_or_else(PoisonError::into_inner), pause)
    }
}

impl Permits for May {
    type Semaphore = may::sync::Semphore;

    fn new_semaphore() -> Self::Semaphore {
        may::sync::Semphore::new(PERMITS)
    }

    fn pass(semaphore: &Self::Semaphore, pause: bool) -> Result<(), Failure> {
        semaphore.wait();
        if pause {
            Self::yield_now();
        }
        semaphore.post();
        Ok(())
    }
}

impl Locks for Threads {
    type Mutex = std::sync::Mutex<u64>;
    type RwLock = std::sync::RwLock<u64>;

    fn new_mutex() -> Self::Mutex {
        std::sync::Mutex::new(0)
    }

    fn new_rwlock() -> Self::RwLock {
        std::sync::RwLock::new(0)
    }

    fn add(mutex: &Self::Mutex, pause: bool) -> u64 {
        count::<Self>(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner), pause)
    }

    fn write(rwlock: &Self::RwLock, pause: bool) -> u64 {
        count::<Self>(&mut rwlock.write().unwrap_or_else(PoisonError::into_inner), pause)
    }

    fn read(rwlock: &Self::RwLock, pause: bool) -> u64 {
        look::<Self>(&rwlock.read().unwrap_or_else(PoisonError::into_inner), pause)
    }
}

/// Has every task take its turns and waits for all.
fn contend<R: Blocking, L: Send + Sync + 'static>(
    lock: &Arc<L>,
    turns: u64,
    turn: fn(&L, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let lock = Arc::clone(lock);
            R::spawn(move || (0..turns).try_for_each(|number| turn(&lock, number)))
        })
        .collect();
    tasks.into_iter().try_for_each(|task| R::join(task)?)
}

pub(super) fn mutex<R: Locks>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let (mutex, begun) = (Arc::new(R::new_mutex()), Instant::now());
            contend::<R, _>(&mutex, turns, |mutex, turn| {
                R::add(mutex, pauses(turn));
                Ok(())
            })?;
            figures(begun, turns, R::add(&mutex, false), TASKS * turns + 1)
        })
    }))
}

pub(super) fn rwlock<R: Locks>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let (rwlock, begun) = (Arc::new(R::new_rwlock()), Instant::now());
            contend::<R, _>(&rwlock, turns, |rwlock, turn| {
                match writes(turn) {
                    true => R::write(rwlock, pauses(turn)),
                    false => R::read(rwlock, pauses(turn)),
                };
                Ok(())
            })?;
            let expected = TASKS * (0..turns).filter(|turn| writes(*turn)).count() as u64;
            figures(begun, turns, R::read(&rwlock, false), expected)
        })
    }))
}

pub(super) fn semaphore<R: Permits>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let (semaphore, begun) = (Arc::new(R::new_semaphore()), Instant::now());
            contend::<R, _>(&semaphore, turns, |semaphore, turn| R::pass(semaphore, pauses(turn)))?;
            figures(begun, turns, 0, 0)
        })
    }))
}
