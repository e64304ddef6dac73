//! Stackless's hand-off preference: who runs first, exactly, with one worker.

mod watchdog;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tasklets::channel::Preference::{self, Neither, Receiver as ReceiverFirst, Sender as SenderFirst};
use tasklets::channel::{Receiver, Sender, after, bounded, unbounded};
use tasklets::{JoinHandle, Runtime, spawn, spawn_future, unblock, yield_now};
use watchdog::Watchdog;

const PREFERENCES: [Option<Preference>; 4] = [None, Some(ReceiverFirst), Some(SenderFirst), Some(Neither)];

/// Every order of the runtime with every preference and each of `ways`.
fn cases<W: Copy, const N: usize>(ways: [W; N]) -> impl Iterator<Item = (bool, Option<Preference>, W)> {
    let preferences = [false, true].into_iter().flat_map(|fifo| PREFERENCES.map(|preference| (fifo, preference)));
    preferences.flat_map(move |(fifo, preference)| ways.map(|way| (fifo, preference, way)))
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().join(" ")
    }
}

/// Runs `play` on one worker and returns what it has noted.
#[track_caller]
fn traced(fifo: bool, play: impl FnOnce(&Trace) + Send) -> String {
    let _watchdog = Watchdog::new(&format!("{}", std::panic::Location::caller()), Duration::ZERO);
    let trace = Trace::default();
    Runtime::builder().workers(1).fifo(fifo).build().unwrap().run(|| play(&trace));
    trace.text()
}

/// Two tasklets that can run throughout, and from `go` on note so when their turn comes.
struct Others {
    go: Arc<AtomicBool>,
    handles: Vec<JoinHandle<()>>,
}

impl Others {
    fn start(trace: &Trace) -> Self {
        let (go, started) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let handles = (0..2).map(|_| {
            let (trace, go, started) = (trace.clone(), go.clone(), started.clone());
            spawn(move || {
                started.fetch_add(1, SeqCst);
                while !go.load(SeqCst) {
                    yield_now();
                }
                trace.note("other");
            })
        });
        let this = Self { handles: handles.collect(), go };
        while started.load(SeqCst) < 2 {
            yield_now();
        }
        this
    }

    /// From here to its next wait the caller runs, and both are ready.
    fn go(&self) {
        self.go.store(true, SeqCst);
    }

    fn join(self) {
        self.handles.into_iter().for_each(|handle| handle.join().unwrap());
    }
}

/// A receiver waits; the main tasklet sends to it by `send`, with two others ready to run.
fn send_to_one_who_waits(trace: &Trace, s: &Sender<u32>, r: Receiver<u32>, send: impl FnOnce(&Sender<u32>)) {
    let its = trace.clone();
    let receiver = spawn(move || {
        assert_eq!(r.recv(), Ok(1));
        its.note("receiver");
    });
    while s.balance() == 0 {
        yield_now();
    }
    let others = Others::start(trace);
    others.go();
    send(s);
    trace.note("sender");
    yield_now();
    others.join();
    receiver.join().unwrap();
}

/// A sender waits; the main tasklet receives by `receive`, with two others ready to run.
fn receive_from_one_who_waits(trace: &Trace, s: Sender<u32>, r: &Receiver<u32>, receive: impl FnOnce(&Receiver<u32>)) {
    let its = trace.clone();
    let sender = spawn(move || {
        s.send(1).unwrap();
        its.note("sender");
    });
    while r.balance() == 0 {
        yield_now();
    }
    let others = Others::start(trace);
    others.go();
    receive(r);
    trace.note("receiver");
    yield_now();
    others.join();
    sender.join().unwrap();
}

/// The order of the one who calls and its partner when no preference applies.
fn unordered(fifo: bool, caller: &str, partner: &str) -> String {
    if fifo { caller_first(caller, partner) } else { format!("{caller} {partner} other other") }
}

fn caller_first(caller: &str, partner: &str) -> String {
    format!("{caller} other other {partner}")
}

fn partner_first(caller: &str, partner: &str) -> String {
    format!("{partner} other other {caller}")
}

