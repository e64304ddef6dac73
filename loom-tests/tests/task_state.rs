//! `task::state`: who drops a task's result, who tells the joiner, who frees the memory.
#![cfg(tasklets_loom)]

use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tasklets_loom_tests::Plain;
use tasklets_runtime::internal::state::{HandleDropped, State, Woken};

/// A task by hand. Its fields are used as the runtime's header and cell use theirs, by the rules of the state word.
struct Task {
    state: State,
    result: Plain<Option<u32>>,
    joiner: Plain<u32>,
    /// Read by everybody before the state is touched, written by whoever frees: stands for the memory.
    memory: Plain<()>,
    // Counts that are not part of the model.
    told: [AtomicUsize; 3],
    dropped: AtomicUsize,
    freed: AtomicUsize,
}

const RESULT: u32 = 42;

impl Task {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: State::new(),
            result: Plain::new(None),
            joiner: Plain::new(0),
            memory: Plain::new(()),
            told: Default::default(),
            dropped: AtomicUsize::new(0),
            freed: AtomicUsize::new(0),
        })
    }

    /// The state, of a task that must be alive.
    fn state(&self) -> &State {
        self.memory.get();
        &self.state
    }

    fn drop_result(&self) {
        assert_eq!(self.result.replace(None), Some(RESULT));
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn free(&self) {
        self.memory.set(());
        self.freed.fetch_add(1, Ordering::Relaxed);
    }

    /// The worker: runs the task to its end and gives the runtime's reference up.
    fn finish(&self) {
        self.result.set(Some(RESULT));
        let completed = self.state().complete();
        if completed.drop_result {
            self.drop_result();
        }
        if completed.wake_joiner {
            self.told[self.joiner.get() as usize].fetch_add(1, Ordering::Relaxed);
        }
        self.release();
    }

    fn release(&self) {
        if self.state().release() {
            self.free();
        }
    }

    /// The handle: asks to be told. Returns whether it will be, or finds the task ended.
    fn ask(&self, joiner: u32) -> bool {
        if !self.state().remove_joiner() {
            return false;
        }
        self.joiner.set(joiner);
        self.state().add_joiner()
    }

    /// The handle, of a task that it knows to have ended: takes the result and is gone.
    fn take(&self) {
        assert_eq!(self.result.replace(None), Some(RESULT));
        self.leave();
    }

    fn leave(&self) {
        if self.state().drop_handle() == HandleDropped::Free {
            self.free();
        }
    }

    /// The handle is dropped.
    fn drop_handle(&self) {
        if self.state().detach().is_none() {
            self.drop_result();
            self.leave();
        }
    }

    fn told(&self) -> [usize; 3] {
        [0, 1, 2].map(|joiner| self.told[joiner].load(Ordering::Relaxed))
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }

    fn freed(&self) -> usize {
        self.freed.load(Ordering::Relaxed)
    }
}

fn spawn(task: &Arc<Task>, body: fn(&Task)) -> thread::JoinHandle<()> {
    let task = task.clone();
    thread::spawn(move || body(&task))
}

/// The task ends while its handle is dropped: one of the two drops the result, one frees the memory after both.
#[test]
fn the_result_is_dropped_once_and_the_memory_freed_once() {
    loom::model(|| {
        let task = Task::new();
        let worker = spawn(&task, Task::finish);
        task.drop_handle();
        worker.join().unwrap();
        assert_eq!((task.dropped(), task.freed(), task.told()), (1, 1, [0, 0, 0]));
    });
}

/// The task ends while its handle asks to be told: it is told, once, or sees that the task has ended, and the result with it.
#[test]
fn the_joiner_is_told_or_sees_the_end() {
    loom::model(|| {
        let task = Task::new();
        let worker = spawn(&task, Task::finish);
        if task.ask(1) {
            worker.join().unwrap();
            assert_eq!(task.told(), [0, 1, 0]);
            task.take();
        } else {
            task.take();
            worker.join().unwrap();
            assert_eq!(task.told(), [0, 0, 0]);
        }
        assert_eq!((task.dropped(), task.freed()), (0, 1));
    });
}

