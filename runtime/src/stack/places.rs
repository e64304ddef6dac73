//! How many stacks are promised and how many exist, in one word.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Two counts in one word, so that a promise is one compare-and-swap and can never exceed what exists.
///
/// * `ready` (high half): stacks that exist, on loan or idle on the shelf.
/// * `reserved` (low half): places promised.
///
/// Always `reserved <= ready`. `ready` changes only under the shelf's lock and together with the shelf's contents, so
/// under that lock `ready = idle + on loan`, and hence `idle >= reserved - on loan`: everyone who holds a place and
/// no stack finds one.
///
/// Relaxed is enough everywhere: stacks themselves pass through the shelf's lock. Who reads a raised `ready` and then
/// locks the shelf finds the stacks there, since if its critical section came before the one that raised `ready`, its
/// read would happen before the write that it read.
#[derive(Debug, Default)]
pub(super) struct Places(AtomicU64);

fn split(word: u64) -> (u64, u64) {
    (word >> 32, word & u64::from(u32::MAX))
}

fn join(ready: u64, reserved: u64) -> u64 {
    ready << 32 | reserved
}

impl Places {
    /// Promises `n` places, or says how many stacks are missing for that.
    pub(super) fn reserve(&self, n: usize) -> Result<(), usize> {
        let n = n as u64;
        self.0
            .fetch_update(Relaxed, Relaxed, |word| {
                let (ready, reserved) = split(word);
                let wanted = reserved.saturating_add(n);
                (wanted <= ready).then(|| join(ready, wanted))
            })
            .map(drop)
            .map_err(|word| {
                let (ready, reserved) = split(word);
                usize::try_from(reserved.saturating_add(n) - ready).unwrap_or(usize::MAX)
            })
    }

    /// Takes `n` promises back.
    pub(super) fn unreserve(&self, n: usize) {
        let before = self.0.fetch_sub(n as u64, Relaxed);
        debug_assert!(split(before).1 >= n as u64, "more places given back than were taken");
    }

    /// `n` more stacks exist. Only under the shelf's lock.
    pub(super) fn add(&self, n: usize) {
        self.0.fetch_add(join(n as u64, 0), Relaxed);
    }

    /// Up to `n` stacks that nobody was promised cease to exist, at least `least` of them or none; says how many.
    /// Only under the shelf's lock.
    pub(super) fn withdraw(&self, least: usize, n: usize) -> usize {
        let mut gone = 0;
        let done = self.0.fetch_update(Relaxed, Relaxed, |word| {
            let (ready, reserved) = split(word);
            gone = (n as u64).min(ready - reserved);
            (gone >= least as u64).then(|| join(ready - gone, reserved))
        });
        if done.is_ok() { gone as usize } else { 0 }
    }

    /// Stacks that exist.
    #[cfg(test)]
    pub(super) fn ready(&self) -> usize {
        split(self.0.load(Relaxed)).0 as usize
    }

    /// Places promised.
    pub(super) fn reserved(&self) -> usize {
        split(self.0.load(Relaxed)).1 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn promises_never_exceed_stacks() {
        let places = Places::default();
        assert_eq!(places.reserve(3), Err(3));
        places.add(5);
        assert_eq!(places.reserve(3), Ok(()));
        assert_eq!(places.reserve(3), Err(1));
        assert_eq!(places.withdraw(3, 3), 0);
        assert_eq!(places.withdraw(1, 3), 2);
        assert_eq!((places.ready(), places.reserved()), (3, 3));
        places.unreserve(3);
        assert_eq!(places.withdraw(1, 9), 3);
        assert_eq!(places.reserve(usize::MAX), Err(usize::MAX));
    }
}
