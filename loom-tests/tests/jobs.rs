//! `jobs`: each half of a join that is offered is executed by one, whoever that is.
#![cfg(tasklets_loom)]

use loom::thread;
use std::ptr::NonNull;
use std::sync::Arc;
use tasklets_loom_tests::{Plain, explore, explore_deeply};
use tasklets_runtime::internal::{Awake, Fences, Header, Idle, Jobs, Steal};

/// Half of a join, with what its owner wrote for whoever executes it.
#[repr(C)]
struct Half {
    header: Header,
    written: Plain<u32>,
}

impl Half {
    unsafe fn execute(header: *const Header) {
        // SAFETY: the header of one of these, alive as long as the deque.
        let half = unsafe { &*header.cast::<Half>() };
        assert_eq!(half.written.replace(2), 1, "executed once, and after it was offered");
    }
}

struct Deque {
    jobs: Jobs,
    halves: [Half; 3],
}

// SAFETY: what belongs to the owner is used by the model's first thread alone.
unsafe impl Sync for Deque {}
// SAFETY: as above.
unsafe impl Send for Deque {}

impl Deque {
    fn new(fences: Fences) -> Arc<Self> {
        let half = |_| Half { header: Header::new(Half::execute), written: Plain::new(0) };
        Arc::new(Self { jobs: Jobs::new(fences), halves: std::array::from_fn(half) })
    }

    /// One that nobody has called, so that jobs are private.
    fn uncalled() -> Arc<Self> {
        let deque = Self::new(Fences::Asymmetric);
        deque.jobs.uncall();
        deque
    }

    /// Owner: offers this half.
    fn push(&self, half: usize) {
        self.halves[half].written.set(1);
        let job = NonNull::from(&self.halves[half]).cast();
        // SAFETY: the halves live as long as the deque, and the pointer is to the whole half.
        unsafe {
            if !self.jobs.try_push(job) {
                self.jobs.push(job);
            }
        }
    }

    /// Owner: its first half is done. Returns whether it has the second.
    fn take_back(&self, half: usize) -> bool {
        let half = &self.halves[half];
        // SAFETY: pushed.
        let taken = unsafe { self.jobs.take_back(&half.header) };
        if taken {
            assert_eq!(half.written.replace(2), 1);
        }
        taken
    }

    /// Thief: takes the oldest if it can be had, or makes it so. Returns how many it got.
    fn steal(&self) -> usize {
        match self.jobs.steal() {
            Steal::Private(oldest) => {
                self.jobs.publish(oldest);
                self.steal_public()
            }
            found => Self::execute(found),
        }
    }

    /// Thief: takes the oldest if it can be had.
    fn steal_public(&self) -> usize {
        Self::execute(self.jobs.steal())
    }

    /// Owner: takes the oldest, unless thieves have it.
    fn take_oldest(&self) -> usize {
        Self::execute(self.jobs.take_oldest().map_or(Steal::Empty, Steal::Taken))
    }

    fn execute(found: Steal) -> usize {
        let Steal::Taken(job) = found else { return 0 };
        // SAFETY: taken out just now.
        unsafe { job.execute() };
        1
    }

    /// At the end.
    fn check(&self, offers: usize, had: usize) {
        assert!(self.jobs.is_empty());
        assert_eq!(had, offers);
        assert!(self.halves[..offers].iter().all(|half| half.written.get() == 2));
    }
}

fn thief(deque: &Arc<Deque>, steal: fn(&Deque) -> usize) -> thread::JoinHandle<usize> {
    let deque = deque.clone();
    thread::spawn(move || steal(&deque))
}

/// There is one job: its owner takes it back while a thief makes it public and takes it.
#[test]
fn the_last_one_goes_to_one() {
    for fences in [Fences::Asymmetric, Fences::Both] {
        loom::model(move || {
            let deque = Deque::new(fences);
            deque.jobs.uncall();
            deque.push(0);
            let thief = thief(&deque, Deque::steal);
            let own = deque.take_back(0);
            deque.check(1, usize::from(own) + thief.join().unwrap());
        });
    }
}

