//! The hot paths. One worker, so that every repetition takes the same way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tasklets::channel::{self, Receiver, Sender};

use crate::failure::{Failure, check};
use crate::runtimes;

/// One hot path.
#[derive(Debug)]
pub(super) struct Path {
    /// Its name in the record.
    pub(super) name: &'static str,
    /// Does it so often.
    pub(super) walk: fn(u64) -> Result<(), Failure>,
}

/// All of them.
pub(super) const PATHS: &[Path] = &[
    Path { name: "yield", walk: yields },
    Path { name: "spawn-join", walk: spawns },
    Path { name: "unpark-park", walk: wakes },
    Path { name: "send-receive-buffered", walk: buffered },
    Path { name: "send-receive-rendezvous", walk: |repetitions| handed_over(channel::bounded(0), repetitions) },
    Path { name: "send-receive-waiting", walk: waiting },
];

/// Two tasklets yield to each other.
fn yields(repetitions: u64) -> Result<(), Failure> {
    runtimes::tasklets(1)?.run(move || {
        let tasklets = [(); 2].map(|()| {
            tasklets::spawn(move || {
                for _ in 0..repetitions / 2 {
                    tasklets::yield_now();
                }
            })
        });
        for tasklet in tasklets {
            tasklet.join()?;
        }
        Ok(())
    })
}

/// A tasklet spawns others and joins each.
fn spawns(repetitions: u64) -> Result<(), Failure> {
    runtimes::tasklets(1)?.run(move || {
        let mut sum = 0;
        for number in 0..repetitions {
            sum += tasklets::spawn(move || number).join()?;
        }
        check("the sum", sum, repetitions * (repetitions - 1) / 2)
    })
}

/// Two tasklets wake each other in turn; a repetition is one unpark and one park.
fn wakes(repetitions: u64) -> Result<(), Failure> {
    /// Waits for the turns of this parity, and hands each on.
    fn play(turn: &AtomicU64, parity: u64, repetitions: u64, other: &tasklets::Tasklet) {
        for number in (parity..repetitions).step_by(2) {
            while turn.load(Ordering::Acquire) != number {
                tasklets::park();
            }
            turn.store(number + 1, Ordering::Release);
            other.unpark();
        }
    }
    runtimes::tasklets(1)?.run(move || {
        let turn = Arc::new(AtomicU64::new(0));
        let (first, turn_of_second) = (tasklets::current(), Arc::clone(&turn));
        let second = tasklets::spawn(move || play(&turn_of_second, 1, repetitions, &first));
        play(&turn, 0, repetitions, &second.tasklet());
        second.join()?;
        check("the number of turns", turn.load(Ordering::Relaxed), repetitions)
    })
}

/// One tasklet puts a message into a channel and takes it out again; nobody ever waits.
fn buffered(repetitions: u64) -> Result<(), Failure> {
    runtimes::tasklets(1)?.run(move || {
        let (sender, receiver) = channel::bounded(128);
        let mut sum = 0;
        for number in 0..repetitions {
            sender.send(number)?;
            sum += receiver.recv()?;
        }
        check("the sum", sum, repetitions * (repetitions - 1) / 2)
    })
}

/// One tasklet sends to another; without places in between each message is a wait and a wake.
fn handed_over((sender, receiver): (Sender<u64>, Receiver<u64>), repetitions: u64) -> Result<(), Failure> {
    runtimes::tasklets(1)?.run(move || {
        let receiving = tasklets::spawn(move || receiver.iter().sum::<u64>());
        for number in 0..repetitions {
            sender.send(number)?;
        }
        drop(sender);
        check("the sum", receiving.join()?, repetitions * (repetitions - 1) / 2)
    })
}

/// Two tasklets send to each other in turn through unbounded channels: the receiver of every message waits already.
fn waiting(repetitions: u64) -> Result<(), Failure> {
    runtimes::tasklets(1)?.run(move || {
        let (ping, pinged) = channel::unbounded::<u64>();
        let (pong, ponged) = channel::unbounded::<u64>();
        let answering = tasklets::spawn(move || pinged.iter().try_for_each(|number| pong.send(number)));
        let mut sum = 0;
        for number in 0..repetitions / 2 {
            ping.send(number)?;
            sum += ponged.recv()?;
        }
        drop(ping);
        answering.join()??;
        let trips = repetitions / 2;
        check("the sum", sum, trips * (trips - 1) / 2)
    })
}
