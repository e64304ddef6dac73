//! Nothing is lost, nothing comes twice, and nobody overtakes himself.

use crate::channel;
use crate::crew::{Crew, Part, messages, watch};
use crate::dice::Dice;
use crate::ledger::{LANES, Ledger};
use crate::receiving::Both;
use crate::sending::send_all;

const SENDERS: u64 = 4;
const RECEIVERS: usize = 4;
const CAPACITIES: [Option<usize>; 5] = [Some(0), Some(1), Some(2), Some(100), None];
/// The tests below.
const TESTS: u64 = 4;

fn traffic(workers: usize) {
    let _watchdog = watch("traffic");
    let crew = Crew::new(workers);
    let share = messages() / TESTS / CAPACITIES.len() as u64 / SENDERS;
    for capacity in CAPACITIES {
        let ledger = &Ledger::new(SENDERS, share);
        let lanes: [_; LANES] = std::array::from_fn(|_| channel(capacity));
        let mut parts: Vec<Part<'_>> = Vec::new();
        for sender in 0..SENDERS {
            let lanes = lanes.each_ref().map(|lane| lane.0.clone());
            parts.push(Box::new(move || {
                send_all(ledger.messages_of(sender), &lanes, &mut Dice::new(sender as usize));
            }));
        }
        for receiver in 0..RECEIVERS {
            // On each lane's side a thread and a tasklet.
            let home = receiver / 2;
            let lanes = lanes.each_ref().map(|lane| lane.1.clone());
            let dice = Dice::new(100 + receiver);
            parts.push(Box::new(move || Both::new(lanes, home, ledger.reader(), dice).receive_all()));
        }
        drop(lanes);
        crew.run_all(parts);
        assert_eq!(ledger.noted(), SENDERS * share, "what was sent has come, capacity {capacity:?}");
    }
}

#[test]
fn with_one_worker() {
    traffic(1);
}

#[test]
fn with_two_workers() {
    traffic(2);
}

#[test]
fn with_four_workers() {
    traffic(4);
}

#[test]
fn with_eight_workers() {
    traffic(8);
}
