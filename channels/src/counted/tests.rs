use super::{Held, Showcase};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// A value that is whole only while it lives, and counts its drops.
struct Guarded {
    number: u64,
    alive: AtomicBool,
    drops: Arc<AtomicUsize>,
}

impl Guarded {
    fn new(number: u64, drops: &Arc<AtomicUsize>) -> Self {
        Self { number, alive: AtomicBool::new(true), drops: drops.clone() }
    }

    fn check(&self) -> u64 {
        assert!(self.alive.load(Ordering::Relaxed), "a value is read after it was dropped");
        self.number
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        assert!(self.alive.swap(false, Ordering::Relaxed), "a value is dropped twice");
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

type One<T> = Showcase<T, [AtomicU64; 1]>;

fn one<T>() -> One<T> {
    Showcase::new([AtomicU64::new(0)])
}

#[test]
fn nothing_is_shown_at_first() {
    let showcase: One<String> = one();
    assert!(showcase.hold(0).is_none());
    assert_eq!(showcase.glance(0), 0);
    let mut fresh = showcase.fresh("a".to_owned());
    fresh.set_stamp(7);
    assert!(showcase.replace(0, None, fresh).is_ok());
    assert_eq!(showcase.hold(0).as_deref().map(String::as_str), Some("a"));
    assert_eq!(showcase.glance(0), 7);
    assert!(showcase.replace(0, None, showcase.fresh("b".to_owned())).is_err());
}

#[test]
fn a_held_value_outlives_its_replacement_and_goes_with_the_last() {
    let drops = Arc::default();
    let showcase = one();
    assert!(showcase.swap(0, showcase.fresh(Guarded::new(1, &drops))).is_none());
    let held = showcase.hold(0).unwrap();
    let other = showcase.hold(0).unwrap();
    let before = showcase.swap(0, showcase.fresh(Guarded::new(2, &drops))).unwrap();
    assert_eq!((held.check(), before.check(), showcase.hold(0).unwrap().check()), (1, 1, 2));
    drop((before, held));
    assert_eq!((other.check(), drops.load(Ordering::Relaxed)), (1, 0));
    drop(other);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    drop(showcase);
    assert_eq!(drops.load(Ordering::Relaxed), 2);
}

#[test]
fn a_value_that_is_not_shown_is_dropped_and_its_slot_used_again() {
    let drops = Arc::default();
    let showcase: One<Guarded> = one();
    let index = showcase.fresh(Guarded::new(1, &drops)).index();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert_eq!(showcase.fresh(Guarded::new(1, &drops)).index(), index);
}

#[test]
fn a_replacement_that_was_overtaken_gives_the_value_back() {
    let showcase = one();
    drop(showcase.swap(0, showcase.fresh(1)));
    let held = showcase.hold(0);
    drop(showcase.swap(0, showcase.fresh(2)));
    let fresh = showcase.replace(0, held.as_ref(), showcase.fresh(3)).err().unwrap();
    let held = showcase.hold(0);
    assert!(showcase.replace(0, held.as_ref(), fresh).is_ok());
    assert_eq!(showcase.hold(0).as_deref(), Some(&3));
}

/// More references through one place than are counted there, in any order of giving back.
#[test]
fn counts_are_folded() {
    let drops = Arc::default();
    let showcase = one();
    drop(showcase.swap(0, showcase.fresh(Guarded::new(1, &drops))));
    for _ in 0..100 {
        assert_eq!(showcase.hold(0).unwrap().check(), 1);
    }
    let many: Vec<Held<'_, _>> = (0..101).map(|_| showcase.hold(0).unwrap()).collect();
    drop(showcase.swap(0, showcase.fresh(Guarded::new(2, &drops))));
    for (i, held) in many.into_iter().enumerate() {
        assert_eq!((held.check(), drops.load(Ordering::Relaxed)), (1, 0), "{i}");
    }
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn many_slots_are_distinct() {
    const MANY: usize = if cfg!(miri) { 70 } else { 1000 };
    let showcase = Showcase::new((0..MANY).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>());
    for round in 0..3 {
        for place in 0..MANY {
            drop(showcase.swap(place, showcase.fresh((round, place))));
        }
        for place in 0..MANY {
            assert_eq!(showcase.hold(place).as_deref(), Some(&(round, place)));
        }
    }
}

#[test]
#[should_panic(expected = "a value is shown where it was made")]
fn a_value_of_another_showcase_is_refused() {
    let (one_case, other) = (one(), one());
    drop(one_case.swap(0, other.fresh(1)));
}

#[test]
fn all_values_are_dropped_when_dropping_one_panics() {
    struct Panics(Arc<AtomicUsize>, bool);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "as told");
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let showcase = Showcase::new((0..3).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>());
    for place in 0..3 {
        drop(showcase.swap(place, showcase.fresh(Panics(drops.clone(), place == 1))));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(showcase))).is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 3);
}

/// Readers, and writers of both kinds, in two places: nobody reads what is gone, and all values are dropped once.
#[test]
fn readers_and_writers_at_once() {
    const EACH: u64 = if cfg!(miri) { 8 } else { 20_000 };
    let drops = Arc::new(AtomicUsize::new(0));
    let showcase = Showcase::new([AtomicU64::new(0), AtomicU64::new(0)]);
    for place in 0..2 {
        drop(showcase.swap(place, showcase.fresh(Guarded::new(0, &drops))));
    }
    thread::scope(|scope| {
        for place in 0..2 {
            let (showcase, drops) = (&showcase, &drops);
            scope.spawn(move || {
                for number in 1..=EACH {
                    drop(showcase.swap(place, showcase.fresh(Guarded::new(number, drops))));
                }
            });
            scope.spawn(move || {
                for number in 1..=EACH {
                    let mut fresh = showcase.fresh(Guarded::new(number, drops));
                    loop {
                        let held = showcase.hold(place);
                        match showcase.replace(place, held.as_ref(), fresh) {
                            Ok(()) => break,
                            Err(back) => fresh = back,
                        }
                    }
                }
            });
            scope.spawn(move || {
                let mut kept = Vec::new();
                for _ in 0..EACH {
                    let held = showcase.hold(place).unwrap();
                    held.check();
                    kept.push(held);
                    if kept.len() == 7 {
                        kept.drain(..6).for_each(|held| assert!(held.check() <= EACH));
                    }
                }
            });
        }
    });
    drop(showcase);
    assert_eq!(drops.load(Ordering::Relaxed) as u64, 2 + 4 * EACH);
}
