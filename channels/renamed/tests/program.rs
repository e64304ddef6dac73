//! A program for crossbeam-channel: checkers of numbers under a supervisor. It names the crate, its types and its macros as its documentation
//! does, and knows nothing of tasklets; the tests run it as it is, on OS threads and on tasklets.

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Select, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError, after,
    bounded, never, select, select_biased, tick, unbounded,
};
use std::time::{Duration, Instant};

/// What the tests put in place of `thread::spawn`.
type Spawn = fn(Box<dyn FnOnce() + Send>);

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

#[derive(Debug, PartialEq)]
enum Verdict {
    Prime(u32),
    Composite(u32),
}

fn check(number: u32) -> Verdict {
    if number >= 2 && (2..number).take_while(|d| d * d <= number).all(|d| !number.is_multiple_of(d)) {
        Verdict::Prime(number)
    } else {
        Verdict::Composite(number)
    }
}

/// Checks what comes until there are no more numbers, or it is told to stop.
fn checker(numbers: &Receiver<u32>, verdicts: &Sender<Verdict>, stop: &Receiver<()>) -> Result<(), SendError<Verdict>> {
    loop {
        select! {
            recv(numbers) -> number => match number {
                Ok(number) => verdicts.send(check(number))?,
                Err(_) => return Ok(()),
            },
            recv(stop) -> _ => return Ok(()),
        }
    }
}

/// Has `count` numbers checked; returns how many are prime.
fn count_primes(spawn: Spawn, capacity: Option<usize>, count: u32) -> usize {
    fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
        capacity.map_or_else(unbounded, bounded)
    }
    let (number, numbers) = channel(capacity);
    let (verdict, verdicts) = channel(capacity);
    let (_stop, stopped) = bounded(0);
    for _ in 0..3 {
        let (numbers, verdict, stopped) = (numbers.clone(), verdict.clone(), stopped.clone());
        spawn(Box::new(move || checker(&numbers, &verdict, &stopped).expect("somebody takes the verdicts")));
    }
    drop((numbers, verdict));
    let (mut next, mut primes, mut checked) = (0, 0, 0);
    let late = after(LONG);
    let mut number = Some(number);
    let (nowhere, _never_received) = bounded(0);
    while checked < count {
        let sender = number.as_ref().unwrap_or(&nowhere);
        select! {
            send(sender, next) -> sent => {
                assert_eq!(sent, Ok(()));
                next += 1;
                if next == count {
                    number = None;
                }
            }
            recv(verdicts) -> verdict => {
                primes += usize::from(matches!(verdict, Ok(Verdict::Prime(_))));
                checked += 1;
            }
            recv(late) -> _ => panic!("it hangs"),
        }
    }
    assert!(verdicts.iter().next().is_none(), "the checkers have ended");
    primes
}

/// The rest of what the program uses: attempts, deadlines, ticks, `Select`, `select_biased!` and the shapes of the errors.
fn use_the_rest(spawn: Spawn) {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(sender.send_timeout(2, SHORT), Err(SendTimeoutError::Timeout(2)));
    assert_eq!((receiver.len(), receiver.is_full(), receiver.capacity()), (1, true, Some(1)));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_deadline(Instant::now() + SHORT), Err(RecvTimeoutError::Timeout));
    select! {
        recv(receiver) -> _ => panic!("nothing was sent"),
        default(SHORT) => {}
    }
    select_biased! {
        recv(never::<()>()) -> _ => panic!("never"),
        send(sender, 3) -> sent => assert_eq!(sent, Ok(())),
        default => panic!("there is room"),
    }
    assert!(receiver.same_channel(&receiver.clone()));

    let (other, others) = unbounded::<String>();
    let mut select = Select::new();
    let (numbered, named) = (select.recv(&receiver), select.recv(&others));
    let operation = select.select();
    assert_eq!(operation.index(), numbered);
    assert_eq!(operation.recv(&receiver), Ok(3));
    spawn(Box::new(move || other.send("tasks".into()).expect("somebody selects it")));
    let operation = select.select_timeout(LONG).expect("it was sent");
    assert_eq!((operation.index(), operation.recv(&others)), (named, Ok("tasks".into())));

    let ticks = tick(SHORT);
    assert!(ticks.recv().unwrap() <= ticks.recv().unwrap());
    drop(receiver);
    let SendError(back) = sender.send(4).unwrap_err();
    assert_eq!(back, 4);
    assert_eq!(sender.try_send(5), Err(TrySendError::Disconnected(5)));
}

fn run(spawn: Spawn) {
    // The primes below 500.
    for capacity in [Some(0), Some(1), Some(500), None] {
        assert_eq!(count_primes(spawn, capacity, 500), 95);
    }
    use_the_rest(spawn);
}

#[test]
fn on_os_threads() {
    run(|body| drop(std::thread::spawn(body)));
}

/// All on one worker, and on two.
#[test]
fn on_tasklets() {
    for workers in [1, 2] {
        let runtime =
            tasklets_runtime::Runtime::builder().workers(workers).build().expect("there are resources for it");
        runtime.run(|| run(|body| drop(tasklets_runtime::spawn(body))));
    }
}
