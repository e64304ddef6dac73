//! Who waits first is served first.

use crate::channel;
use crate::crew::{runtime, watch};
use crate::eventually::eventually;
use std::sync::{Arc, Mutex};
use std::thread;
use tasklets::channel::{Receiver, Sender};
use tasklets::{Runtime, select, spawn, yield_now};

const WAITERS: usize = 8;

fn in_order() -> Vec<usize> {
    (0..WAITERS).collect()
}

/// In a tasklet of the only worker: lets the others run until `balance` is what the test says.
fn until_balance(balance: isize, of: impl Fn() -> isize) {
    eventually(&format!("the balance is {balance}"), || {
        yield_now();
        of() == balance
    });
}

/// Parks receivers one after the other, and sends them their numbers: `pause` after each.
fn serve_receivers(capacity: Option<usize>, pause: impl Fn(&dyn Fn() -> usize, usize)) {
    let (sender, receiver) = channel(capacity);
    let served = Arc::new(Mutex::new(Vec::new()));
    let tasklets: Vec<_> = (0..WAITERS)
        .map(|number| {
            let (receiver, served) = (receiver.clone(), served.clone());
            let tasklet = spawn(move || {
                let message = receiver.recv();
                served.lock().expect("nobody panicked").push((number, message));
            });
            until_balance(-(number as isize) - 1, || sender.balance());
            tasklet
        })
        .collect();
    for number in 0..WAITERS {
        sender.send(number).expect("there are receivers");
        pause(&|| served.lock().expect("nobody panicked").len(), number + 1);
    }
    for tasklet in tasklets {
        tasklet.join().expect("it does not panic");
    }
    // By number: it is the scheduler that says in which order those run who were woken by one burst.
    let mut served = served.lock().expect("nobody panicked").clone();
    served.sort_by_key(|(number, _)| *number);
    let expected: Vec<_> = (0..WAITERS).map(|number| (number, Ok(number))).collect();
    assert_eq!(served, expected, "capacity {capacity:?}");
}

#[test]
fn receivers_one_by_one() {
    let _watchdog = watch("receivers in order");
    let runtime = runtime(1);
    for capacity in [Some(0), Some(1), Some(WAITERS), None] {
        runtime.run(|| {
            serve_receivers(capacity, |served, number| {
                eventually("the receiver has run", || {
                    yield_now();
                    served() == number
                });
            });
        });
    }
}

#[test]
fn receivers_all_at_once() {
    let _watchdog = watch("receivers in order, all at once");
    let runtime = runtime(1);
    for capacity in [Some(0), Some(1), Some(WAITERS)] {
        runtime.run(|| serve_receivers(capacity, |_, _| {}));
    }
}

/// A channel on which senders, parked one after the other, wait with their numbers, and what makes them wait.
fn park_senders(capacity: usize, done: &Arc<Mutex<Vec<usize>>>) -> (Receiver<usize>, Vec<tasklets::JoinHandle<()>>) {
    let (sender, receiver) = channel(Some(capacity));
    for filler in 0..capacity {
        sender.send(1000 + filler).expect("there is room");
    }
    let tasklets = (0..WAITERS).map(|number| {
        let (sender, done): (Sender<_>, _) = (sender.clone(), done.clone());
        let tasklet = spawn(move || {
            sender.send(number).expect("there is a receiver");
            done.lock().expect("nobody panicked").push(number);
        });
        until_balance(number as isize + 1, || receiver.balance());
        tasklet
    });
    let tasklets = tasklets.collect();
    (receiver, tasklets)
}

/// Receives all, with a `pause` after each. Returns in which order the senders came back.
fn serve_senders(capacity: usize, pause: impl Fn()) -> Vec<usize> {
    let done = Arc::default();
    let (receiver, tasklets) = park_senders(capacity, &done);
    let mut received = Vec::new();
    for _ in 0..capacity + WAITERS {
        received.extend(receiver.recv());
        pause();
    }
    for tasklet in tasklets {
        tasklet.join().expect("it does not panic");
    }
    assert_eq!(received[capacity..], in_order(), "capacity {capacity}");
    done.lock().expect("nobody panicked").clone()
}

#[test]
fn senders_one_by_one() {
    let _watchdog = watch("senders in order");
    let runtime = runtime(1);
    for capacity in [0, 1, 3] {
        let done = runtime.run(|| serve_senders(capacity, || (0..3).for_each(|_| yield_now())));
        assert_eq!(done, in_order(), "capacity {capacity}");
    }
}

#[test]
fn senders_all_at_once() {
    let _watchdog = watch("senders in order, all at once");
    let runtime = runtime(1);
    for capacity in [0, 1, 3] {
        let done = runtime.run(|| serve_senders(capacity, || {}));
        assert_eq!(done.len(), WAITERS);
    }
}

/// Threads and tasklets wait behind each other, and some in between give up.
#[test]
fn in_mixed_company() {
    let _watchdog = watch("mixed company in order");
    let runtime: &Runtime = &runtime(2);
    for capacity in [Some(0), Some(1), Some(4)] {
        let (sender, receiver) = channel(capacity);
        let (log, logged) = std::sync::mpsc::channel();
        let (stay, told) = channel::<()>(Some(0));
        thread::scope(|scope| {
            let mut impatient = Vec::new();
            for number in 0..WAITERS {
                let (receiver, log, told) = (receiver.clone(), log.clone(), told.clone());
                match number % 3 {
                    0 => drop(scope.spawn(move || log.send((number, receiver.recv())))),
                    1 => drop(runtime.spawn(move || log.send((number, receiver.recv())))),
                    _ => impatient.push(runtime.spawn(move || {
                        select! {
                            recv(receiver) -> message => panic!("{message:?} went past those who came before"),
                            recv(told) -> _ => {}
                        }
                    })),
                }
                eventually("it is parked", || sender.balance() == -(number as isize) - 1);
            }
            drop(stay);
            let patient = WAITERS - impatient.len();
            for tasklet in impatient {
                tasklet.join().expect("it gets nothing");
            }
            assert_eq!(sender.balance(), -(patient as isize), "those who gave up are gone");
            for number in (0..WAITERS).filter(|number| number % 3 < 2) {
                sender.send(number).expect("there are receivers");
                assert_eq!(logged.recv(), Ok((number, Ok(number))), "capacity {capacity:?}");
            }
        });
    }
}