/// Channels on which a receive waits.
fn empty_ones() -> [(Sender<u32>, Receiver<u32>); 3] {
    [bounded(0), bounded(1), unbounded()]
}

/// Channels on which a send waits.
fn full_ones() -> [(Sender<u32>, Receiver<u32>); 2] {
    let (s, r) = bounded(1);
    s.send(0).unwrap();
    [bounded(0), (s, r)]
}

#[test]
fn a_send_that_finds_a_receiver() {
    let sends: [fn(&Sender<u32>); 3] = [
        |s| s.send(1).unwrap(),
        |s| s.send_timeout(1, Duration::from_secs(60)).unwrap(),
        |s| assert_eq!(s.send_many([1]).unwrap(), 1),
    ];
    for (fifo, preference, send) in cases(sends) {
        for (s, r) in empty_ones() {
            s.set_preference(preference);
            let order = traced(fifo, |trace| send_to_one_who_waits(trace, &s, r, send));
            let expected = match preference {
                None => unordered(fifo, "sender", "receiver"),
                Some(ReceiverFirst) => partner_first("sender", "receiver"),
                Some(SenderFirst | Neither) => caller_first("sender", "receiver"),
            };
            assert_eq!(order, expected, "{preference:?}, fifo {fifo}, capacity {:?}", s.capacity());
        }
    }
}

#[test]
fn a_receive_that_finds_a_sender() {
    let receives: [fn(&Receiver<u32>); 3] = [
        |r| assert!(r.recv().is_ok()),
        |r| assert!(r.recv_timeout(Duration::from_secs(60)).is_ok()),
        |r| assert!(r.iter().next().is_some()),
    ];
    for (fifo, preference, receive) in cases(receives) {
        for (s, r) in full_ones() {
            r.set_preference(preference);
            let order = traced(fifo, |trace| receive_from_one_who_waits(trace, s, &r, receive));
            let expected = match preference {
                None => unordered(fifo, "receiver", "sender"),
                Some(SenderFirst) => partner_first("receiver", "sender"),
                Some(ReceiverFirst | Neither) => caller_first("receiver", "sender"),
            };
            assert_eq!(order, expected, "{preference:?}, fifo {fifo}, capacity {:?}", r.capacity());
        }
    }
}

#[test]
fn forms_that_never_suspend_know_no_preference() {
    for (fifo, preference, ()) in cases([()]) {
        for (s, r) in empty_ones() {
            s.set_preference(preference);
            let send = |s: &Sender<u32>| s.try_send(1).unwrap();
            let order = traced(fifo, |trace| send_to_one_who_waits(trace, &s, r, send));
            assert_eq!(order, unordered(fifo, "sender", "receiver"), "{preference:?}, fifo {fifo}");
        }
        for (s, r) in full_ones() {
            r.set_preference(preference);
            let receive = |r: &Receiver<u32>| assert!(r.try_recv().is_ok());
            let order = traced(fifo, |trace| receive_from_one_who_waits(trace, s, &r, receive));
            assert_eq!(order, unordered(fifo, "receiver", "sender"), "{preference:?}, fifo {fifo}");
        }
    }
}

/// However many hand-overs follow one another: nobody else's turn comes before the end of the chain, and then everybody's does.
#[test]
fn a_chain_of_receivers_runs_through() {
    for fifo in [false, true] {
        let order = traced(fifo, |trace| {
            let channels: Vec<_> = (0..=20).map(|_| bounded::<u32>(0)).collect();
            channels.iter().for_each(|(s, _)| s.set_preference(Some(ReceiverFirst)));
            let links: Vec<_> = (0..20)
                .map(|i| {
                    let (r, s, trace) = (channels[i].1.clone(), channels[i + 1].0.clone(), trace.clone());
                    let link = spawn(move || {
                        let message = r.recv().unwrap();
                        trace.note(format!("{i}"));
                        if i < 19 {
                            s.send(message).unwrap();
                            trace.note(format!("{i}!"));
                        }
                    });
                    while channels[i].0.balance() == 0 {
                        yield_now();
                    }
                    link
                })
                .collect();
            let others = Others::start(trace);
            others.go();
            channels[0].0.send(7).unwrap();
            trace.note("main");
            others.join();
            links.into_iter().for_each(|link| link.join().unwrap());
        });
        let there = (0..20).map(|i| format!("{i}"));
        let back = ["other", "other", "main"].map(String::from).into_iter().chain((0..19).map(|i| format!("{i}!")));
        assert_eq!(order, there.chain(back).collect::<Vec<_>>().join(" "), "fifo {fifo}");
    }
}

