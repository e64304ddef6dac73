//! `select!` and `select_biased!`: their syntax, and what they promise, on threads, in tasklets, and between the two.

#![forbid(unsafe_code)]
// Odd code is here on purpose: what a case may hold is what is tested.
#![allow(
    clippy::never_loop,
    clippy::match_single_binding,
    clippy::unnecessary_literal_unwrap,
    clippy::let_and_return,
    clippy::redundant_closure_call,
    clippy::or_fun_call
)]

use std::any::Any;
use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tasklets::channel::{Receiver, RecvError, SendError, Sender, TryRecvError, after, bounded, never, tick, unbounded};
use tasklets::{select, select_biased};

/// So long that only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// What may be cut short without any harm.
const MOMENT: Duration = Duration::from_millis(2);

/// What runs the parts of a test.
#[derive(Clone, Copy, Debug)]
enum Place {
    Threads,
    Tasklets,
    /// A tasklet and a thread.
    Mixed,
}

impl Place {
    /// Runs both at the same time, until both have ended.
    fn both(self, one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
        match self {
            Place::Tasklets => tasklets::scope(|scope| {
                scope.spawn(other);
                one();
            }),
            Place::Threads | Place::Mixed => thread::scope(|scope| {
                scope.spawn(other);
                one();
            }),
        }
    }

    /// Runs `part(0)` to `part(count - 1)` at the same time, and meanwhile `one`, until all have ended.
    fn many(self, count: usize, part: impl Fn(usize) + Sync, one: impl FnOnce()) {
        let part = &part;
        match self {
            Place::Tasklets => tasklets::scope(|scope| {
                (0..count).for_each(|i| drop(scope.spawn(move || part(i))));
                one();
            }),
            Place::Threads | Place::Mixed => thread::scope(|scope| {
                (0..count).for_each(|i| drop(scope.spawn(move || part(i))));
                one();
            }),
        }
    }
}

/// Runs the test in each place.
fn everywhere(test: impl Fn(Place) + Send + Sync) {
    test(Place::Threads);
    tasklets::run(|| {
        test(Place::Tasklets);
        test(Place::Mixed);
    });
}

/// Runs a test that needs no company on a thread and in a tasklet.
fn alone(test: impl Fn() + Send + Sync) {
    test();
    tasklets::run(test);
}

mod syntax {
    use super::*;

    #[test]
    fn the_operation_that_can_go_ahead_is_taken() {
        alone(|| {
            let (s1, r1) = unbounded();
            let (s2, r2) = bounded(1);
            let (_s3, r3) = bounded::<&str>(0);
            for _ in 0..50 {
                s1.send(1).unwrap();
                select! {
                    recv(r1) -> got => assert_eq!(got, Ok(1)),
                    recv(r2) -> _ => panic!("nothing was sent"),
                    recv(r3) -> _ => panic!("nothing was sent"),
                }
                select! {
                    recv(r1) -> _ => panic!("it was taken"),
                    send(s2, "two") -> sent => assert_eq!(sent, Ok(())),
                    recv(r3) -> _ => panic!("nothing was sent"),
                }
                select! {
                    recv(r1) -> _ => panic!("it was taken"),
                    send(s2, "three") -> _ => panic!("it is full"),
                    recv(r2) -> got => assert_eq!(got, Ok("two")),
                }
            }
        });
    }

    #[test]
    fn default_may_be_anywhere() {
        alone(|| {
            let (s, r) = bounded::<u32>(0);
            let taken = Cell::new(0);
            let count = || taken.set(taken.get() + 1);
            select! { recv(r) -> _ => panic!(), default => count() }
            select! { default => count(), recv(r) -> _ => panic!() }
            select! { default() => count(), send(s, 1) -> _ => panic!() }
            select! { send(s, 1) -> _ => panic!(), default() => { count() } recv(r) -> _ => panic!() }
            select! { default(MOMENT) => count(), recv(r) -> _ => panic!() }
            select! { recv(r) -> _ => panic!(), default(MOMENT) => count(), recv(r) -> _ => panic!() }
            select! { send(s, 1) -> _ => panic!(), send(s, 2) -> _ => panic!(), default(MOMENT,) => count(), }
            assert_eq!(taken.get(), 7);
        });
    }

    #[test]
    fn default_may_be_alone() {
        alone(|| {
            assert_eq!(select! { default => 1 }, 1);
            assert_eq!(select! { default() => { 2 } }, 2);
            let began = Instant::now();
            assert_eq!(select_biased! { default(MOMENT) => 3, }, 3);
            assert!(began.elapsed() >= MOMENT);
        });
    }

