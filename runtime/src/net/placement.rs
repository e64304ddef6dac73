//! Which home a server's next connection goes to.
//!
//! A connection costs least where it was accepted: to hand it over may take a wakeup, which costs as much as a short connection
//! does altogether. But where it begins it stays, so those that live long must not all begin in one place. How long it will live
//! nobody knows; what is known is how long others lived:
//!
//! * Connections beyond those that the least loaded home has, and some more, go to that home: [`SLACK`].
//! * Not counted are as many as are open, on average, of those that end within [`BRIEF`]. That number is the time that they were
//!   open, summed up over those that ended in some period, by the period's length (Little's law). Doubled, it covers what there is
//!   at most.
//! * But if the acceptor's worker does not keep up, which is to say that it has not run dry for [`BUSY`], all are counted for a
//!   while.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// So many more than the least loaded home may a home have before connections leave it; an eighth, if that is more.
pub(super) const SLACK: usize = 8;
/// What ends sooner was short. Handing over something that lives for longer costs a thousandth of its life at most; and connections
/// that compute all that time, and then come in a burst again, must not all begin in one place because they end within a second.
const BRIEF: Duration = Duration::from_millis(50);
/// How long the short ones are watched before it is known how many there are.
const PERIOD: Duration = Duration::from_millis(10);
/// A worker that has been at work for so long without a pause has too much of it. Longer than the kernel lets threads that share
/// a core take turns, and than a burst of connections takes that one would not want to divide.
const BUSY: Duration = Duration::from_millis(5);
/// How long connections are then spread, whatever they are.
const SPREADING: Duration = Duration::from_millis(100);

/// A home's connections.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// How many are open.
    pub(super) open: AtomicUsize,
    /// The nanoseconds that those were open which have ended and were short.
    brief: AtomicU64,
}

