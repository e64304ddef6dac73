//! `tasklets::sync::Semaphore`: who needs several permits waits at the front until they have come, and nobody gets past it.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{ByHand, Plain, Tasklet, as_os_thread, as_task, as_tasklet, explore, spawn, until_cancelled};
use tasklets_runtime::sync::Semaphore;

const LONG: Duration = Duration::from_secs(3600);

/// Two permits: who has both may write, who has one may read.
struct Gate {
    semaphore: Semaphore,
    room: Plain<u32>,
}

impl Gate {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self { semaphore: Semaphore::new(permits), room: Plain::new(0) })
    }

    fn write(&self) {
        self.room.set(self.room.get() + 1);
    }

    fn write_in_tasklet(&self) {
        as_tasklet(|| self.semaphore.acquire_many(2).map(|_permits| self.write()).unwrap());
    }

    fn write_in_thread(&self) {
        as_os_thread(|| self.semaphore.acquire_many(2).map(|_permits| self.write()).unwrap());
    }

    fn write_in_future(&self) {
        as_task(self.semaphore.acquire_many_async(2)).map(|_permits| self.write()).unwrap();
    }

    fn read(&self) {
        as_tasklet(|| self.semaphore.acquire().map(|_permit| self.room.get()).unwrap());
    }

    fn reader(self: &Arc<Self>) -> JoinHandle<()> {
        let gate = self.clone();
        thread::spawn(move || gate.read())
    }

    /// Nobody has a permit or waits for one, and it was written so often.
    fn assert_left(&self, permits: u32, written: u32) {
        assert_eq!(self.semaphore.available_permits(), permits as usize);
        assert!(self.semaphore.try_acquire_many(permits).is_ok(), "somebody waits");
        assert_eq!(self.room.get(), written);
    }

    /// A future that waits for so many, and keeps them.
    fn waiting(self: &Arc<Self>, permits: u32) -> ByHand<()> {
        let gate = self.clone();
        ByHand::waiting(async move { gate.semaphore.acquire_many_async(permits).await.unwrap().forget() })
    }

    fn adder(self: &Arc<Self>, permits: usize) -> JoinHandle<()> {
        let gate = self.clone();
        thread::spawn(move || gate.semaphore.add_permits(permits))
    }
}

/// One wants both permits while two others want one each: it does not have them beside another.
#[test]
fn a_request_for_both_beside_requests_for_one() {
    for write in [Gate::write_in_tasklet, Gate::write_in_thread, Gate::write_in_future] {
        explore(2, move || {
            let gate = Gate::new(2);
            let readers = [gate.reader(), gate.reader()];
            write(&gate);
            for reader in readers {
                reader.join().unwrap();
            }
            gate.assert_left(2, 1);
        });
    }
}

/// Two want both permits, of which one is out and comes back.
#[test]
fn two_requests_for_both() {
    explore(2, || {
        let gate = Gate::new(2);
        let permit = gate.semaphore.try_acquire().unwrap();
        let other = {
            let gate = gate.clone();
            thread::spawn(move || gate.write_in_tasklet())
        };
        let third = {
            let gate = gate.clone();
            thread::spawn(move || gate.write_in_future())
        };
        drop(permit);
        other.join().unwrap();
        third.join().unwrap();
        gate.assert_left(2, 2);
    });
}

/// One waits for two, then one for one, while permits are handed over to who was before them: the first of them has both.
#[test]
fn who_needs_less_does_not_overtake() {
    explore(3, || {
        let gate = Gate::new(0);
        let mut before = gate.waiting(1);
        let adders = [gate.adder(1), {
            let gate = gate.clone();
            thread::spawn(move || (0..2).for_each(|_| gate.semaphore.add_permits(1)))
        }];
        let mut both = {
            let gate = gate.clone();
            ByHand::begun(async move { gate.semaphore.acquire_many_async(2).await.unwrap().forget() })
        };
        let mut one = both.poll().is_none().then(|| gate.waiting(1));
        for adder in adders {
            adder.join().unwrap();
        }
        assert!(before.poll().is_some());
        if let Some(one) = &mut one {
            assert!(both.poll().is_some() && one.poll().is_none(), "it was overtaken");
        }
    });
}

