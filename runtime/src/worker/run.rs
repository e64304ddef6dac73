//! Running what was found, and what follows when it leaves its stack.

use super::Worker;
use crate::fiber::{Fiber, Switch, Work};
use crate::jobs::JobRef;
use crate::node::{Kind, Runnable};
use crate::panic_count;
use crate::task::header::{Header, TaskRef};
use std::ptr::NonNull;
use std::time::Instant;
use tasklets_park::context::{self, Context};
use tasklets_park::slot::Committed;

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Run this.
    Run(Runnable),
    /// Run this half of a join, on a stack of its own.
    Job(JobRef),
}

/// Suspends the running tasklet until its wait has ended: [`SuspendFn`](tasklets_park::context::SuspendFn) of fibers.
///
/// # Safety
/// `context` is that of the fiber that runs.
pub(super) unsafe fn suspend(context: &Context, _: u64, deadline: Option<Instant>) {
    // SAFETY: the data of a fiber's context is its address, and it runs.
    let fiber = unsafe { &*context.data().cast::<Fiber>() };
    match deadline {
        None => fiber.switch(Switch::Park),
        Some(deadline) => wait_until(fiber, deadline),
    }
}

/// Kept apart so that a wait without a deadline has a small frame.
#[inline(never)]
fn wait_until(fiber: &Fiber, deadline: Instant) {
    // A linked timer belongs to this home's wheel, so a tasklet that may migrate stays while it waits with a deadline.
    let pinned = fiber.pinned.replace(true);
    let worker = Worker::of_thread().expect("fibers run on workers");
    let entry = NonNull::from(&fiber.card.timer);
    // SAFETY: the entry is on the fiber's card, which stays where it is for ever, and it is not linked: it is unlinked below, on the same
    // home, before the fiber goes on.
    worker.home.with_timers(|timers| unsafe { timers.insert(entry, deadline) });
    fiber.switch(Switch::Park);
    if fiber.card.timer.is_linked() {
        // SAFETY: linked, and in this wheel: the fiber has not left its home.
        worker.home.with_timers(|timers| unsafe { timers.remove(entry) });
    }
    fiber.pinned.set(pinned);
}

impl Worker {
    #[inline(always)]
    pub(super) fn run(&self, next: Next) {
        match next {
            Next::Run(runnable) if runnable.node().kind() == Kind::Started => {
                // SAFETY: of that kind.
                let fiber = unsafe { Fiber::of_runnable(runnable) };
                if fiber.migrating.get() {
                    fiber.node.set_home(self.home.index);
                }
                self.resume(fiber);
            }
            Next::Run(runnable) => self.run_task(runnable),
            Next::Job(job) => self.serve(Work::Job(job)),
        }
    }

    #[inline(never)]
    fn run_task(&self, runnable: Runnable) {
        let task = NonNull::new(runnable.as_ptr().cast()).expect("runnables are not null");
        match runnable.node().kind() {
            Kind::Fresh => self.start(task),
            Kind::Future => self.serve(Work::Poll(task)),
            Kind::Started => unreachable!("a fiber is resumed"),
        }
    }

    /// Runs a fresh task: from here on this is its home.
    #[inline]
    fn start(&self, task: NonNull<Header>) {
        // SAFETY: the runtime's reference keeps it until it has ended.
        let header = unsafe { task.as_ref() };
        header.node.set_home(self.home.index);
        let fiber = self.take_fiber_for(header);
        // SAFETY: it was idle and is ours.
        let fiber = unsafe { fiber.as_ref() };
        let migrating = header.extras.as_ref().is_some_and(|extras| extras.migrating);
        self.shared.homes[self.home.index as usize].count_in();
        fiber.node.set_home(self.home.index);
        fiber.task.set(Some(task));
        fiber.serving.set(false);
        fiber.migrating.set(migrating);
        fiber.pinned.set(false);
        fiber.context.set_cancelled(self.shared.is_ending());
        fiber.label.set(header);
        fiber.work.set(Work::Task(task));
        self.resume(fiber);
    }