impl Load {
    /// A connection has ended.
    pub(super) fn close(&self, opened: Option<Instant>) {
        if let Some(opened) = opened {
            let lived = opened.elapsed();
            if lived < BRIEF {
                self.brief.fetch_add(lived.as_nanos() as u64, Ordering::Relaxed);
            }
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the acceptor knows for its decisions.
pub(super) struct Placement {
    /// How many of its home's connections are not counted.
    brief: usize,
    period_began: Instant,
    /// The `brief` of its home's load at that time.
    brief_before: u64,
    /// How often its worker had run dry when it was last seen to have done so, and when that was.
    dry: (u64, Instant),
    spreads_until: Instant,
}

impl Placement {
    pub(super) fn new(now: Instant) -> Self {
        Self { brief: 0, period_began: now, brief_before: 0, dry: (0, now), spreads_until: now }
    }

    /// The home for the next connection. `mine` is the acceptor's, and `dry` counts how often its worker has run dry.
    pub(super) fn choose(&mut self, loads: &[Load], mine: usize, dry: u64, now: Instant) -> usize {
        self.watch_worker(dry, now);
        self.watch_brief(&loads[mine], now);
        let here = loads[mine].open.load(Ordering::Relaxed);
        let brief = if now < self.spreads_until { 0 } else { self.brief };
        if here <= SLACK.max(brief) {
            return mine;
        }
        let opens = loads.iter().map(|load| load.open.load(Ordering::Relaxed));
        let (home, least) = opens.enumerate().min_by_key(|&(_, open)| open).unwrap_or((mine, here));
        if here <= least + SLACK.max(least / 8).max(brief) { mine } else { home }
    }

    fn watch_worker(&mut self, dry: u64, now: Instant) {
        if self.dry.0 != dry {
            self.dry = (dry, now);
        } else if now.saturating_duration_since(self.dry.1) > BUSY {
            self.dry.1 = now;
            self.spreads_until = now + SPREADING;
        }
    }

    fn watch_brief(&mut self, load: &Load, now: Instant) {
        let period = now.saturating_duration_since(self.period_began);
        if period < PERIOD {
            return;
        }
        let brief = load.brief.load(Ordering::Relaxed);
        let open = u128::from(brief.wrapping_sub(self.brief_before)) / period.as_nanos();
        self.brief = 2 * usize::try_from(open).unwrap_or(usize::MAX / 2);
        self.brief_before = brief;
        self.period_began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places connections that stay open, and returns how many are where.
    fn placed(homes: usize, connections: usize) -> Vec<usize> {
        let loads: Vec<_> = (0..homes).map(|_| Load::default()).collect();
        let now = Instant::now();
        let mut placement = Placement::new(now);
        for _ in 0..connections {
            loads[placement.choose(&loads, 0, 0, now)].open.fetch_add(1, Ordering::Relaxed);
        }
        loads.into_iter().map(|load| load.open.into_inner()).collect()
    }

    #[test]
    fn few_connections_stay() {
        assert_eq!(placed(4, SLACK), [SLACK, 0, 0, 0]);
        assert_eq!(placed(1, 1000), [1000]);
    }

    #[test]
    fn many_end_up_even() {
        for homes in 2..9 {
            for connections in [200, 400, 10_000] {
                let loads = placed(homes, homes * connections);
                let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(most * 5 <= least * 6, "{loads:?}");
            }
        }
    }

    /// A server with two homes under connections that live for a millisecond, 64 at a time.
    struct Churn {
        loads: [Load; 2],
        placement: Placement,
        now: Instant,
        dry: u64,
    }

    impl Churn {
        fn new() -> Self {
            let now = Instant::now();
            Self { loads: Default::default(), placement: Placement::new(now), now, dry: 0 }
        }

        /// Some milliseconds of it, in which the acceptor's worker runs dry or not. Returns how many were handed over.
        fn on(&mut self, milliseconds: u64, runs_dry: bool) -> usize {
            let mut handed_over = 0;
            for _ in 0..milliseconds {
                self.dry += u64::from(runs_dry);
                let homes: Vec<_> = (0..64).map(|_| self.accept()).collect();
                handed_over += homes.iter().filter(|&&home| home != 0).count();
                self.now += Duration::from_millis(1);
                for home in homes {
                    self.loads[home].open.fetch_sub(1, Ordering::Relaxed);
                    self.loads[home].brief.fetch_add(1_000_000, Ordering::Relaxed);
                }
            }
            handed_over
        }

        fn accept(&mut self) -> usize {
            let home = self.placement.choose(&self.loads, 0, self.dry, self.now);
            self.loads[home].open.fetch_add(1, Ordering::Relaxed);
            home
        }
    }

    #[test]
    fn many_short_ones_stay_while_the_worker_keeps_up() {
        let mut churn = Churn::new();
        churn.on(30, true);
        assert_eq!(churn.on(1000, true), 0);
        // If it does not they are divided.
        churn.on(10, false);
        let handed_over = churn.on(50, false);
        assert!((20 * 50..=32 * 50).contains(&handed_over), "{handed_over}");
        // Until it does again.
        churn.on(200, true);
        assert_eq!(churn.on(1000, true), 0);
    }

    #[test]
    fn a_burst_is_divided_though_the_one_before_has_ended() {
        let mut churn = Churn::new();
        for _ in 0..10 {
            let homes: Vec<_> = (0..64).map(|_| churn.accept()).collect();
            let here = homes.iter().filter(|&&home| home == 0).count();
            assert!((26..=38).contains(&here), "{here} of 64 in one place");
            let lived = Duration::from_millis(200);
            let opened = Instant::now().checked_sub(lived).expect("the clock is older than that");
            homes.iter().for_each(|&home| churn.loads[home].close(Some(opened)));
            churn.now += lived;
            churn.dry += 1;
        }
    }

    #[test]
    fn short_ones_do_not_hide_those_that_stay() {
        let mut churn = Churn::new();
        churn.on(30, true);
        for _ in 0..200 {
            for _ in 0..10 {
                churn.accept();
            }
            churn.on(1, true);
        }
        let [here, there] = churn.loads.map(|load| load.open.into_inner());
        assert!(here.max(there) * 5 <= here.min(there) * 6, "{here} and {there}");
    }
}