/// The owner was called, so the job is public, and the thief needs nobody's help.
#[test]
fn a_public_one_goes_to_one() {
    loom::model(|| {
        let deque = Deque::new(Fences::Asymmetric);
        let thief = thief(&deque, Deque::steal_public);
        deque.push(0);
        let own = deque.take_back(0);
        // The next has a number of its own, whoever had the first.
        deque.push(1);
        let own = usize::from(own) + usize::from(deque.take_back(1));
        deque.check(2, own + thief.join().unwrap());
    });
}

/// The owner takes the older of two for its worker, as a thief would, while another one comes for it.
#[test]
fn the_owner_takes_the_oldest_beside_a_thief() {
    for called in [false, true] {
        loom::model(move || {
            let deque = if called { Deque::new(Fences::Asymmetric) } else { Deque::uncalled() };
            deque.push(0);
            deque.push(1);
            let thief = thief(&deque, Deque::steal);
            let oldest = deque.take_oldest();
            let own = usize::from(deque.take_back(1)) + usize::from(deque.take_back(0));
            deque.check(2, oldest + own + thief.join().unwrap());
        });
    }
}

/// A thief makes public what its owner takes back meanwhile, and the next job gets the same number.
#[test]
fn a_number_is_used_again() {
    loom::model(|| {
        let deque = Deque::uncalled();
        let thief = thief(&deque, Deque::steal);
        deque.push(0);
        let first = deque.take_back(0);
        deque.push(1);
        let second = deque.take_back(1);
        deque.check(2, usize::from(first) + usize::from(second) + thief.join().unwrap());
    });
}

/// A thief calls while its owner has taken back what was private, and the next job with that number is public.
#[test]
fn a_call_is_answered() {
    explore_deeply(3, || {
        let deque = Deque::uncalled();
        let thief = thief(&deque, |deque| {
            deque.jobs.call();
            deque.steal_public()
        });
        deque.push(0);
        let first = deque.take_back(0);
        deque.push(1);
        let second = deque.take_back(1);
        deque.check(2, usize::from(first) + usize::from(second) + thief.join().unwrap());
    });
}

/// After the last one the next number is public at once: a thief does not take what had that number before.
#[test]
fn what_was_there_before_is_not_taken() {
    explore_deeply(3, || {
        let deque = Deque::new(Fences::Asymmetric);
        let thief = thief(&deque, Deque::steal_public);
        deque.push(0);
        deque.push(1);
        let newer = deque.take_back(1);
        let older = deque.take_back(0);
        deque.check(2, usize::from(newer) + usize::from(older) + thief.join().unwrap());
    });
}

/// A thief that sees a job taken back has seen those below it.
#[test]
fn the_oldest_is_there_when_the_newest_is_gone() {
    explore(3, || {
        let deque = Deque::new(Fences::Asymmetric);
        deque.push(0);
        assert!(deque.take_back(0));
        let thief = thief(&deque, Deque::steal_public);
        deque.push(1);
        deque.push(2);
        let newer = deque.take_back(2);
        let older = deque.take_back(1);
        deque.check(3, 1 + usize::from(newer) + usize::from(older) + thief.join().unwrap());
    });
}

/// Two jobs, of which a thief wants both while their owner takes them back.
#[test]
fn one_thief_after_two() {
    for fences in [Fences::Asymmetric, Fences::Both] {
        explore(3, move || {
            let deque = Deque::new(fences);
            deque.jobs.uncall();
            deque.push(0);
            deque.push(1);
            let thief = thief(&deque, |deque| deque.steal() + deque.steal());
            let newer = deque.take_back(1);
            let older = deque.take_back(0);
            deque.check(2, usize::from(newer) + usize::from(older) + thief.join().unwrap());
        });
    }
}

