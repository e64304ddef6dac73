//! The wheel against a sorted map, and the cases at its edges.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ptr;

const TICK: Duration = Duration::from_nanos(1 << TICK_BITS);

/// The naive twin: the tick each entry is due at, with its number.
type Twin = BTreeSet<(u64, usize)>;

/// A wheel and its twin, driven alike. Entries are numbered in order of insertion; the number is the payload.
struct Pair {
    start: Instant,
    now: Instant,
    wheel: Wheel,
    twin: Twin,
    /// Those inserted while others were late: they may overtake older ones of their tick.
    hasty: BTreeSet<usize>,
    /// Each entry is boxed alone and reached through its pointer only, so that it stays put.
    entries: Vec<NonNull<Entry>>,
}

impl Pair {
    fn new() -> Pair {
        let start = Instant::now();
        Pair {
            start,
            now: start,
            wheel: Wheel::new(start),
            twin: Twin::new(),
            hasty: BTreeSet::new(),
            entries: Vec::new(),
        }
    }

    /// Ticks from the start to `at`, as the test understands them: nanoseconds divided, up or down.
    fn ticks(&self, at: Instant, round_up: bool) -> u64 {
        let nanos = at.saturating_duration_since(self.start).as_nanos();
        let whole = nanos / TICK.as_nanos();
        let rest = u128::from(round_up && !nanos.is_multiple_of(TICK.as_nanos()));
        u64::try_from(whole + rest).expect("the tests stay below 2^64 ticks")
    }

    fn is_moving(&self) -> bool {
        self.wheel.first().is_some_and(|first| first.is_moving(self.wheel.current))
    }

    fn insert(&mut self, deadline: Instant) {
        let number = self.entries.len();
        let entry = NonNull::from(Box::leak(Box::new(Entry::new())));
        self.entries.push(entry);
        // SAFETY: it is not linked yet, and freed only in `drop`.
        unsafe { entry.as_ref() }.set_data(ptr::without_provenance(number));
        // SAFETY: the entry is new, and is freed only in `drop`.
        unsafe { self.wheel.insert(entry, deadline) };
        // What is overdue is sorted to the wheel's current tick, and that is never ahead of time.
        assert!(self.wheel.current <= self.ticks(self.now, false));
        let tick = self.ticks(deadline, true).max(self.wheel.current);
        self.twin.insert((tick, number));
        if self.wheel.descending || self.is_moving() {
            self.hasty.insert(number);
        }
    }

    fn remove(&mut self, pick: usize) {
        if self.twin.is_empty() {
            return;
        }
        let key = *self.twin.iter().nth(pick % self.twin.len()).expect("a remainder is below the length");
        self.twin.remove(&key);
        let entry = self.entries[key.1];
        // SAFETY: the twin has only what is linked in the wheel.
        unsafe { self.wheel.remove(entry) };
        // SAFETY: entries are freed only in `drop`.
        assert!(!unsafe { entry.as_ref() }.is_linked());
    }

    /// Calls `pop_due` up to `limit` times or until nothing is due, and compares each entry with the twin; returns
    /// how many entries there were.
    fn pop(&mut self, limit: usize) -> usize {
        let now = self.ticks(self.now, false);
        let mut popped = 0;
        for _ in 0..limit {
            let due = self.twin.first().copied().filter(|&(tick, _)| tick <= now);
            let Some(entry) = self.wheel.pop_due(self.now) else {
                if self.is_moving() {
                    let next = self.wheel.next_deadline();
                    assert!(next.is_some_and(|next| next <= self.now));
                    continue;
                }
                assert_eq!(due, None, "a due entry did not come out");
                assert_eq!(self.wheel.current, now, "the wheel lags behind");
                break;
            };
            // SAFETY: entries are freed only in `drop`.
            let entry = unsafe { entry.as_ref() };
            let (tick, oldest) = due.expect("an entry came out early");
            let number = entry.data().addr();
            assert!(self.twin.remove(&(tick, number)), "not the earliest");
            assert!(number == oldest || self.hasty.contains(&number));
            assert!(!entry.is_linked());
            popped += 1;
        }
        popped
    }

