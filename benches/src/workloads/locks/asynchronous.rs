//! The sides whose tasks are futures.

use std::sync::Arc;
use std::time::Instant;

use super::{PERMITS, TASKS, figures, pauses, turns, writes};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::failure::Failure;
use crate::workload::{Scale, Started};

/// A runtime with locks. What is done under one is the same for all: `pause` yields.
pub(super) trait Locks: Asynchronous {
    type Mutex: Send + Sync + 'static;
    type RwLock: Send + Sync + 'static;
    type Semaphore: Send + Sync + 'static;

    fn new_mutex() -> Self::Mutex;
    fn new_rwlock() -> Self::RwLock;
    fn new_semaphore() -> Self::Semaphore;
    /// Adds one to what the mutex protects and returns it.
    fn add(mutex: &Self::Mutex, pause: bool) -> impl Future<Output = u64> + Send;
    /// Adds one to what the lock protects and returns it.
    fn write(rwlock: &Self::RwLock, pause: bool) -> impl Future<Output = u64> + Send;
    /// Returns what the lock protects.
    fn read(rwlock: &Self::RwLock, pause: bool) -> impl Future<Output = u64> + Send;
    /// Takes a permit and gives it back.
    fn pass(semaphore: &Self::Semaphore, pause: bool) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a task does with its permission to write.
async fn count<R: Asynchronous>(value: &mut u64, pause: bool) -> u64 {
    *value += 1;
    if pause {
        R::yield_now().await;
    }
    *value
}

/// What a task does with its permission to read.
async fn look<R: Asynchronous>(value: &u64, pause: bool) -> u64 {
    if pause {
        R::yield_now().await;
    }
    *value
}

impl Locks for Tokio {
    type Mutex = tokio::sync::Mutex<u64>;
    type RwLock = tokio::sync::RwLock<u64>;
    type Semaphore = tokio::sync::Semaphore;

    fn new_mutex() -> Self::Mutex {
        tokio::sync::Mutex::new(0)
    }

    fn new_rwlock() -> Self::RwLock {
        tokio::sync::RwLock::new(0)
    }

    fn new_semaphore() -> Self::Semaphore {
        tokio::sync::Semaphore::new(PERMITS)
    }

    async fn add(mutex: &Self::Mutex, pause: bool) -> u64 {
        count::<Self>(&mut *mutex.lock().await, pause).await
    }

    async fn write(rwlock: &Self::RwLock, pause: bool) -> u64 {
        count::<Self>(&mut *rwlock.write().await, pause).await
    }

    async fn read(rwlock: &Self::RwLock, pause: bool) -> u64 {
        look::<Self>(&*rwlock.read().await, pause).await
    }

    async fn pass(semaphore: &Self::Semaphore, pause: bool) -> Result<(), Failure> {
        let _permit = semaphore.acquire().await?;
        if pause {
            Self::yield_now().await;
        }
        Ok(())
    }
}

impl Locks for Smol {
    type Mutex = smol::lock::Mutex<u64>;
    type RwLock = smol::lock::RwLock<u64>;
    type Semaphore = smol::lock::Semaphore;

    fn new_mutex() -> Self::Mutex {
        smol::lock::Mutex::new(0)
    }

    fn new_rwlock() -> Self::RwLock {
        smol::lock::RwLock::new(0)
    }

    fn new_semaphore() -> Self::Semaphore {
        smol::lock::Semaphore::new(PERMITS)
    }

    async fn add(mutex: &Self::Mutex, pause: bool) -> u64 {
        count::<Self>(&mut *mutex.lock().await, pause).await
    }

    async fn write(rwlock: &Self::RwLock, pause: bool) -> u64 {
        count::<Self>(&mut *rwlock.write().await, pause).await
    }

    async fn read(rwlock: &Self::RwLock, pause: bool) -> u64 {
        look::<Self>(&*rwlock.read().await, pause).await
    }

    async fn pass(semaphore: &Self::Semaphore, pause: bool) -> Result<(), Failure> {
        let _permit = semaphore.acquire().await;
        if pause {
            Self::yield_now().await;
        }
        Ok(())
    }
}

pub(super) fn mutex<R: Locks>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let (mutex, begun) = (Arc::new(R::new_mutex()), Instant::now());
            let task = |_| {
                let mutex = Arc::clone(&mutex);
                R::spawn(async move {
                    for turn in 0..turns {
                        R::add(&mutex, pauses(turn)).await;
                    }
                })
            };
            let tasks: Vec<_> = (0..TASKS).map(task).collect();
            for task in tasks {
                R::join(task).await?;
            }
            figures(begun, turns, R::add(&mutex, false).await, TASKS * turns + 1)
        })
    }))
}

pub(super) fn rwlock<R: Locks>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let (rwlock, begun) = (Arc::new(R::new_rwlock()), Instant::now());
            let task = |_| {
                let rwlock = Arc::clone(&rwlock);
                R::spawn(async move {
                    for turn in 0..turns {
                        match writes(turn) {
                            true => R::write(&rwlock, pauses(turn)).await,
                            false => R::read(&rwlock, pauses(turn)).await,
                        };
                    }
                })
            };
            let tasks: Vec<_> = (0..TASKS).map(task).collect();
            for task in tasks {
                R::join(task).await?;
            }
            let expected = TASKS * (0..turns).filter(|turn| writes(*turn)).count() as u64;
            figures(begun, turns, R::read(&rwlock, false).await, expected)
        })
    }))
}

pub(super) fn semaphore<R: Locks>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let turns = turns(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let (semaphore, begun) = (Arc::new(R::new_semaphore()), Instant::now());
            let task = |_| {
                let semaphore = Arc::clone(&semaphore);
                R::spawn(async move {
                    for turn in 0..turns {
                        R::pass(&semaphore, pauses(turn)).await?;
                    }
                    Ok::<(), Failure>(())
                })
            };
            let tasks: Vec<_> = (0..TASKS).map(task).collect();
            for task in tasks {
                R::join(task).await??;
            }
            figures(begun, turns, 0, 0)
        })
    }))
}