/// Two thieves help each other to make one job public; one of them or the owner has it.
#[test]
fn two_thieves_after_one() {
    for fences in [Fences::Asymmetric, Fences::Both] {
        explore(2, move || {
            let deque = Deque::new(fences);
            deque.jobs.uncall();
            deque.push(0);
            let thieves = [thief(&deque, Deque::steal), thief(&deque, Deque::steal)];
            let own = deque.take_back(0);
            let stolen: usize = thieves.map(|thief| thief.join().unwrap()).iter().sum();
            deque.check(1, usize::from(own) + stolen);
        });
    }
}

/// Two thieves and two jobs.
#[test]
fn two_thieves_after_two() {
    explore(2, || {
        let deque = Deque::uncalled();
        deque.push(0);
        deque.push(1);
        let thieves = [thief(&deque, Deque::steal), thief(&deque, Deque::steal)];
        let newer = deque.take_back(1);
        let older = deque.take_back(0);
        let stolen: usize = thieves.map(|thief| thief.join().unwrap()).iter().sum();
        deque.check(2, usize::from(newer) + usize::from(older) + stolen);
    });
}

/// The buffer grows under the eyes of a thief, which may still look at the old one.
#[test]
fn it_grows() {
    explore(2, || {
        let deque = Deque::uncalled();
        deque.push(0);
        let thief = thief(&deque, Deque::steal);
        deque.push(1);
        deque.push(2);
        let own: usize = [2, 1, 0].map(|half| usize::from(deque.take_back(half))).iter().sum();
        deque.check(3, own + thief.join().unwrap());
    });
}

/// The ring comes round while a thief is about to take what was in it before.
#[test]
fn the_ring_comes_round() {
    explore(3, || {
        let deque = Deque::new(Fences::Asymmetric);
        deque.push(0);
        let thief = thief(&deque, Deque::steal_public);
        let first = deque.take_back(0);
        deque.push(1);
        let second = deque.take_back(1);
        deque.push(2);
        let own = [first, second, deque.take_back(2)];
        deque.check(3, own.iter().filter(|&&own| own).count() + thief.join().unwrap());
    });
}

/// The owner's worker runs the newest while the tasklet that offered it waits, and the number is used again: the tasklet does not
/// take the other's for its own.
#[test]
fn what_the_worker_took_is_not_taken_back() {
    loom::model(|| {
        let deque = Deque::uncalled();
        deque.push(0);
        let thief = thief(&deque, Deque::steal);
        let popped = deque.jobs.pop();
        if let Some(job) = popped {
            // SAFETY: taken out just now.
            unsafe { job.execute() };
        }
        deque.push(1);
        let first = deque.take_back(0);
        assert!(!first || popped.is_none());
        let second = deque.take_back(1);
        let own = usize::from(popped.is_some()) + usize::from(first) + usize::from(second);
        let stolen = thief.join().unwrap();
        // Ours may lie under the other's: then the worker comes to it.
        let left = std::iter::from_fn(|| deque.jobs.pop()).inspect(|job| {
            // SAFETY: as above.
            unsafe { job.execute() }
        });
        let own = own + left.count();
        deque.check(2, own + stolen);
    });
}

/// The owner finds nobody idle and takes a call back, while a worker falls asleep and calls: the next push knows of it.
#[test]
fn a_sleepers_call_is_heard() {
    loom::model(|| {
        let shared = Arc::new((Deque::new(Fences::Asymmetric), Idle::new(2)));
        let sleeper = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.announce_sleep(1, false);
                shared.0.jobs.call();
            })
        };
        let (deque, idle) = &*shared;
        deque.jobs.uncall();
        if idle.is_anyone_idle() {
            deque.jobs.call();
        }
        sleeper.join().unwrap();
        assert!(deque.jobs.is_called());
        assert_eq!(idle.wake_up(1), Awake::Plain);
    });
}
