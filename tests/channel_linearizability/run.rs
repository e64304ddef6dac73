//! Running a program, with a clock at both ends of every operation.

use crate::channel_oracle::Event;
use crate::ends::Ends;
use crate::history::{History, Operation};
use crate::program::{Actor, Call, Program};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use tasklets::{Runtime, yield_now};

/// Who the actors are.
pub(crate) enum Crew {
    Threads,
    Tasklets(Runtime),
    /// Every other one a thread.
    Both(Runtime),
}

/// What the actors of one run share.
struct Stage {
    /// Counts readings, so that no two are the same. The accesses are sequentially consistent to say in which order operations of
    /// different threads ended and began.
    clock: AtomicU64,
    /// Actors that have not come yet.
    missing: AtomicUsize,
}

impl Stage {
    /// So that the actors run at the same time and not one after the other, as they are started.
    fn enter(&self) {
        self.missing.fetch_sub(1, Ordering::SeqCst);
        while self.missing.load(Ordering::SeqCst) > 0 {
            yield_now();
        }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// Runs `program` on a new channel.
pub(crate) fn run<E: Ends>(program: &Program, crew: &Crew) -> History {
    let holders: Vec<_> = program.actors.iter().map(|actor| (actor.sends, actor.receives)).collect();
    let ends = E::of_new(program.capacity, &holders);
    let stage = &Stage { clock: AtomicU64::new(0), missing: AtomicUsize::new(ends.len()) };
    let actors = ends.into_iter().zip(&program.actors).enumerate();
    let (threads, tasklets): (Vec<_>, Vec<_>) = match crew {
        Crew::Threads => (actors.collect(), Vec::new()),
        Crew::Tasklets(_) => (Vec::new(), actors.collect()),
        Crew::Both(_) => actors.partition(|(number, _)| number % 2 == 0),
    };
    let play = move |(number, (ends, actor))| act(number, ends, actor, stage);
    let mut operations = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = threads.into_iter().map(|actor| scope.spawn(move || play(actor))).collect();
        if let Crew::Tasklets(runtime) | Crew::Both(runtime) = crew {
            operations.extend(runtime.run(|| on_tasklets(tasklets, play)));
        }
        operations.extend(threads.into_iter().flat_map(|thread| thread.join().expect("no actor panics")));
    });
    History {
        capacity: program.capacity,
        senders: holders.iter().filter(|holder| holder.0).count(),
        receivers: holders.iter().filter(|holder| holder.1).count(),
        operations,
    }
}

fn on_tasklets<A: Send>(actors: Vec<A>, play: impl Fn(A) -> Vec<Operation> + Copy + Send) -> Vec<Operation> {
    tasklets::scope(|scope| {
        let tasklets: Vec<_> = actors.into_iter().map(|actor| scope.spawn(move || play(actor))).collect();
        tasklets.into_iter().flat_map(|tasklet| tasklet.join().expect("no actor panics")).collect()
    })
}

fn act<E: Ends>(number: usize, mut ends: E, actor: &Actor, stage: &Stage) -> Vec<Operation> {
    stage.enter();
    let mut operations = Vec::new();
    let mut record = |ends: &mut E, act: &mut dyn FnMut(&mut E) -> Event| {
        let began = stage.now();
        let event = act(ends);
        operations.push(Operation { actor: number, began, ended: stage.now(), event });
    };
    for (index, &(yields, call)) in actor.calls.iter().enumerate() {
        for _ in 0..yields {
            yield_now();
        }
        let message = (number * 100 + index) as u32;
        match call {
            Call::TrySend | Call::SendTimeout(_) if !actor.sends => continue,
            Call::TryRecv | Call::RecvTimeout(_) if !actor.receives => continue,
            _ => record(&mut ends, &mut |ends| perform(ends, call, message)),
        }
    }
    if actor.sends {
        record(&mut ends, &mut |ends| {
            ends.drop_sender();
            Event::HangUpSender
        });
    }
    if actor.receives {
        record(&mut ends, &mut |ends| {
            ends.drop_receiver();
            Event::HangUpReceiver
        });
    }
    operations
}

/// One call, and what it answered.
pub(crate) fn perform<E: Ends>(ends: &E, call: Call, message: u32) -> Event {
    match call {
        Call::TrySend => Event::Send { message, waits: false, accepted: ends.try_send(message) },
        Call::SendTimeout(timeout) => {
            Event::Send { message, waits: true, accepted: ends.send_timeout(message, timeout) }
        }
        Call::TryRecv => Event::Receive { waits: false, received: ends.try_recv() },
        Call::RecvTimeout(timeout) => Event::Receive { waits: true, received: ends.recv_timeout(timeout) },
        Call::Close => Event::Close(ends.close()),
        Call::Length => Event::Length(ends.len()),
        Call::Emptiness => Event::Emptiness(ends.is_empty()),
    }
}