    #[test]
    fn bodies_are_separated_by_commas_or_braces() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let got = select! {
                recv(r) -> _ => 3.0,
                recv(r) -> _ => loop { unreachable!() },
                recv(r) -> _ => match 7 { _ => unreachable!() },
                default => 7.
            };
            assert_eq!(got, 7.);
            select! {
                recv(r) -> got => if got.is_ok() { unreachable!() },
                recv(r) -> _ => {}
                recv(r,) -> _ => (),
                send(s, 1,) -> _ => {},
            }
            select! {
                recv(r) -> _ => {}
                default(PATIENCE) => unreachable!()
            }
            select! { recv(r) -> _ => {} recv(r) -> _ => {} default => {} }
        });
    }

    #[test]
    fn results_are_patterns() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            for i in 0..5 {
                s.send(i).unwrap();
            }
            select! { recv(r) -> mut got => { got = got.map(|i| i + 1); assert_eq!(got, Ok(1)); } default => panic!() }
            select! { recv(r) -> Ok(_) | Err(RecvError) => {}, recv(r) -> Ok(_) | Err(_) => {} }
            select! { recv(r) -> ref got => assert_eq!(*got, Ok(2)), default => panic!() }
            select! { recv(r) -> got @ (Ok(_) | Err(_)) => assert_eq!(got, Ok(3)), default(PATIENCE) => panic!() }
            // The name of the channel itself.
            select! { recv(r) -> r => assert_eq!(r, Ok(4)), recv(never()) -> r => { let _: Result<(), _> = r; } }
        });
    }

    #[test]
    fn results_have_the_types_of_the_plain_operations() {
        alone(|| {
            let (s, _) = bounded::<u32>(0);
            let (_, r) = bounded::<u32>(0);
            select! { recv(r) -> got => { let _: Result<u32, RecvError> = got; } }
            select! { recv(r) -> got => { let _: Result<u32, RecvError> = got; } default => {} }
            select! { recv(r) -> got => { let _: Result<u32, RecvError> = got; } default(MOMENT) => {} }
            select! { send(s, 0) -> sent => { let _: Result<(), SendError<u32>> = sent; } }
            select! {
                recv(r) -> got => { let _: Result<u32, RecvError> = got; }
                send(s, 0) -> sent => { let _: Result<(), SendError<u32>> = sent; }
            }
        });
    }

    #[test]
    fn it_is_an_expression() {
        alone(|| {
            let (s, r) = unbounded();
            let next = || {
                select! {
                    recv(r) -> _ => "received".into(),
                    send(s, ()) -> _ => "sent".to_owned(),
                    default => "neither".to_string(),
                }
            };
            assert!(["received", "sent"].contains(&&*next()));
            let text: String = select! { recv(r) -> _ => "received".into(), default => "nothing".to_string() };
            assert!(["received", "nothing"].contains(&&*text));
        });
    }

    #[test]
    fn types_are_inferred_from_use() {
        alone(|| {
            let (s, r) = unbounded();
            select! { recv(r) -> _ => {} default => {} }
            s.send(()).unwrap();
            let (s, r) = unbounded();
            select! { send(s, ()) -> _ => {} recv(never::<()>()) -> _ => {} }
            r.recv().unwrap();
            // A message coerces to the channel's type.
            let (s, r) = unbounded::<Box<dyn Any + Send>>();
            select! { send(s, Box::new(5)) -> sent => drop(sent) }
            assert_eq!(*r.recv().unwrap().downcast::<i32>().unwrap(), 5);
        });
    }

    #[test]
    fn generic_functions_may_use_it() {
        fn first<T, const N: usize>(a: &Receiver<[T; N]>, b: &Receiver<[T; N]>) -> Option<[T; N]> {
            select! { recv(a) -> got => got.ok(), recv(b) -> got => got.ok(), default => None }
        }
        alone(|| {
            let (s, r) = unbounded();
            s.send([1, 2]).unwrap();
            assert_eq!(first(&r, &never()), Some([1, 2]));
        });
    }

    struct Outlet(Receiver<u32>);
    struct Inlet(Sender<u32>);

    impl Deref for Outlet {
        type Target = Receiver<u32>;
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl Deref for Inlet {
        type Target = Sender<u32>;
        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    #[test]
    fn channels_are_any_expressions() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let (boxed_s, boxed_r) = (Box::new(s.clone()), Box::new(r.clone()));
            let (inlet, outlet) = (Inlet(s.clone()), Outlet(r.clone()));
            let yes = thread::current().name() != Some("nobody");
            select! { send(&&&&s, 0) -> _ => {} recv(&&&&r) -> _ => {} }
            select! { send(*boxed_s, 0) -> _ => {} recv(*boxed_r) -> _ => {} }
            select! { send(inlet, 0) -> _ => {} recv(outlet) -> _ => {} }
            select! { recv(if yes { &r } else { &outlet.0 }) -> _ => {} send(if yes { s.clone() } else { panic!() }, 1) -> _ => {} }
            select! { recv(Some(&r).unwrap_or(&never())) -> _ => {} default => {} }
            select! { recv({ let clone = r.clone(); clone }) -> _ => {} default(MOMENT) => {} }
            select! { recv((move || outlet)()) -> _ => {} send((move || inlet)(), 0) -> _ => {} }
            select! { recv(after(MOMENT)) -> _ => {} recv(tick(MOMENT)) -> _ => {} }
        });
    }

    #[test]
    fn a_channel_is_evaluated_once_and_in_order() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let order = Cell::new(0);
            let turn = |n| assert_eq!(order.replace(n + 1), n);
            select! {
                recv({ turn(0); &r }) -> _ => panic!("nothing was sent"),
                send({ turn(1); &s }, { turn(3); 9 }) -> _ => turn(4),
                recv({ turn(2); never::<()>() }) -> _ => panic!("nothing comes"),
            }
            assert_eq!(order.get(), 5);
        });
    }

    fn unwanted() -> u32 {
        panic!("a message was evaluated, and its case was not chosen")
    }

    #[test]
    fn a_message_is_evaluated_when_its_case_is_chosen() {
        alone(|| {
            let (s, r) = bounded::<u32>(1);
            select! { send(s, 1) -> _ => {} default => panic!("there is room") }
            for _ in 0..20 {
                select! { send(s, unwanted()) -> _ => {} default => {} }
                select! { send(s, unwanted()) -> _ => {} default(MOMENT) => {} }
            }
            select! { send(s, unwanted()) -> _ => {} recv(r) -> got => assert_eq!(got, Ok(1)) }
        });
    }

    #[test]
    fn bodies_steer_the_code_around_them() {
        fn question(r: &Receiver<&str>) -> Result<u32, Box<dyn std::error::Error>> {
            select! {
                recv(r) -> text => Ok(text?.parse::<u32>()?),
                recv(never::<()>()) -> _ => unreachable!(),
            }
        }
        fn returns(r: &Receiver<&str>) -> usize {
            select! { recv(r) -> text => return text.map_or(0, str::len), default => {} }
            usize::MAX
        }
        alone(|| {
            let (s, r) = unbounded();
            s.send("12").unwrap();
            s.send("twelve").unwrap();
            assert_eq!(question(&r).unwrap(), 12);
            assert!(question(&r).is_err());
            assert_eq!(returns(&r), usize::MAX);
            s.send("twelve").unwrap();
            assert_eq!(returns(&r), 6);

            (0..10).for_each(|_| s.send("x").unwrap());
            let (mut rounds, mut left) = (0, 0);
            let outcome = 'outer: loop {
                rounds += 1;
                loop {
                    select! {
                        recv(r) -> text => {
                            if text.is_err() { panic!("it is connected") }
                            if r.len() % 2 == 0 { continue }
                            left += 1;
                            break
                        }
                        recv(never::<()>()) -> _ => unreachable!(),
                        default => break 'outer "empty",
                    }
                }
            };
            assert_eq!((outcome, rounds, left), ("empty", 6, 5));
            drop(s);
            assert!(question(&r).is_err());
        });
    }

    #[test]
    fn each_branch_may_move_what_others_move() {
        alone(|| {
            let (s, r) = bounded::<Box<u32>>(1);
            for _ in 0..2 {
                let message = Box::new(1);
                let other = select! { send(s, message) -> _ => None, default => Some(message) };
                let message = Box::new(2);
                select! { send(s, message) -> _ => {} recv(r) -> _ => drop(message), default(MOMENT) => drop(message) }
                drop(other);
            }
            // Even the channels, since nothing borrows from them any more.
            select! { send(s, Box::new(3)) -> _ => drop((s, r)), recv(r) -> _ => drop((r, s)), default => drop((r, s)) }
            let (s, r) = unbounded::<u32>();
            select! { recv(r) -> _ => drop((r, s)), send(s, 3) -> _ => drop((s, r)), default(MOMENT) => drop((s, r)) }
            let (_s, r) = unbounded::<u32>();
            select! { recv(r) -> _ => drop(r), default => drop(r) }
        });
    }

    mod shadows {
        #[derive(Debug)]
        pub(super) struct Ok;
        #[derive(Debug)]
        pub(super) struct Err;
        pub(super) fn drop(_: u32) {}
        pub(super) mod core {}
    }

    #[test]
    fn names_of_the_caller_are_left_alone() {
        #[allow(unused_imports)] // There to be in the way.
        use shadows::{Err, Ok, core, drop};
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let [select, operation, outcome, receiver, a, b] = [1, 2, 3, 4, 5, 6];
            let sum = select! {
                recv(r) -> _ => select + operation + outcome + receiver + a + b,
                send(s, select + operation + outcome + receiver + a + b) -> result => {
                    let _ = (Ok, Err, result);
                    drop(1);
                    select + operation + outcome + receiver + a + b
                }
                default(MOMENT) => select + operation + outcome + receiver + a + b,
            };
            assert_eq!(sum, 21);
        });
    }

    #[test]
    fn selects_nest() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            select! {
                send(s, 0) -> _ => {
                    select! {
                        recv(r) -> got => select! {
                            send(s, got.unwrap() + 1) -> _ => select! {
                                recv(r) -> got => assert_eq!(got, Ok(1)),
                                default => panic!(),
                            },
                            recv(r) -> _ => panic!(),
                        },
                        recv(never::<()>()) -> _ => panic!(),
                    }
                }
            }
        });
    }

    #[test]
    fn there_may_be_hundreds_of_cases() {
        /// Makes four of each of these tokens, as often as there are stars.
        macro_rules! select_times {
            ([* $($star:tt)*] [$($end:tt)*] $($case:tt)*) => {
                select_times!([$($star)*] [$($end)*] $($case)* $($case)* $($case)* $($case)*)
            };
            ([] [$($end:tt)*] $($case:tt)*) => { select! { $($case)* $($end)* } };
        }
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let (_empty, empty) = bounded::<u32>(0);
            let count = Cell::new(0);
            let count_one = || count.set(count.get() + 1);
            s.send(1).unwrap();
            // 257 cases in braces, of which one can go ahead.
            select_times!([****] [recv(r) -> got => { assert_eq!(got, Ok(1)) }] recv(empty) -> _ => { panic!() });
            // 128 and a default, and all but that can go ahead.
            select_times!([***] [default => panic!(),] recv(r) -> _ => count_one(), send(s, 1) -> _ => count_one(),);
            // 32, half of them without a comma.
            select_times!([**] [default(MOMENT) => count_one()] recv(empty) -> _ => {} recv(empty) -> _ => panic!(),);
            assert_eq!(count.get(), 2);
        });
    }
}