/// Permits are taken out for good while they are given to the first of two who wait, which is then at the front for one: it is served first.
#[test]
fn permits_are_forgotten_as_they_are_given() {
    explore(3, || {
        let gate = Gate::new(0);
        let mut waiting = [gate.waiting(1), gate.waiting(1)];
        let adder = gate.adder(2);
        let forgotten = gate.semaphore.forget_permits(2);
        adder.join().unwrap();
        for _ in 0..forgotten {
            gate.semaphore.add_permits(1);
            let [first, second] = waiting.each_mut().map(|waiting| waiting.poll().is_some());
            assert!(first || !second, "it was overtaken");
            if first {
                break;
            }
        }
    });
}

/// Permits come while somebody waits at the front, and another tries to get one of them.
#[test]
fn nobody_takes_what_is_kept_for_the_front() {
    explore(3, || {
        let gate = Gate::new(1);
        let mut front = gate.waiting(2);
        let adder = gate.adder(1);
        assert!(gate.semaphore.try_acquire().is_err(), "it was not its turn");
        adder.join().unwrap();
        assert!(front.poll().is_some());
        gate.assert_left(0, 0);
    });
}

/// The last permit comes while the deadline of the one at the front passes: it has all, or the next has one.
#[test]
fn the_last_permit_meets_a_deadline() {
    explore(2, || {
        let gate = Gate::new(2);
        let permit = gate.semaphore.try_acquire().unwrap();
        let impatient = {
            let gate = gate.clone();
            spawn(move || gate.semaphore.acquire_many_timeout(2, LONG).map(|_permits| gate.write()).is_ok())
        };
        let reader = gate.reader();
        drop(permit);
        let wrote = impatient.join().unwrap();
        reader.join().unwrap();
        gate.assert_left(2, u32::from(wrote));
    });
}

/// The last permit comes while the one at the front is told to end.
#[test]
fn the_last_permit_meets_a_cancellation() {
    explore(2, || {
        let gate = Gate::new(2);
        let permit = gate.semaphore.try_acquire().unwrap();
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (gate, tasklet) = (gate.clone(), tasklet.clone());
            let write = move || gate.semaphore.acquire_many(2).map(|_permits| gate.write()).unwrap();
            thread::spawn(move || until_cancelled(&tasklet, write).is_some())
        };
        let reader = gate.reader();
        tasklet.cancel();
        drop(permit);
        let wrote = told.join().unwrap();
        reader.join().unwrap();
        gate.assert_left(2, u32::from(wrote));
    });
}

/// The last permit comes while the future at the front is dropped, whether or not it knows yet that it is there.
#[test]
fn the_last_permit_meets_a_dropped_future() {
    for knows in [false, true] {
        explore(2, move || {
            let gate = Gate::new(0);
            let mut before = gate.waiting(1);
            let mut front = gate.waiting(2);
            gate.semaphore.add_permits(2);
            assert!(before.poll().is_some());
            if knows {
                assert!(front.poll().is_none());
            }
            let reader = gate.reader();
            let dropper = thread::spawn(move || drop(front));
            gate.semaphore.add_permits(1);
            dropper.join().unwrap();
            reader.join().unwrap();
            gate.assert_left(2, 0);
        });
    }
}

/// It is closed while the last permit for the one at the front comes: that one has all, or learns of the close, and so does the next.
#[test]
fn a_close_meets_the_last_permit() {
    explore(2, || {
        let gate = Gate::new(1);
        let front = {
            let gate = gate.clone();
            spawn(move || gate.semaphore.acquire_many(2).map(|permits| permits.forget()).is_ok())
        };
        let adder = gate.adder(1);
        let closer = {
            let gate = gate.clone();
            thread::spawn(move || gate.semaphore.close())
        };
        let one = as_tasklet(|| gate.semaphore.acquire().map(|permit| permit.forget()).is_ok());
        let two = front.join().unwrap();
        adder.join().unwrap();
        closer.join().unwrap();
        assert_eq!(gate.semaphore.available_permits() + 2 * usize::from(two) + usize::from(one), 2);
    });
}
