//! `oneshot`, `watch` and `broadcast` between tasklets, threads and futures, mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tasklets::channel::broadcast::{self, RecvError};
use tasklets::channel::{RecvTimeoutError, oneshot, watch};
use tasklets::{JoinHandle, Runtime, sleep, spawn, spawn_future, yield_now};

/// Runs `test` as the main tasklet with 1, 2 and 4 workers.
fn on_workers(test: impl Fn() + Sync) {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(&test);
    }
}

/// What runs at one end of a channel.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Tasklet,
    Thread,
    Future,
}

const KINDS: [Kind; 3] = [Kind::Tasklet, Kind::Thread, Kind::Future];

/// Runs the one that `kind` says, and waits for it when joined.
enum Running<T> {
    Task(JoinHandle<T>),
    Thread(thread::JoinHandle<T>),
}

impl<T: Send + 'static> Running<T> {
    fn start(
        kind: Kind,
        blocking: impl FnOnce() -> T + Send + 'static,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        match kind {
            Kind::Tasklet => Self::Task(spawn(blocking)),
            Kind::Thread => Self::Thread(thread::spawn(blocking)),
            Kind::Future => Self::Task(spawn_future(future)),
        }
    }

    fn join(self) -> T {
        match self {
            Self::Task(task) => task.join().unwrap(),
            // Joining a thread would keep the worker from running the tasklets that it needs.
            Self::Thread(thread) => tasklets::unblock(move || thread.join().unwrap()),
        }
    }
}

#[test]
fn oneshot_between_all_kinds() {
    on_workers(|| {
        for from in KINDS {
            for to in KINDS {
                for early in [false, true] {
                    let (sender, receiver) = oneshot::channel();
                    let send = move || {
                        if !early {
                            moment();
                        }
                        sender.send((from as usize, to as usize)).unwrap();
                    };
                    let sends = if matches!(from, Kind::Future) {
                        Running::Task(spawn_future(async move { send() }))
                    } else {
                        Running::start(from, send, std::future::pending())
                    };
                    let (here, there) = split(receiver);
                    let receives = Running::start(to, move || here.take().recv(), async move { there.take().await });
                    assert_eq!(receives.join(), Ok((from as usize, to as usize)), "{from:?} to {to:?}");
                    sends.join();
                }
            }
        }
    });
}

/// Long enough for the other end to wait, most of the time.
fn moment() {
    sleep(Duration::from_millis(1));
}

/// One value that either of two closures may take.
struct Shared<T>(Arc<std::sync::Mutex<Option<T>>>);

impl<T> Shared<T> {
    fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("taken once")
    }
}

fn split<T>(value: T) -> (Shared<T>, Shared<T>) {
    let shared = Arc::new(std::sync::Mutex::new(Some(value)));
    (Shared(shared.clone()), Shared(shared))
}

#[test]
fn a_oneshot_sender_in_a_tasklet_learns_that_nobody_wants_the_value() {
    on_workers(|| {
        for kind in KINDS {
            let (sender, receiver) = oneshot::channel::<u8>();
            let (here, there) = split(sender);
            let waits = Running::start(kind, move || here.take().closed(), async move {
                there.take().closed_async().await;
            });
            moment();
            drop(receiver);
            waits.join();
        }
    });
}

/// Questions to a server, each with the channel for its answer.
#[test]
fn ten_thousand_answers() {
    on_workers(|| {
        let askers: Vec<_> = (0..100_u64)
            .map(|asker| {
                spawn(move || {
                    for question in 0..100 {
                        let (answer, asked) = oneshot::channel();
                        spawn(move || answer.send(question * asker).unwrap());
                        assert_eq!(asked.recv(), Ok(question * asker));
                    }
                })
            })
            .collect();
        askers.into_iter().for_each(|asker| asker.join().unwrap());
    });
}

#[test]
fn watch_between_all_kinds() {
    const LAST: u64 = 300;
    on_workers(|| {
        let (sender, receiver) = watch::channel(0);
        let watchers: Vec<_> = KINDS
            .into_iter()
            .chain(KINDS)
            .map(|kind| {
                let (mut here, mut there) = (receiver.clone(), receiver.clone());
                Running::start(
                    kind,
                    move || {
                        let mut seen = vec![];
                        while here.changed().is_ok() {
                            seen.push(*here.borrow_and_update());
                        }
                        seen
                    },
                    async move {
                        let mut seen = vec![];
                        while there.changed_async().await.is_ok() {
                            seen.push(*there.borrow_and_update());
                        }
                        seen
                    },
                )
            })
            .collect();
        let from_thread = sender.clone();
        let sends = thread::spawn(move || (0..LAST).for_each(|_| from_thread.send_modify(|value| *value += 1)));
        for _ in 0..LAST {
            sender.send_modify(|value| *value += 1);
            yield_now();
        }
        tasklets::unblock(move || sends.join().unwrap());
        drop(sender);
        for watcher in watchers {
            let seen = watcher.join();
            assert!(seen.is_sorted_by(|a, b| a < b), "each value at most once, none before an older one");
            assert_eq!(seen.last(), Some(&(2 * LAST)), "the last is seen by all");
        }
    });
}