mod operations {
    use super::*;

    #[test]
    fn operations_on_a_disconnected_channel_go_ahead() {
        alone(|| {
            let (_, r) = unbounded::<u32>();
            let (s, _) = bounded::<u32>(0);
            let (_other, other) = unbounded::<u32>();
            select! { recv(r) -> got => assert_eq!(got, Err(RecvError)), default => panic!() }
            select! { recv(r) -> got => assert_eq!(got, Err(RecvError)), recv(other) -> _ => panic!(), default => panic!() }
            select! { recv(r) -> got => assert_eq!(got, Err(RecvError)), recv(other) -> _ => panic!() }
            select! { send(s, 1) -> sent => assert_eq!(sent, Err(SendError(1))), default => panic!() }
            select! { send(s, 1) -> sent => assert_eq!(sent, Err(SendError(1))), recv(other) -> _ => panic!() }
            select! { send(s, 1) -> sent => assert_eq!(sent, Err(SendError(1))), default(PATIENCE) => panic!() }
        });
    }

    #[test]
    fn what_was_sent_before_the_disconnection_is_received() {
        alone(|| {
            let (s, r) = unbounded();
            s.send(1).unwrap();
            drop(s);
            select! { recv(r) -> got => assert_eq!(got, Ok(1)), recv(never::<()>()) -> _ => panic!() }
            select! { recv(r) -> got => assert_eq!(got, Err(RecvError)), recv(never::<()>()) -> _ => panic!() }
        });
    }