    /// Runs a job, or polls a future, on a fiber that has nothing else to do.
    #[inline(never)]
    fn serve(&self, work: Work) {
        let Some(fiber) = self.take_service_fiber() else {
            return self.serve_without_fiber(work);
        };
        // SAFETY: it was idle and is ours.
        let fiber = unsafe { fiber.as_ref() };
        fiber.node.set_home(self.home.index);
        fiber.task.set(if let Work::Poll(task) = work { Some(task) } else { None });
        fiber.serving.set(true);
        fiber.migrating.set(false);
        match work {
            // SAFETY: the registry's reference keeps it until it has ended.
            Work::Poll(task) => fiber.label.set(unsafe { task.as_ref() }),
            _ => fiber.label.clear(),
        }
        fiber.context.set_cancelled(self.shared.is_ending());
        fiber.work.set(work);
        self.resume(fiber);
    }

    /// The kernel gives no stack, and there is no caller to tell: the work runs on the worker's own. If it waits, so does
    /// the worker.
    #[cold]
    fn serve_without_fiber(&self, work: Work) {
        self.leave_fiber();
        let told =
            if self.shared.is_ending() { crate::task::header::Told::End } else { crate::task::header::Told::Run };
        match work {
            // SAFETY: taken out of its queue by this worker.
            Work::Poll(task) => unsafe { (task.as_ref().vtable.poll)(task, told) },
            // SAFETY: as above.
            Work::Job(job) => unsafe { job.execute() },
            Work::Task(_) | Work::Stop => unreachable!("tasks have places for their stacks"),
        }
    }

    /// Runs a fiber until it leaves its stack, and does what it left it for.
    #[inline(always)]
    fn resume(&self, fiber: &Fiber) {
        if fiber.hidden_panics.get() > 0 {
            panic_count::show(fiber.hidden_panics.take());
        }
        self.count_turn(fiber);
        self.current.set(Some(fiber.into()));
        // SAFETY: the fiber is alive until it is retired, and it is left before.
        unsafe { context::enter(&raw const fiber.context) };
        // SAFETY: whoever had the runnable, or took the idle fiber, has the sole right to run it: we.
        let why = unsafe { fiber.resume() };
        if std::thread::panicking() {
            fiber.hidden_panics.set(panic_count::hide());
        }
        match why {
            Some(Switch::Yield) => {
                if !fiber.is_started.get() {
                    self.first_suspension(fiber);
                }
                self.let_fresh_go_first();
                self.home.ready.push_back(fiber.runnable());
            }
            Some(Switch::Park) => {
                if !fiber.is_started.get() {
                    self.first_suspension(fiber);
                }
                match fiber.context.commit_park() {
                    Committed::Parked => {}
                    // Woken meanwhile, and still ours.
                    Committed::Ready => self.home.ready.push_back(fiber.runnable()),
                }
            }
            Some(Switch::Done) => {
                self.leave_fiber();
                self.retire(fiber);
            }
            None => unreachable!("a fiber that runs work does not stop"),
        }
    }

    /// A fiber has left its stack with work under way for the first time; from now on teardown must find it.
    #[inline(never)]
    fn first_suspension(&self, fiber: &Fiber) {
        if fiber.migrating.get() {
            return self.shared.migrants.insert(fiber);
        }
        self.home.started.insert(fiber);
        if fiber.serving.get() {
            self.service_fiber_kept();
        }
    }

    /// A fiber's work is done.
    #[inline(never)]
    fn retire(&self, fiber: &Fiber) {
        let waited = fiber.is_started.get();
        if waited && fiber.migrating.get() {
            self.shared.migrants.remove(fiber);
        } else if waited {
            self.home.started.remove(fiber);
        }
        let task = fiber.task.take();
        if fiber.serving.get() {
            if fiber.owns_task.replace(false) {
                // SAFETY: the identity that `identity` made for a job, with one reference, which was the fiber's.
                drop(task.map(|task| unsafe { TaskRef::from_raw(task) }));
            }
            return self.retire_service_fiber(fiber.into(), waited);
        }
        self.shared.homes[self.home.index as usize].count_out();
        self.retire_task_fiber(fiber.into());
        // SAFETY: the runtime's reference, which is given up at the task's end: now.
        drop(task.map(|task| unsafe { TaskRef::from_raw(task) }));
    }
}
