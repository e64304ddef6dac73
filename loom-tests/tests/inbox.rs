//! `inbox`: everything comes out once, in the order in which each pusher put it in.
#![cfg(tasklets_loom)]

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::ptr::NonNull;
use std::sync::Arc;
use tasklets_loom_tests::Plain;
use tasklets_runtime::internal::{Inbox, Kind, List, Node, Runnable};

/// Something runnable, with what its pusher wrote for it.
#[repr(C)]
struct Item {
    node: Node,
    written: Plain<u32>,
}

struct Home {
    inbox: Inbox,
    /// Touched before everything else. Loom remembers one access to an atomic at a time, so a pusher's load hides the home's from
    /// its compare-and-swap, and loom would not try them the other way round; this, which orders no memory, makes it.
    turns: AtomicUsize,
    items: [Item; 3],
}

impl Home {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inbox: Inbox::default(),
            turns: AtomicUsize::new(0),
            items: std::array::from_fn(|_| Item { node: Node::new(Kind::Fresh), written: Plain::new(0) }),
        })
    }

    /// Somebody makes this item runnable.
    fn push(&self, item: usize) {
        self.items[item].written.set(1);
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.inbox.push(Runnable::new(NonNull::from(&self.items[item].node)));
    }

    /// Takes what is there, as the home does: into its list of what is ready. Returns which items came.
    fn take(&self, ready: &List) -> Vec<usize> {
        let mut taken = Vec::new();
        self.turns.fetch_add(1, Ordering::Relaxed);
        let any = self.inbox.take_all(|runnable| ready.push_back(runnable));
        while let Some(runnable) = ready.pop_front() {
            let is_it = |item: &Item| std::ptr::eq(&item.node, runnable.node());
            let item = self.items.iter().position(is_it).expect("only these were pushed");
            assert_eq!(self.items[item].written.replace(2), 1);
            taken.push(item);
        }
        assert!(any || taken.is_empty());
        taken
    }
}

fn push(home: &Arc<Home>, items: &'static [usize]) -> thread::JoinHandle<()> {
    let home = home.clone();
    thread::spawn(move || items.iter().for_each(|&item| home.push(item)))
}

/// Two push while the home takes: each item comes out once, with what was written before its push, and the two of one pusher
/// in their order.
#[test]
fn two_pushers_and_the_home() {
    loom::model(|| {
        let home = Home::new();
        let pushers = [push(&home, &[0, 1]), push(&home, &[2])];
        let ready = List::default();
        let mut taken = home.take(&ready);
        taken.extend(home.take(&ready));
        for pusher in pushers {
            pusher.join().unwrap();
        }
        taken.extend(home.take(&ready));
        assert!(ready.is_empty() && home.inbox.is_empty());
        let place = |item| taken.iter().position(|&taken| taken == item).expect("every item comes out");
        assert_eq!(taken.len(), 3);
        assert!(place(0) < place(1));
        place(2);
    });
}

/// An item is taken, runs and is pushed again while a pusher that had seen it at the head goes on: it links to it whatever it
/// means by now, and nothing is lost or doubled.
#[test]
fn an_item_comes_back_to_the_head() {
    loom::model(|| {
        let home = Home::new();
        home.push(0);
        let pusher = push(&home, &[1]);
        let ready = List::default();
        let mut taken = home.take(&ready);
        if taken.contains(&0) {
            home.push(0);
        }
        pusher.join().unwrap();
        taken.extend(home.take(&ready));
        taken.sort_unstable();
        assert_eq!(taken, [0, 0, 1]);
    });
}