    #[test]
    fn a_select_does_not_meet_itself() {
        alone(|| {
            let (s, r) = bounded::<u32>(0);
            select! { send(s, 0) -> _ => panic!(), recv(r) -> _ => panic!(), default(MOMENT) => {} }
            select! { send(s, 0) -> _ => panic!(), recv(r) -> _ => panic!(), default => {} }
        });
    }

    #[test]
    fn a_channel_may_be_in_several_cases() {
        alone(|| {
            let (s, r) = unbounded::<u32>();
            let mut hits = [false; 4];
            while hits.contains(&false) {
                select! {
                    recv(r) -> _ => hits[0] = true,
                    recv(r) -> _ => hits[1] = true,
                    send(s, 0) -> _ => hits[2] = true,
                    send(s, 0) -> _ => hits[3] = true,
                }
            }
        });
    }

    #[test]
    fn ready_operations_are_taken_evenly() {
        const ROUNDS: usize = 4_000;
        alone(|| {
            let (s1, r1) = bounded(ROUNDS);
            let (s2, r2) = unbounded();
            (0..ROUNDS).for_each(|_| select_both_ready(&s1, &s2));
            let mut hits = [0; 4];
            for _ in 0..ROUNDS {
                select! {
                    recv(r1) -> _ => hits[0] += 1,
                    recv(r2) -> _ => hits[1] += 1,
                    recv(after(Duration::ZERO)) -> _ => hits[2] += 1,
                    recv(tick(Duration::ZERO)) -> _ => hits[3] += 1,
                }
            }
            assert!(hits.iter().all(|&hits| hits >= ROUNDS / 8), "{hits:?}");
            let (s1, _r1) = bounded(ROUNDS);
            let mut hits = [0; 2];
            for _ in 0..ROUNDS {
                select! { send(s1, ()) -> _ => hits[0] += 1, send(s2, ()) -> _ => hits[1] += 1 }
            }
            assert!(hits.iter().all(|&hits| hits >= ROUNDS / 4), "{hits:?}");
        });
        fn select_both_ready(s1: &Sender<()>, s2: &Sender<()>) {
            s1.send(()).unwrap();
            s2.send(()).unwrap();
        }
    }

