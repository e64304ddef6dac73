//! Messages that know how often they are dropped.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use tasklets::channel::Sender;

/// Counts messages.
#[derive(Default)]
pub(crate) struct Count {
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// Dropped more than once.
    twice: AtomicUsize,
}

/// A message, numbered by whoever makes it.
pub(crate) struct Counted {
    pub(crate) number: u64,
    count: Arc<Count>,
    /// A box, so that a second drop is also one of freed memory, which sanitizers see.
    drops: Box<AtomicU64>,
    on_drop: OnDrop,
}

/// What else a message does when it is dropped.
enum OnDrop {
    Nothing,
    Panic,
    Touch(Sender<Counted>),
}

impl Count {
    pub(crate) fn message(self: &Arc<Self>, number: u64) -> Counted {
        self.make(number, OnDrop::Nothing)
    }

    /// A message of which the drop panics.
    pub(crate) fn panicking(self: &Arc<Self>, number: u64) -> Counted {
        self.make(number, OnDrop::Panic)
    }

    /// A message of which the drop uses the channel it is in.
    pub(crate) fn touching(self: &Arc<Self>, number: u64, channel: Sender<Counted>) -> Counted {
        self.make(number, OnDrop::Touch(channel))
    }

    fn make(self: &Arc<Self>, number: u64, on_drop: OnDrop) -> Counted {
        self.made.fetch_add(1, SeqCst);
        Counted { number, count: self.clone(), drops: Box::new(AtomicU64::new(0)), on_drop }
    }

    /// # Panics
    /// Unless all that were made were dropped once.
    #[track_caller]
    pub(crate) fn check(&self, when: &str) {
        let [made, dropped, twice] = [&self.made, &self.dropped, &self.twice].map(|count| count.load(SeqCst));
        assert_eq!((dropped, twice), (made, 0), "dropped and dropped twice, of {made}: {when}");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.dropped.fetch_add(1, SeqCst);
        if self.drops.fetch_add(1, SeqCst) > 0 {
            self.count.twice.fetch_add(1, SeqCst);
        }
        match &self.on_drop {
            OnDrop::Nothing => {}
            // Without the panic hook, which would print.
            OnDrop::Panic => resume_unwind(Box::new("a drop panicked")),
            OnDrop::Touch(channel) => {
                let another = self.count.message(self.number + 1_000_000);
                let _accepted = channel.try_send(another).is_ok();
                let _length = channel.len();
                channel.close();
            }
        }
    }
}