    /// Sleeps to each `next_deadline` until something is due, counting the looks that found nothing.
    fn sleep(&mut self) {
        let mut idle_looks = 0;
        while let Some(deadline) = self.wheel.next_deadline() {
            self.now = self.now.max(deadline);
            if self.pop(usize::MAX) > 0 {
                return;
            }
            idle_looks += 1;
            assert!(idle_looks < LEVELS, "too many looks before a deadline");
        }
        assert!(self.twin.is_empty());
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.twin.len());
        let earliest = self.twin.first().map(|&(tick, _)| tick);
        match (self.wheel.next_deadline(), earliest) {
            (None, None) => {}
            (Some(next), Some(tick)) => assert!(self.ticks(next, true) <= tick),
            (next, tick) => panic!("the wheel looks next at {next:?}, the twin at {tick:?}"),
        }
        self.check_placement();
    }

    /// The placement invariant, entry by entry, and the occupancy words.
    fn check_placement(&self) {
        let mut found = 0;
        for (index, slot) in self.wheel.slots.iter().enumerate() {
            let level = index / SLOTS_PER_LEVEL;
            let place = index % SLOTS_PER_LEVEL;
            let marked = self.wheel.occupied_slots[level][place / BLOCK] & (1 << (place % BLOCK)) != 0;
            assert_eq!(marked, slot.head.is_some());
            assert_eq!(marked, slot.tail.is_some());
            let Some(head) = slot.head else { continue };
            assert!(self.wheel.occupied_levels & (1 << level) != 0);
            let (mut entry, mut before) = (head, None);
            loop {
                // SAFETY: linked entries are valid: they are freed only in `drop`.
                let fields = unsafe { entry.as_ref() };
                let tick = fields.tick.get();
                let shift = level as u32 * LEVEL_BITS;
                let (slot_of_tick, current) = (tick >> shift, self.wheel.current >> shift);
                assert_eq!(slot_of_tick as usize % SLOTS_PER_LEVEL, place);
                assert!((slot_of_tick >> LEVEL_BITS) - (current >> LEVEL_BITS) <= 1, "beyond the next block");
                match slot_of_tick - current {
                    // The current slot keeps entries only for as long as it moves: the current tick is its first.
                    0 => assert!(level == 0 || current << shift == self.wheel.current, "left behind"),
                    1 => assert!(level == 0 || self.wheel.descending, "late, and forgotten"),
                    _ => {}
                }
                assert!(slot.earliest <= tick);
                assert_eq!(usize::from(fields.slot.get()), index);
                found += 1;
                assert_eq!(fields.prev.get(), before);
                before = Some(entry);
                let Some(next) = fields.next.get() else { break };
                entry = next;
            }
            assert_eq!(slot.tail, before);
        }
        assert_eq!(found, self.wheel.len());
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for entry in &self.entries {
            // SAFETY: each came from a box of its own and is freed once. The wheel is not used again, and its
            // drop touches no entry.
            drop(unsafe { Box::from_raw(entry.as_ptr()) });
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// After now.
    Insert(Duration),
    /// Before now.
    InsertOverdue(Duration),
    Remove(usize),
    /// Time passes, and all that is due is popped.
    Advance(Duration),
    /// Time passes, and the wheel is not given enough calls.
    AdvanceBusy(Duration, usize),
    Sleep,
}

/// All magnitudes alike, from a nanosecond to about 36 years, with whole ticks among them.
fn span() -> impl Strategy<Value = Duration> {
    let nanos = (0_u32..=60, any::<u64>()).prop_map(|(bits, random)| random & ((1 << bits) - 1));
    (nanos, any::<bool>()).prop_map(|(nanos, whole_ticks)| {
        Duration::from_nanos(if whole_ticks { nanos >> TICK_BITS << TICK_BITS } else { nanos })
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => span().prop_map(Step::Insert),
        1 => span().prop_map(Step::InsertOverdue),
        3 => any::<usize>().prop_map(Step::Remove),
        2 => span().prop_map(Step::Advance),
        1 => (span(), 0_usize..4).prop_map(|(by, limit)| Step::AdvanceBusy(by, limit)),
        2 => Just(Step::Sleep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 2048 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn behaves_as_a_sorted_map(steps in prop::collection::vec(step(), 1..if cfg!(miri) { 20 } else { 200 })) {
        let mut pair = Pair::new();
        for step in steps {
            match step {
                Step::Insert(after) => pair.insert(pair.now + after),
                Step::InsertOverdue(before) => {
                    pair.insert(pair.now.checked_sub(before).unwrap_or(pair.start));
                }
                Step::Remove(pick) => pair.remove(pick),
                Step::Advance(by) => {
                    pair.now += by;
                    pair.pop(usize::MAX);
                }
                Step::AdvanceBusy(by, limit) => {
                    pair.now += by;
                    pair.pop(limit);
                }
                Step::Sleep => {
                    pair.pop(usize::MAX);
                    pair.sleep();
                }
            }
            pair.check();
        }
        while !pair.twin.is_empty() {
            pair.pop(usize::MAX);
            pair.sleep();
        }
        pair.check();
    }
}

#[test]
fn a_lone_timer_is_looked_at_once() {
    for after in [1_u64, 1_000, 1_000_000, 30_000_000_000, 86_400_000_000_000] {
        let mut pair = Pair::new();
        let deadline = pair.start + Duration::from_nanos(after);
        pair.insert(deadline);
        let next = pair.wheel.next_deadline().expect("there is an entry");
        assert!(next >= deadline && next < deadline + TICK);
        pair.now = next - Duration::from_nanos(1);
        assert_eq!(pair.pop(usize::MAX), 0);
        pair.now = next;
        assert_eq!(pair.pop(usize::MAX), 1);
        assert_eq!(pair.wheel.next_deadline(), None);
    }
}

#[test]
fn a_deadline_on_a_tick_is_not_rounded_up() {
    let mut pair = Pair::new();
    pair.insert(pair.start + TICK * 5);
    assert_eq!(pair.wheel.next_deadline(), Some(pair.start + TICK * 5));
    pair.now = pair.start + TICK * 5;
    assert_eq!(pair.pop(usize::MAX), 1);
}

#[test]
fn equal_ticks_expire_in_order_of_insertion_from_any_level() {
    let mut pair = Pair::new();
    let deadline = pair.start + TICK * 300_000;
    pair.insert(deadline);
    for part in [100_000, 299_000, 299_990, 299_999] {
        pair.now = pair.start + TICK * part;
        pair.pop(usize::MAX);
        pair.insert(deadline);
    }
    pair.now = deadline;
    assert_eq!(pair.pop(usize::MAX), 5);
}

#[test]
fn a_crowded_slot_moves_down_in_portions() {
    let mut pair = Pair::new();
    let deadline = pair.start + TICK * 130;
    for _ in 0..MOVES_PER_CALL * 3 {
        pair.insert(deadline);
    }
    pair.now = deadline;
    // Two portions leave a third. What comes meanwhile, due or not, does not stop it, nor does a removal.
    assert_eq!(pair.pop(2), 0);
    assert!(pair.is_moving());
    pair.insert(deadline);
    pair.insert(pair.start);
    pair.insert(deadline + TICK * 1_000);
    pair.remove(0);
    pair.check();
    assert_eq!(pair.pop(usize::MAX), MOVES_PER_CALL * 3 + 1);
    assert!(!pair.is_moving());
    assert_eq!(pair.wheel.len(), 1);
}

/// As many calls as there are entries, and one more for each tick, are enough for all of them to descend in time.
#[test]
fn with_calls_enough_a_crowd_descends_before_its_time_comes() {
    let count = if cfg!(miri) { 300 } else { 20_000 };
    let mut pair = Pair::new();
    // Five in three ticks: three slots of level 2, entered out of order, as those who sleep come.
    for each in 0..count {
        pair.insert(pair.start + TICK * (each * 7_919 % count * 3 / 5 + 1));
    }
    for _ in 0..count * 3 / 5 + 1 {
        pair.now += TICK;
        loop {
            let popped = pair.pop(1);
            assert!(!pair.is_moving(), "a crowd stops the others");
            if popped == 0 {
                break;
            }
        }
    }
    assert!(pair.twin.is_empty());
}

#[test]
fn a_deadline_before_the_start_is_due_at_once() {
    let origin = Instant::now();
    let entry = Entry::new();
    let mut wheel = Wheel::new(origin + Duration::from_secs(5));
    // SAFETY: the entry is new and stays in this frame, which ends after the wheel's last use.
    unsafe { wheel.insert(NonNull::from(&entry), origin) };
    assert!(wheel.pop_due(origin).is_some());
}

#[test]
fn a_clock_read_earlier_does_not_turn_the_wheel_back() {
    let mut pair = Pair::new();
    let before = pair.now;
    pair.now += Duration::from_secs(10);
    pair.pop(usize::MAX);
    let overdue = Entry::new();
    // SAFETY: the entry is new and is popped before it goes out of scope.
    unsafe { pair.wheel.insert(NonNull::from(&overdue), before) };
    assert!(pair.wheel.pop_due(before).is_some());
    assert!(!overdue.is_linked());
}

/// The latest instant there is, found by halving the step.
fn latest_instant() -> Instant {
    let mut latest = Instant::now();
    let mut step = Duration::MAX;
    while step > Duration::ZERO {
        match latest.checked_add(step) {
            Some(later) => latest = later,
            None => step /= 2,
        }
    }
    latest
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let now = Instant::now();
    let latest = latest_instant();
    for start in [now, latest] {
        let entry = Entry::new();
        let mut wheel = Wheel::new(start);
        // SAFETY: the entry is new and stays in this frame, which ends after the wheel's last use.
        unsafe { wheel.insert(NonNull::from(&entry), latest) };
        assert!(wheel.next_deadline().is_none_or(|next| next > now));
        assert_eq!(wheel.pop_due(now).is_some(), start == latest);
        // From here the deadline is more than 2^64 ticks away, or has been popped. One call moves it down by a few
        // levels only.
        for _ in 0..LEVELS {
            assert!(wheel.pop_due(latest).is_none());
        }
    }
}

#[test]
fn a_million_timeouts_that_never_fire_leave_no_trace() {
    let count = if cfg!(miri) { 300 } else { 1_000_000 };
    let mut now = Instant::now();
    let mut wheel = Wheel::new(now);
    let entry = Entry::new();
    for _ in 0..count {
        let deadline = now + Duration::from_secs(30);
        // SAFETY: the entry is not linked here, and stays in this frame, which ends after the wheel's last use.
        unsafe { wheel.insert(NonNull::from(&entry), deadline) };
        // SAFETY: linked in the line above.
        unsafe { wheel.remove(NonNull::from(&entry)) };
        now += Duration::from_micros(100);
        assert!(wheel.pop_due(now).is_none());
    }
    assert_eq!(wheel.len(), 0);
    assert_eq!(wheel.next_deadline(), None);
    assert!(wheel.slots.iter().all(|slot| slot.head.is_none()));
}