    #[test]
    fn a_biased_select_takes_the_first() {
        const ROUNDS: usize = 500;
        alone(|| {
            let (s1, r1) = unbounded();
            let (s2, r2) = unbounded();
            for _ in 0..ROUNDS {
                s1.send(1).unwrap();
                s2.send(2).unwrap();
            }
            let mut got = Vec::new();
            for i in 0..2 * ROUNDS {
                got.push(match i % 3 {
                    0 => select_biased! { recv(r1) -> got => got.unwrap(), recv(r2) -> got => got.unwrap() },
                    1 => select_biased! { recv(r1) -> got => got.unwrap(), recv(r2) -> got => got.unwrap(), default => 0 },
                    _ => select_biased! {
                        default(PATIENCE) => 0,
                        recv(r1) -> got => got.unwrap(),
                        recv(r2) -> got => got.unwrap(),
                    },
                });
            }
            assert_eq!(got, [[1; ROUNDS], [2; ROUNDS]].concat());
        });
    }

    #[test]
    fn each_direction_ends_a_wait() {
        everywhere(|place| {
            let (s1, r1) = bounded::<u32>(0);
            let (s2, r2) = bounded::<u32>(0);
            place.both(
                || {
                    for i in 0..200 {
                        select! { recv(r1) -> got => assert_eq!(got, Ok(i)), recv(never::<()>()) -> _ => panic!() }
                        select! { send(s2, i) -> sent => sent.unwrap(), recv(never::<()>()) -> _ => panic!() }
                        select! { recv(r1) -> got => assert_eq!(got, Ok(i)), default(PATIENCE) => panic!() }
                        select! { send(s2, i) -> sent => sent.unwrap(), default(PATIENCE) => panic!() }
                    }
                },
                || {
                    for i in 0..200 {
                        for _ in 0..2 {
                            s1.send(i).unwrap();
                            assert_eq!(r2.recv(), Ok(i));
                        }
                    }
                },
            );
        });
    }

    #[test]
    fn a_disconnection_ends_a_wait() {
        everywhere(|place| {
            for _ in 0..50 {
                let (s1, r1) = bounded::<u32>(0);
                let (s2, r2) = bounded::<u32>(0);
                let (_s3, r3) = unbounded::<u32>();
                place.both(
                    || {
                        select! { recv(r1) -> got => assert_eq!(got, Err(RecvError)), recv(r3) -> _ => panic!() }
                        select! { send(s2, 5) -> sent => assert_eq!(sent, Err(SendError(5))), recv(r3) -> _ => panic!() }
                    },
                    || {
                        drop(s1);
                        drop(r2);
                    },
                );
            }
        });
    }

