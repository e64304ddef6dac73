//! `tasklets::sync::RwLock`: one writes or many read, and nobody sleeps for ever. Its protocol is the semaphore's.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{ByHand, as_os_thread, as_task, as_tasklet, explore, spawn};
use tasklets_runtime::sync::{RwLock, RwLockWriteGuard};

const LONG: Duration = Duration::from_secs(3600);

fn read_in_tasklet(lock: &RwLock<u32>) -> u32 {
    as_tasklet(|| *lock.read())
}

fn read_in_thread(lock: &RwLock<u32>) -> u32 {
    as_os_thread(|| *lock.read())
}

fn read_in_future(lock: &RwLock<u32>) -> u32 {
    *as_task(lock.read_async())
}

fn spawn_reader(lock: &Arc<RwLock<u32>>, read: fn(&RwLock<u32>) -> u32) -> JoinHandle<u32> {
    let lock = lock.clone();
    thread::spawn(move || read(&lock))
}

fn spawn_writer(lock: &Arc<RwLock<u32>>) -> JoinHandle<()> {
    let lock = lock.clone();
    spawn(move || *lock.write() += 1)
}

fn assert_left(lock: &RwLock<u32>, count: u32) {
    assert_eq!(*lock.try_write().expect("nobody is left"), count);
}

/// One writes while another reads: the reader sees all of it or nothing.
#[test]
fn a_writer_and_a_reader() {
    for read in [read_in_tasklet, read_in_thread, read_in_future] {
        loom::model(move || {
            let lock = Arc::new(RwLock::new(0));
            let reader = spawn_reader(&lock, read);
            as_tasklet(|| *lock.write() += 1);
            assert!(reader.join().unwrap() <= 1);
            assert_left(&lock, 1);
        });
    }
}

/// Two write and one reads.
#[test]
fn two_writers_and_a_reader() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let writer = spawn_writer(&lock);
        let reader = spawn_reader(&lock, read_in_future);
        as_tasklet(|| *lock.write() += 1);
        writer.join().unwrap();
        assert!(reader.join().unwrap() <= 2);
        assert_left(&lock, 2);
    });
}

/// Two read while one writes, who had it before them or waits behind them.
#[test]
fn two_readers_and_a_writer() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let readers = [spawn_reader(&lock, read_in_thread), spawn_reader(&lock, read_in_tasklet)];
        as_tasklet(|| *lock.write() += 1);
        for reader in readers {
            assert!(reader.join().unwrap() <= 1);
        }
        assert_left(&lock, 1);
    });
}

/// A writer unlocks while readers wait or begin to: all of them get in, together.
#[test]
fn a_writer_lets_all_readers_in() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let mut writer = lock.try_write().unwrap();
        let waiting = [(); 2].map(|()| {
            let lock = lock.clone();
            ByHand::waiting(async move { std::mem::forget(lock.read_async().await) })
        });
        let late = spawn_reader(&lock, read_in_tasklet);
        *writer += 1;
        drop(writer);
        for mut waiting in waiting {
            assert!(waiting.poll().is_some(), "there is room for it");
        }
        assert_eq!(late.join().unwrap(), 1);
    });
}

/// A writer goes on as a reader while a reader and another writer wait: the reader gets in, then the writer.
#[test]
fn a_writer_goes_on_as_a_reader() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let mut guard = lock.try_write().unwrap();
        let reader = {
            let lock = lock.clone();
            ByHand::waiting(async move { *lock.read_async().await })
        };
        let writer = spawn_writer(&lock);
        *guard += 1;
        let guard = RwLockWriteGuard::downgrade(guard);
        assert_eq!(reader.finish(), 1, "nobody writes in between");
        assert_eq!(*guard, 1);
        drop(guard);
        writer.join().unwrap();
        assert_left(&lock, 2);
    });
}

/// A writer waits for a reader, which unlocks while others want to read: the writer is next.
#[test]
fn readers_do_not_get_past_a_writer() {
    explore(3, || {
        let lock = Arc::new(RwLock::new(0));
        let reader = lock.try_read().unwrap();
        let mut writer = {
            let lock = lock.clone();
            ByHand::waiting(async move { *lock.write_async().await += 1 })
        };
        let late = {
            let lock = lock.clone();
            thread::spawn(move || lock.try_read().is_none())
        };
        drop(reader);
        assert!(late.join().unwrap(), "it was not its turn");
        assert!(writer.poll().is_some());
        assert_left(&lock, 1);
    });
}

/// The last reader unlocks while the deadline of the writer passes: who waits behind the writer gets in.
#[test]
fn a_writer_gives_up() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let reader = lock.try_read().unwrap();
        let writer = {
            let lock = lock.clone();
            spawn(move || lock.try_write_for(LONG).map(|mut value| *value += 1).is_some())
        };
        let late = spawn_reader(&lock, read_in_tasklet);
        drop(reader);
        let wrote = writer.join().unwrap();
        assert!(late.join().unwrap() <= u32::from(wrote));
        assert_left(&lock, u32::from(wrote));
    });
}