/// The task ends while its handle looks whether it has: if so, the result is there.
#[test]
fn whoever_sees_the_end_sees_the_result() {
    loom::model(|| {
        let task = Task::new();
        let worker = spawn(&task, Task::finish);
        if task.state().is_complete() {
            task.take();
        } else {
            task.drop_handle();
        }
        worker.join().unwrap();
        assert_eq!(task.freed(), 1);
    });
}

/// The task ends while its handle, polled a second time, replaces the joiner: the field is nobody else's meanwhile, and one of
/// the two joiners is told, the second if the handle was promised so.
#[test]
fn a_joiner_is_replaced() {
    loom::model(|| {
        let task = Task::new();
        let worker = spawn(&task, Task::finish);
        let asked = [1, 2].map(|joiner| task.ask(joiner));
        if asked[1] {
            task.drop_handle();
            worker.join().unwrap();
            assert_eq!((task.told(), task.dropped()), ([0, 0, 1], 1));
        } else {
            task.take();
            worker.join().unwrap();
            // A handle that saw the end while it changed its mind needs nobody to tell it.
            assert_eq!(task.told()[2], 0);
            assert!(task.told()[1] <= usize::from(asked[0]));
        }
        assert_eq!(task.freed(), 1);
    });
}

/// A handle that asked to be told is dropped while the task ends and a third party gives its reference up: the result is
/// dropped once, and the memory freed once, after everybody.
#[test]
fn the_last_of_three_frees() {
    loom::model(|| {
        let task = Task::new();
        task.state().retain();
        let others = [spawn(&task, Task::finish), spawn(&task, Task::release)];
        task.drop_handle();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!((task.dropped(), task.freed()), (1, 1));
    });
}

/// A future by hand: a task, and what its wakers leave for its poll.
struct Future {
    task: Arc<Task>,
    /// What belongs to the poll.
    stage: Plain<[bool; 2]>,
    /// Written by wakers before they wake.
    news: [loom::sync::atomic::AtomicBool; 2],
}

impl Future {
    fn new() -> Arc<Self> {
        Arc::new(Self { task: Task::new(), stage: Plain::new([false; 2]), news: Default::default() })
    }

    /// A worker has taken it out of a queue: polls it until it is not to be queued again.
    fn run(&self) {
        use tasklets_runtime::internal::state::Polled;
        loop {
            self.task.state().begin_poll();
            self.stage.set([0, 1].map(|waker: usize| self.news[waker].load(Ordering::Relaxed)));
            if self.task.state().end_poll() == Polled::Idle {
                return;
            }
        }
    }

    /// A waker of its own thread, which is also the worker that takes the future if it was queued.
    fn wake(&self, waker: usize) {
        self.news[waker].store(true, Ordering::Relaxed);
        if self.task.state().wake() == Woken::Schedule {
            self.run();
        }
    }
}

/// A future is polled while it is woken: the poll at the time or a later one sees what the waker wrote, and no two polls run
/// at once.
#[test]
fn no_wake_is_lost() {
    loom::model(|| {
        let future = Future::new();
        let waker = {
            let future = future.clone();
            thread::spawn(move || future.wake(0))
        };
        future.run();
        waker.join().unwrap();
        assert_eq!(future.stage.get(), [true, false]);
    });
}

/// The same with two wakers at once, of which one finds it scheduled by the other.
#[test]
fn no_wake_of_two_is_lost() {
    loom::model(|| {
        let future = Future::new();
        let wakers = [0, 1].map(|waker| {
            let future = future.clone();
            thread::spawn(move || future.wake(waker))
        });
        future.run();
        for waker in wakers {
            waker.join().unwrap();
        }
        assert_eq!(future.stage.get(), [true, true]);
    });
}

/// A future ends while it is woken: it is not queued again, and is freed once although the waker's reference may be the last.
#[test]
fn a_future_that_ends_is_not_queued_again() {
    loom::model(|| {
        let task = Task::new();
        task.state().retain();
        let waker = spawn(&task, |task| {
            assert_eq!(task.state().wake(), Woken::Nothing);
            task.release();
        });
        task.state().begin_poll();
        task.finish();
        task.drop_handle();
        waker.join().unwrap();
        assert_eq!((task.dropped(), task.freed()), (1, 1));
    });
}