    #[test]
    fn both_sides_may_select() {
        everywhere(|place| {
            let (s1, r1) = bounded::<usize>(0);
            let (s2, r2) = bounded::<usize>(0);
            let crossed = |s: &Sender<usize>, r: &Receiver<usize>| {
                let (idle, _kept) = bounded(0);
                let (mut sent, mut received) = (0, 0);
                while sent < 500 || received < 500 {
                    select! {
                        send(if sent < 500 { s } else { &idle }, sent) -> result => { result.unwrap(); sent += 1 }
                        recv(r) -> got => { assert_eq!(got, Ok(received)); received += 1 }
                    }
                }
            };
            place.both(|| crossed(&s1, &r2), || crossed(&s2, &r1));
        });
    }

    #[test]
    fn selecting_parties_pair_up() {
        const PARTIES: usize = 44;
        everywhere(|place| {
            let (s, r) = bounded::<usize>(0);
            let party = |i| {
                select! {
                    recv(r) -> got => assert_ne!(got.unwrap(), i, "a select met itself"),
                    send(s, i) -> sent => sent.unwrap(),
                }
            };
            place.many(PARTIES, party, || ());
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
            // Of an odd number one is left over, and has no partner but this send.
            place.many(PARTIES + 1, party, || s.send(PARTIES + 1).unwrap());
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        });
    }

    #[test]
    fn every_message_arrives_once_and_in_order() {
        const ROUNDS: usize = 1_000;
        everywhere(|place| {
            for capacity in [Some(0), Some(1), Some(5), None] {
                let channel = || capacity.map_or_else(unbounded::<usize>, bounded::<usize>);
                let ((s1, r1), (s2, r2)) = (channel(), channel());
                place.both(
                    || {
                        let (mut next1, mut next2) = (0, 0);
                        while next1 < ROUNDS || next2 < ROUNDS {
                            select! {
                                recv(r1) -> got => { if let Ok(got) = got { assert_eq!(got, next1); next1 += 1 } }
                                recv(r2) -> got => { if let Ok(got) = got { assert_eq!(got, next2); next2 += 1 } }
                            }
                        }
                        assert_eq!((next1, next2), (ROUNDS, ROUNDS));
                    },
                    || {
                        let (idle, _kept) = bounded(0);
                        let (mut next1, mut next2) = (0, 0);
                        while next1 < ROUNDS || next2 < ROUNDS {
                            select! {
                                send(if next1 < ROUNDS { &s1 } else { &idle }, next1) -> sent => { sent.unwrap(); next1 += 1 }
                                send(if next2 < ROUNDS { &s2 } else { &idle }, next2) -> sent => { sent.unwrap(); next2 += 1 }
                            }
                        }
                    },
                );
                assert!(r1.is_empty() && r2.is_empty());
            }
        });
    }

    #[test]
    fn a_timed_out_select_loses_nothing() {
        const ROUNDS: usize = 300;
        everywhere(|place| {
            for capacity in [0, 2] {
                let (s, r) = bounded(capacity);
                place.both(
                    || {
                        for i in 0..ROUNDS {
                            while !select! {
                                send(s, i) -> sent => sent.is_ok(),
                                send(bounded(0).0, i) -> sent => { assert!(sent.is_err()); false }
                                default(Duration::from_micros(50)) => false,
                            } {}
                        }
                    },
                    || {
                        for i in 0..ROUNDS {
                            loop {
                                select! {
                                    recv(r) -> got => { assert_eq!(got, Ok(i)); break }
                                    recv(never::<()>()) -> _ => panic!(),
                                    default(Duration::from_micros(30)) => {}
                                }
                            }
                        }
                    },
                );
            }
        });
    }

    #[test]
    fn a_channel_travels_through_a_channel() {
        type Message = Box<dyn Any + Send>;
        everywhere(|place| {
            for capacity in 0..3 {
                let (s, r) = bounded::<Message>(capacity);
                place.both(
                    move || {
                        let mut s = s;
                        for _ in 0..300 {
                            let (next, to_send) = bounded::<Message>(capacity);
                            let to_send: Message = Box::new(to_send);
                            select! { send(s, to_send) -> sent => sent.unwrap() }
                            s = next;
                        }
                    },
                    move || {
                        let mut r = r;
                        for _ in 0..300 {
                            r = select! {
                                recv(r) -> got => *got.unwrap().downcast::<Receiver<Message>>().unwrap(),
                                recv(never::<()>()) -> _ => unreachable!(),
                            };
                        }
                    },
                );
            }
        });
    }

