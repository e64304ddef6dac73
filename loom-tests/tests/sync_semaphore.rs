//! `tasklets::sync::Semaphore`, one permit a turn: none is lost, none is given twice, and nobody sleeps for ever.
#![cfg(tasklets_loom)]

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::Duration;
use tasklets_loom_tests::{
    ByHand, Plain, Tasklet, as_os_thread, as_task, as_tasklet, explore, explore_deeply, spawn, until_cancelled,
};
use tasklets_runtime::sync::{AcquireError, Semaphore};

const LONG: Duration = Duration::from_secs(3600);

/// A semaphore, and what a permit is needed for.
struct Gate {
    semaphore: Semaphore,
    room: Plain<u32>,
}

impl Gate {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self { semaphore: Semaphore::new(permits), room: Plain::new(0) })
    }

    /// With a permit, if it is the only one.
    fn count(&self) {
        self.room.set(self.room.get() + 1);
    }

    fn pass_in_tasklet(&self) {
        as_tasklet(|| self.semaphore.acquire().map(|_permit| self.count()).unwrap());
    }

    fn pass_in_thread(&self) {
        as_os_thread(|| self.semaphore.acquire().map(|_permit| self.count()).unwrap());
    }

    fn pass_in_future(&self) {
        as_task(self.semaphore.acquire_async()).map(|_permit| self.count()).unwrap();
    }

    /// Nobody has a permit or waits for one, and so many have had one.
    fn assert_left(&self, permits: u32, count: u32) {
        assert_eq!(self.semaphore.available_permits(), permits as usize);
        assert!(self.semaphore.try_acquire_many(permits).is_ok(), "somebody waits");
        assert_eq!(self.room.get(), count);
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

const WAYS: [fn(&Gate); 3] = [Gate::pass_in_tasklet, Gate::pass_in_thread, Gate::pass_in_future];

fn spawn_passer(gate: &Arc<Gate>, pass: fn(&Gate)) -> JoinHandle<()> {
    let gate = gate.clone();
    thread::spawn(move || pass(&gate))
}

/// Two want one permit: they have it one after the other, and the second sees what the first wrote.
#[test]
fn two_want_one_permit() {
    for pass in WAYS {
        loom::model(move || {
            let gate = Gate::new(1);
            let other = spawn_passer(&gate, pass);
            gate.pass_in_tasklet();
            other.join().unwrap();
            gate.assert_left(1, 2);
        });
    }
}

/// Three want one permit.
#[test]
fn three_want_one_permit() {
    explore(2, || {
        let gate = Gate::new(1);
        let others = [spawn_passer(&gate, Gate::pass_in_thread), spawn_passer(&gate, Gate::pass_in_future)];
        gate.pass_in_tasklet();
        for other in others {
            other.join().unwrap();
        }
        gate.assert_left(1, 3);
    });
}

/// A permit comes while one begins to wait, and the last who waited leaves: both see each other.
#[test]
fn a_permit_comes_while_one_begins_to_wait() {
    explore(3, || {
        let gate = Gate::new(0);
        let first = gate.waiting(1);
        let adder = gate.adder(2);
        gate.pass_in_tasklet();
        adder.join().unwrap();
        first.finish();
        gate.assert_left(1, 1);
    });
}

/// Permits come while two begin to wait, as the last who waited before is served: both are.
#[test]
fn permits_come_while_two_begin_to_wait() {
    explore_deeply(3, || {
        let gate = Gate::new(0);
        let mut before = gate.waiting(1);
        let adder = gate.adder(3);
        let other = spawn_passer(&gate, Gate::pass_in_future);
        as_tasklet(|| gate.semaphore.acquire().map(drop).unwrap());
        adder.join().unwrap();
        other.join().unwrap();
        assert!(before.poll().is_some());
        gate.assert_left(2, 1);
    });
}

/// Several permits come at once, and then one: everybody is served.
#[test]
fn permits_come_at_once_and_one_by_one() {
    explore(2, || {
        let gate = Gate::new(0);
        let waiting = [(); 3].map(|()| gate.waiting(1));
        let adders = [gate.adder(2), gate.adder(1)];
        for adder in adders {
            adder.join().unwrap();
        }
        waiting.into_iter().for_each(ByHand::finish);
        gate.assert_left(0, 0);
    });
}

/// One waits and a permit comes back, while another tries to get in: it does not.
#[test]
fn nobody_overtakes() {
    explore(3, || {
        let gate = Gate::new(0);
        let mut waits = gate.waiting(1);
        let adder = gate.adder(1);
        assert!(gate.semaphore.try_acquire().is_err(), "it was not its turn");
        adder.join().unwrap();
        assert!(waits.poll().is_some());
        gate.assert_left(0, 0);
    });
}

/// Permits come while one begins to wait: once it waits, another that tries to get in does not, although there may be permits by then.
#[test]
fn nobody_overtakes_one_who_has_just_come() {
    explore(3, || {
        let gate = Gate::new(0);
        let mut before = gate.waiting(1);
        let adder = gate.adder(2);
        let mut waits = {
            let gate = gate.clone();
            ByHand::begun(async move { gate.semaphore.acquire_async().await.unwrap().forget() })
        };
        let waited = waits.poll().is_none();
        if waited {
            assert!(gate.semaphore.try_acquire().is_err(), "it was not its turn");
        }
        adder.join().unwrap();
        assert!(!waited || waits.poll().is_some());
        assert!(before.poll().is_some());
    });
}

/// A permit comes while the first who waits gives up at its deadline: the permit is for the next.
#[test]
fn a_permit_meets_a_deadline() {
    explore(2, || {
        let gate = Gate::new(1);
        let permit = gate.semaphore.try_acquire().unwrap();
        let impatient = {
            let gate = gate.clone();
            spawn(move || gate.semaphore.acquire_timeout(LONG).map(|_permit| gate.count()).is_ok())
        };
        let other = spawn_passer(&gate, Gate::pass_in_tasklet);
        drop(permit);
        let had_it = impatient.join().unwrap();
        other.join().unwrap();
        gate.assert_left(1, 1 + u32::from(had_it));
    });
}

/// A permit comes while the first who waits is told to end.
#[test]
fn a_permit_meets_a_cancellation() {
    explore(2, || {
        let gate = Gate::new(1);
        let permit = gate.semaphore.try_acquire().unwrap();
        let tasklet = Arc::new(Tasklet::new());
        let told = {
            let (gate, tasklet) = (gate.clone(), tasklet.clone());
            let pass = move || gate.semaphore.acquire().map(|_permit| gate.count()).unwrap();
            thread::spawn(move || until_cancelled(&tasklet, pass).is_some())
        };
        let other = spawn_passer(&gate, Gate::pass_in_tasklet);
        tasklet.cancel();
        drop(permit);
        let had_it = told.join().unwrap();
        other.join().unwrap();
        gate.assert_left(1, 1 + u32::from(had_it));
    });
}

/// A permit comes while a future that waits for it is dropped, before it was granted or after.
#[test]
fn a_permit_meets_a_dropped_future() {
    explore(3, || {
        let gate = Gate::new(1);
        let permit = gate.semaphore.try_acquire().unwrap();
        let dropped = gate.waiting(1);
        let other = spawn_passer(&gate, Gate::pass_in_tasklet);
        let dropper = thread::spawn(move || drop(dropped));
        drop(permit);
        dropper.join().unwrap();
        other.join().unwrap();
        gate.assert_left(1, 1);
    });
}

/// It is closed while one begins to wait, or waits.
#[test]
fn a_close_ends_a_wait() {
    type Acquire = fn(&Semaphore) -> Result<(), AcquireError>;
    let ways: [Acquire; 3] = [
        |semaphore| as_tasklet(|| semaphore.acquire().map(drop)),
        |semaphore| as_os_thread(|| semaphore.acquire().map(drop)),
        |semaphore| as_task(semaphore.acquire_async()).map(drop),
    ];
    for acquire in ways {
        loom::model(move || {
            let semaphore = Arc::new(Semaphore::new(0));
            let closer = {
                let semaphore = semaphore.clone();
                thread::spawn(move || semaphore.close())
            };
            assert!(acquire(&semaphore).is_err());
            closer.join().unwrap();
        });
    }
}

/// It is closed while a permit comes for two who wait: the first has the permit, or nobody has.
#[test]
fn a_close_meets_a_permit() {
    explore(2, || {
        let gate = Gate::new(0);
        let mut first = {
            let gate = gate.clone();
            ByHand::waiting(async move { gate.semaphore.acquire_async().await.map(|permit| permit.forget()) })
        };
        let second = {
            let gate = gate.clone();
            spawn(move || gate.semaphore.acquire().map(drop))
        };
        let adder = gate.adder(1);
        gate.semaphore.close();
        assert!(second.join().unwrap().is_err());
        adder.join().unwrap();
        let had_it = first.poll().expect("it is woken either way").is_ok();
        assert_eq!(gate.semaphore.available_permits(), usize::from(!had_it));
    });
}

/// Permits are taken out for good while one comes and another is wanted.
#[test]
fn permits_are_forgotten() {
    explore(2, || {
        let gate = Gate::new(1);
        let adder = gate.adder(1);
        let forgetter = {
            let gate = gate.clone();
            thread::spawn(move || gate.semaphore.forget_permits(1) as u32)
        };
        gate.pass_in_tasklet();
        adder.join().unwrap();
        let forgotten = forgetter.join().unwrap();
        gate.assert_left(2 - forgotten, 1);
    });
}
