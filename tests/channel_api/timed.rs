//! `after`, `at`, `tick` and `never`. No test says how soon something comes, only that it is not early.

use crate::place::everywhere;
use std::time::{Duration, Instant};
use tasklets::channel::{Receiver, RecvTimeoutError, TryRecvError, after, at, never, tick};
use tasklets::{block_on, sleep};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Receives, and checks that it was not early.
fn receive(r: &Receiver<Instant>) -> Instant {
    let due = r.recv().unwrap();
    assert!(due <= Instant::now());
    due
}

fn is_whole(span: Duration, period: Duration) -> bool {
    span.as_nanos().is_multiple_of(period.as_nanos())
}

everywhere! {
    fn after_comes_once_and_not_early(_) {
        let began = Instant::now();
        let r = after(20 * MS);
        let clone = r.clone();
        assert!(receive(&r) >= began + 20 * MS);
        for r in [r, clone] {
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty), "once for all clones");
            assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
            assert!(!r.is_closed() && r.is_empty() && !r.is_full());
        }
    }

    fn a_moment_that_has_passed_is_there(_) {
        let now = Instant::now();
        let r = at(now);
        assert_eq!((r.len(), r.is_empty(), r.is_full()), (1, false, true));
        assert_eq!(r.try_recv(), Ok(now));
        assert_eq!((r.len(), r.is_empty(), r.is_full()), (0, true, false));
        assert_eq!(at(now).recv_deadline(now), Ok(now), "also when no time is left to wait");
    }

    fn what_is_far_away_times_out(_) {
        for r in [after(HOUR), at(Instant::now() + HOUR), tick(HOUR), never()] {
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
            let deadline = Instant::now() + 2 * MS;
            assert_eq!(r.recv_deadline(deadline), Err(RecvTimeoutError::Timeout));
            assert!(Instant::now() >= deadline);
            assert_eq!((r.len(), r.is_empty()), (0, true));
            assert_eq!(r.try_iter().next(), None);
        }
    }

    fn what_cannot_be_expressed_never_comes(_) {
        assert!(after(Duration::MAX).same_channel(&never()));
        assert!(tick(Duration::MAX).same_channel(&never()));
    }

    fn time_cannot_be_closed(_) {
        for r in [at(Instant::now()), tick(Duration::ZERO)] {
            assert!(!r.close() && !r.is_closed());
            r.recv().unwrap();
        }
        assert!(!never::<u8>().close());
    }

    fn several_wait_for_one_moment(place) {
        let r = after(5 * MS);
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let r = r.clone();
                place.spawn(move || r.recv_timeout(50 * MS).is_ok())
            })
            .collect();
        assert_eq!(waiting.into_iter().map(|receiver| usize::from(receiver.join())).sum::<usize>(), 1);
    }

    fn ticks_keep_to_the_grid(_) {
        let period = 2 * MS;
        let began = Instant::now();
        let r = tick(period);
        let first = receive(&r);
        assert!(first >= began + period);
        let mut newest = first;
        for _ in 0..10 {
            let next = receive(&r);
            assert!(next > newest && is_whole(next - first, period));
            newest = next;
        }
    }

    fn being_late_brings_no_burst(_) {
        let period = 2 * MS;
        let r = tick(period);
        let first = receive(&r);
        sleep(10 * period);
        let late = Instant::now();
        let missed = receive(&r);
        assert!(missed <= late, "the oldest that was missed was kept");
        let next = receive(&r);
        assert!(next > late, "the others were not");
        assert!(is_whole(next - first, period), "and the grid has not shifted");
    }

    fn clones_share_ticks(place) {
        let r = tick(MS);
        let mut all: Vec<_> = (0..3)
            .map(|_| {
                let r = r.clone();
                place.spawn(move || r.iter().take(5).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|receiver| receiver.join())
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 15, "no moment came twice");
    }

    fn futures_wait_for_moments(_) {
        block_on(async {
            let when = Instant::now() + 10 * MS;
            assert_eq!(at(when).recv_async().await, Ok(when));
            assert!(when <= Instant::now());
            let ticks = tick(MS);
            for _ in 0..5 {
                assert!(ticks.recv_async().await.unwrap() <= Instant::now());
            }
        });
    }
}

#[test]
fn futures_of_the_runtime_wait_for_moments() {
    tasklets::run(|| {
        let tasks: Vec<_> = (0..20)
            .map(|i| {
                let r = after((i % 5) * MS);
                tasklets::spawn_future(async move { r.recv_async().await.unwrap() })
            })
            .collect();
        for task in tasks {
            assert!(task.join().unwrap() <= Instant::now());
        }
    });
}