    /// At every instant of the select one of the channels has a message, though not always the same.
    #[test]
    fn default_is_taken_only_if_nothing_could_go_ahead() {
        const ROUNDS: usize = 1_000;
        everywhere(|place| {
            for bound in [Some(1), None] {
                let channel = || bound.map_or_else(unbounded::<u32>, bounded::<u32>);
                let ((s1, r1), (s2, r2)) = (channel(), channel());
                let ((start_s, start_r), (end_s, end_r)) = (bounded::<()>(0), bounded::<()>(0));
                place.both(
                    || {
                        for i in 0..ROUNDS {
                            start_s.send(()).unwrap();
                            s1.send(1).unwrap();
                            if i % 2 == 0 {
                                select! { recv(r1) -> _ => {} recv(r2) -> _ => {} default => unreachable!() }
                            } else {
                                select! { recv(r1) -> _ => {} recv(r2) -> _ => {} default(Duration::ZERO) => unreachable!() }
                            }
                            end_s.send(()).unwrap();
                            let _ = r2.try_recv();
                        }
                    },
                    || {
                        for _ in 0..ROUNDS {
                            start_r.recv().unwrap();
                            s2.send(1).unwrap();
                            let _ = r1.try_recv();
                            end_r.recv().unwrap();
                        }
                    },
                );
            }
        });
    }
}

/// Programs in the manner of Go's own tests of channels.
mod programs {
    use super::*;

    #[test]
    fn fibonacci_until_told_to_stop() {
        everywhere(|place| {
            let (numbers, wanted) = bounded(0);
            let (stop, stopped) = bounded::<()>(0);
            place.both(
                || {
                    let (mut a, mut b) = (0u64, 1);
                    loop {
                        select! {
                            send(numbers, a) -> sent => { sent.unwrap(); (a, b) = (b, a + b) }
                            recv(stopped) -> _ => return,
                        }
                    }
                },
                || {
                    let first: Vec<u64> = wanted.iter().take(20).collect();
                    assert_eq!(first[15..], [610, 987, 1597, 2584, 4181]);
                    stop.send(()).unwrap();
                },
            );
        });
    }