/// Two who hand to each other for ever do not keep the others from running, whoever goes first.
#[test]
fn a_ping_pong_leaves_others_their_turn() {
    for (fifo, preference, ()) in cases([()]) {
        traced(fifo, |trace| {
            let ((there, ball), (back, returned)) = (bounded(0), bounded(0));
            there.set_preference(preference);
            back.set_preference(preference);
            let partner = spawn(move || ball.iter().for_each(|ball: u32| back.send(ball).unwrap()));
            let others = Others::start(trace);
            others.go();
            while !others.handles.iter().all(JoinHandle::is_finished) {
                there.send(1).unwrap();
                assert_eq!(returned.recv(), Ok(1));
            }
            drop(there);
            partner.join().unwrap();
        });
    }
}

/// One that is told to end after it has given way still learns that its message was sent. Of many that do nothing but that, some have just
/// given way at any moment.
#[test]
fn who_is_told_to_end_while_it_gives_way_has_sent() {
    let (sent, received) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    traced(false, |_| {
        for _ in 0..50 {
            let (s, r) = bounded(0);
            s.set_preference(Some(ReceiverFirst));
            let (sent, received) = (sent.clone(), received.clone());
            spawn(move || {
                while s.send(1).is_ok() {
                    sent.fetch_add(1, SeqCst);
                }
            });
            spawn(move || {
                while r.recv() == Ok(1) {
                    received.fetch_add(1, SeqCst);
                }
            });
        }
        while sent.load(SeqCst) < 1000 {
            yield_now();
        }
    });
    // The runtime has ended, and they with it.
    assert_eq!(sent.load(SeqCst), received.load(SeqCst));
}

#[test]
fn threads_other_workers_and_futures_are_as_without_it() {
    let _watchdog = Watchdog::new("threads, other workers and futures", Duration::ZERO);
    for preference in PREFERENCES {
        for capacity in [Some(0), Some(1), None] {
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            s.set_preference(preference);
            let sum = Runtime::builder().workers(2).build().unwrap().run(|| {
                let tasklets: Vec<_> = (0..4)
                    .map(|_| {
                        let s = s.clone();
                        spawn(move || (0..100).for_each(|_| s.send(1).unwrap()))
                    })
                    .collect();
                let (from_thread, from_future) = (s.clone(), s.clone());
                let thread = std::thread::spawn(move || (0..100).for_each(|_| from_thread.send(1).unwrap()));
                let future = spawn_future(async move {
                    for _ in 0..100 {
                        from_future.send_async(1).await.unwrap();
                    }
                });
                let to_thread = r.clone();
                let other = std::thread::spawn(move || to_thread.iter().take(200).sum::<u32>());
                let sum = r.iter().take(400).sum::<u32>();
                tasklets.into_iter().for_each(|tasklet| tasklet.join().unwrap());
                future.join().unwrap();
                unblock(move || {
                    thread.join().unwrap();
                    sum + other.join().unwrap()
                })
            });
            assert_eq!(sum, 600);
        }
    }
}

#[test]
fn it_belongs_to_the_channel() {
    let (s, r) = unbounded::<u32>();
    assert_eq!((s.preference(), r.preference()), (None, None));
    for preference in PREFERENCES {
        s.set_preference(preference);
        assert_eq!((s.clone().preference(), r.clone().preference()), (preference, preference));
        s.set_preference(None);
        r.set_preference(preference);
        assert_eq!((s.preference(), r.preference()), (preference, preference));
    }
    let timer = after(Duration::ZERO);
    timer.set_preference(Some(Neither));
    assert_eq!(timer.preference(), None, "nobody sends");
}