#[test]
fn a_watch_value_may_be_kept_while_its_tasklet_waits() {
    on_workers(|| {
        let (sender, mut receiver) = watch::channel(String::from("old"));
        let (holds, held) = oneshot::channel();
        let keeps = spawn(move || {
            let mut waits = receiver.clone();
            let old = receiver.borrow_and_update();
            holds.send(()).unwrap();
            waits.changed().unwrap();
            (old.clone(), waits.get())
        });
        held.recv().unwrap();
        sender.send("new".into()).unwrap();
        assert_eq!(keeps.join().unwrap(), ("old".into(), "new".into()));
        sender.closed();
    });
}

#[test]
fn a_watch_that_times_out_leaves_nothing_behind() {
    on_workers(|| {
        let (sender, mut receiver) = watch::channel(0);
        for _ in 0..200 {
            assert_eq!(receiver.changed_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        }
        sender.send(1).unwrap();
        assert_eq!(receiver.changed_timeout(Duration::ZERO), Ok(()));
    });
}

#[test]
fn broadcast_between_all_kinds() {
    const EACH: u64 = 500;
    on_workers(|| {
        for capacity in [2, 4096] {
            let (sender, receiver) = broadcast::channel(capacity);
            let receivers: Vec<_> = KINDS
                .into_iter()
                .chain(KINDS)
                .map(|kind| {
                    let (mut here, mut there) = (receiver.clone(), receiver.clone());
                    Running::start(kind, move || collect(|| here.recv()), async move {
                        let mut tally = Tally::default();
                        while tally.count(there.recv_async().await) {}
                        tally
                    })
                })
                .collect();
            drop(receiver);
            let senders: Vec<_> = (0..3)
                .zip(KINDS)
                .map(|(number, kind)| {
                    let (here, there) = (sender.clone(), sender.clone());
                    let send = move |sender: &broadcast::Sender<_>| {
                        (0..EACH).for_each(|i| sender.send((number, i)).unwrap());
                    };
                    Running::start(kind, move || send(&here), async move { send(&there) })
                })
                .collect();
            drop(sender);
            senders.into_iter().for_each(Running::join);
            for receiver in receivers {
                let tally = receiver.join();
                assert_eq!(tally.received + tally.missed, 3 * EACH);
                assert!(capacity == 2 || tally.missed == 0);
            }
        }
    });
}

/// What one receiver got.
#[derive(Default)]
struct Tally {
    next: [u64; 3],
    received: u64,
    missed: u64,
}

impl Tally {
    /// Counts one result. False at the end.
    fn count(&mut self, result: Result<(usize, u64), RecvError>) -> bool {
        match result {
            Ok((sender, number)) => {
                assert!(number >= self.next[sender], "each sender's messages come in order");
                self.next[sender] = number + 1;
                self.received += 1;
            }
            Err(RecvError::Lagged(missed)) => self.missed += missed,
            Err(RecvError::Disconnected) => return false,
        }
        true
    }
}

fn collect(mut receive: impl FnMut() -> Result<(usize, u64), RecvError>) -> Tally {
    let mut tally = Tally::default();
    while tally.count(receive()) {}
    tally
}

/// Tasklets that are told to end while they wait: nothing is lost or left behind, and the other ends go on.
#[test]
fn waits_are_cancelled_when_the_runtime_ends() {
    let ended = Arc::new(AtomicUsize::new(0));
    struct Ends(Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (watch_sender, watch_receiver) = watch::channel(0);
    let (broadcast_sender, broadcast_receiver) = broadcast::channel(2);
    let (answer, question) = oneshot::channel();
    let runtime = Runtime::builder().workers(2).build().unwrap();
    runtime.run(|| {
        let (mut watches, mut receives) = (watch_receiver.clone(), broadcast_receiver.clone());
        let ends = [Ends(ended.clone()), Ends(ended.clone()), Ends(ended.clone())];
        let [first, second, third] = ends;
        drop(spawn(move || {
            let _first = first;
            watches.changed()
        }));
        drop(spawn(move || {
            let _second = second;
            receives.recv()
        }));
        drop(spawn(move || {
            let _third = third;
            question.recv()
        }));
        moment();
    });
    drop(runtime);
    assert_eq!(ended.load(Ordering::SeqCst), 3);
    assert!(answer.send(1).is_err());
    let (mut watch_receiver, mut broadcast_receiver) = (watch_receiver, broadcast_receiver);
    watch_sender.send(1).unwrap();
    broadcast_sender.send(1).unwrap();
    assert_eq!(watch_receiver.changed(), Ok(()));
    assert_eq!(broadcast_receiver.recv(), Ok(1));
    assert_eq!((watch_sender.receiver_count(), broadcast_sender.receiver_count()), (1, 1));
}