    /// Four inputs go through two muxes into one output, and each must keep its order.
    #[test]
    fn muxes_keep_the_order_of_each_input() {
        const ROUNDS: u32 = 500;
        everywhere(|place| {
            let (inputs, outputs): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded::<u32>(0)).unzip();
            let (muxed, all) = bounded::<(usize, u32)>(0);
            let inputs = std::sync::Mutex::new(inputs.into_iter().map(Some).collect::<Vec<_>>());
            let muxes = std::sync::Mutex::new(vec![muxed.clone(), muxed]);
            let part = |i: usize| {
                if i < 4 {
                    let input = inputs.lock().unwrap()[i].take().unwrap();
                    (0..ROUNDS).for_each(|n| input.send(n).unwrap());
                    return;
                }
                let (muxed, first) = (muxes.lock().unwrap().pop().unwrap(), 2 * (i - 4));
                let none = never();
                let (mut left, mut right) = (&outputs[first], &outputs[first + 1]);
                while !(std::ptr::eq(left, &none) && std::ptr::eq(right, &none)) {
                    select! {
                        recv(left) -> got => match got {
                            Ok(n) => muxed.send((first, n)).unwrap(),
                            Err(RecvError) => left = &none,
                        },
                        recv(right) -> got => match got {
                            Ok(n) => muxed.send((first + 1, n)).unwrap(),
                            Err(RecvError) => right = &none,
                        },
                    }
                }
            };
            place.many(6, part, || {
                let mut next = [0; 4];
                for (from, n) in &all {
                    assert_eq!(n, next[from]);
                    next[from] += 1;
                }
                assert_eq!(next, [ROUNDS; 4]);
            });
        });
    }

    /// Each prime found adds a filter to the chain; all end when told so.
    #[test]
    fn prime_sieve() {
        fn filter(numbers: Receiver<u32>, done: Receiver<()>, prime: u32, passed: Sender<u32>) {
            loop {
                let n = select! { recv(numbers) -> n => match n { Ok(n) => n, Err(_) => return }, recv(done) -> _ => return };
                if n % prime != 0 {
                    select! { send(passed, n) -> sent => if sent.is_err() { return }, recv(done) -> _ => return }
                }
            }
        }
        fn sieve(spawn: impl Fn(Box<dyn FnOnce() + Send>)) -> Vec<u32> {
            let (stop, done) = bounded::<()>(0);
            let (first, mut numbers) = bounded(0);
            let generator_done = done.clone();
            spawn(Box::new(move || {
                for n in 2.. {
                    select! { send(first, n) -> sent => if sent.is_err() { return }, recv(generator_done) -> _ => return }
                }
            }));
            let mut primes = Vec::new();
            for _ in 0..25 {
                let prime = numbers.recv().unwrap();
                primes.push(prime);
                let (passed, next) = bounded(0);
                let (before, done) = (std::mem::replace(&mut numbers, next), done.clone());
                spawn(Box::new(move || filter(before, done, prime, passed)));
            }
            drop(stop);
            primes
        }
        let on_threads = thread::scope(|scope| sieve(|part| drop(scope.spawn(part))));
        let in_tasklets = tasklets::run(|| tasklets::scope(|scope| sieve(|part| drop(scope.spawn(part)))));
        assert_eq!(on_threads[20..], [73, 79, 83, 89, 97]);
        assert_eq!(on_threads, in_tasklets);
    }

    /// Two parties that each both send and receive on one channel exchange what they have.
    #[test]
    fn selves_are_not_selected() {
        everywhere(|place| {
            for capacity in [0, 10] {
                let (s, r) = bounded::<usize>(capacity);
                let received = AtomicUsize::new(0);
                let party = |me: usize| {
                    for _ in 0..500 {
                        select! {
                            recv(r) -> got => {
                                received.fetch_add(1, Ordering::Relaxed);
                                let got = got.unwrap();
                                assert!(capacity > 0 || got != me, "a select met itself");
                            }
                            send(s, me) -> sent => sent.unwrap(),
                        }
                    }
                };
                // Parties run out of turns at different times, so the last may need a partner.
                let (stop, stopped) = bounded::<()>(0);
                place.both(
                    || {
                        place.both(|| party(0), || party(1));
                        drop(stop);
                    },
                    || loop {
                        select! {
                            recv(stopped) -> _ => return,
                            recv(r) -> got => assert!(got.is_ok()),
                        }
                    },
                );
                assert!(r.len() <= capacity);
                assert!(received.load(Ordering::Relaxed) <= 1000);
            }
        });
    }

    /// Both values of a send that is written twice appear.
    #[test]
    fn random_bits() {
        everywhere(|place| {
            for capacity in [0, 1, 10] {
                let (s, r) = bounded::<u8>(capacity);
                place.both(
                    || {
                        for _ in 0..200 {
                            select! { send(s, 0) -> sent => sent.unwrap(), send(s, 1) -> sent => sent.unwrap() }
                        }
                    },
                    || {
                        let ones = (0..200).map(|_| usize::from(r.recv().unwrap())).sum::<usize>();
                        assert!((1..200).contains(&ones), "{ones} ones");
                    },
                );
            }
        });
    }

    /// While a channel is closed after a message was put in another, one of the two can always go ahead.
    #[test]
    fn closing_races_with_a_select_that_does_not_wait() {
        everywhere(|place| {
            for _ in 0..300 {
                let (s1, r1) = bounded::<u32>(1);
                let (s2, r2) = bounded::<u32>(1);
                s1.send(1).unwrap();
                place.both(
                    || select! { recv(r1) -> _ => {} recv(r2) -> _ => {} default => panic!("one of them can always go ahead") },
                    || {
                        drop(s2);
                        let _ = r1.try_recv();
                    },
                );
            }
        });
    }

    /// One consumer in every pair of selects sees the end, and between them they see everything else.
    #[test]
    fn consumers_share_the_work() {
        const WORK: usize = 2_000;
        const CONSUMERS: usize = 8;
        everywhere(|place| {
            let (s, r) = bounded::<usize>(CONSUMERS / 2);
            let (results, collected) = unbounded::<usize>();
            place.many(
                CONSUMERS,
                |_| {
                    let results = results.clone();
                    loop {
                        select! {
                            recv(r) -> work => match work {
                                Ok(work) => results.send(work).unwrap(),
                                Err(RecvError) => return,
                            },
                            recv(never::<()>()) -> _ => unreachable!(),
                        }
                    }
                },
                move || {
                    (0..WORK).for_each(|work| s.send(work).unwrap());
                    drop(s);
                },
            );
            drop(results);
            let mut all: Vec<usize> = collected.iter().collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..WORK));
        });
    }

    #[test]
    fn time_comes_through_channels() {
        alone(|| {
            let ticks = tick(MOMENT);
            for _ in 0..3 {
                select! {
                    recv(ticks) -> tick => assert!(tick.is_ok()),
                    recv(after(PATIENCE)) -> _ => panic!("no tick"),
                }
            }
            let (over, nothing) = (after(MOMENT), never::<()>());
            select! {
                recv(nothing) -> _ => panic!("something"),
                recv(over) -> at => assert!(at.is_ok()),
                default(PATIENCE) => panic!("never over"),
            }
        });
    }
}
