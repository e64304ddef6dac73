//! How often each word was seen.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A table of words.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    table: HashMap<Box<[u8]>, u64, Seed>,
}

impl Counts {
    /// Counts a word once more.
    pub(crate) fn count(&mut self, word: &[u8]) {
        // A word is copied only when it is new.
        match self.table.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                self.table.insert(word.into(), 1);
            }
        }
    }

    /// Adds what another table counted.
    pub(crate) fn add(&mut self, mut other: Self) {
        if other.table.len() > self.table.len() {
            std::mem::swap(self, &mut other);
        }
        for (word, count) in other.table {
            *self.table.entry(word).or_default() += count;
        }
    }

    /// All words together.
    pub(crate) fn words(&self) -> u64 {
        self.table.values().sum()
    }

    /// Different words.
    pub(crate) fn different(&self) -> usize {
        self.table.len()
    }

    /// The `most` words seen most often, the first in the alphabet before others seen as often.
    pub(crate) fn top(&self, most: usize) -> Vec<(Cow<'_, str>, u64)> {
        let mut all: Vec<(&[u8], u64)> = self.table.iter().map(|(word, &count)| (&**word, count)).collect();
        let order = |left: &(&[u8], u64), right: &(&[u8], u64)| right.1.cmp(&left.1).then(left.0.cmp(right.0));
        if most < all.len() {
            all.select_nth_unstable_by(most, order);
            all.truncate(most);
        }
        all.sort_unstable_by(order);
        all.into_iter().map(|(word, count)| (String::from_utf8_lossy(word), count)).collect()
    }
}

/// Where hashes begin: a random number for each table, so that no file can be made to collide in it.
#[derive(Debug)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Seed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// A hash for short keys, several times as fast as std's: eight bytes at a time are multiplied to twice the width, whose halves are
/// then folded into each other.
struct Folding(u64);

impl Folding {
    /// Odd, with bits in no order.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

    fn fold(&mut self, bits: u64) {
        let wide = u128::from(self.0 ^ bits) * u128::from(Self::FACTOR);
        self.0 = wide as u64 ^ (wide >> 64) as u64;
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.fold(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.fold(u64::from_le_bytes(last));
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counts {
        let mut counts = Counts::default();
        text.split(' ').for_each(|word| counts.count(word.as_bytes()));
        counts
    }

    #[test]
    fn the_top_is_sorted_by_count_and_then_by_word() {
        let counts = counted("c b a b c d d d");
        let names =
            |most| counts.top(most).into_iter().map(|(word, count)| format!("{word}{count}")).collect::<Vec<_>>();
        assert_eq!(names(3), ["d3", "b2", "c2"]);
        assert_eq!(names(99), ["d3", "b2", "c2", "a1"]);
        assert!(names(0).is_empty());
        assert_eq!((counts.words(), counts.different()), (8, 4));
    }

    #[test]
    fn tables_add_up_either_way() {
        for (left, right) in [("a b c a", "c"), ("c", "a b c a")] {
            let mut sum = counted(left);
            sum.add(counted(right));
            assert_eq!(sum.top(9), [("a".into(), 2), ("c".into(), 2), ("b".into(), 1)]);
        }
    }

    #[test]
    fn hashes_differ_by_every_byte() {
        let seed = Seed(7);
        let hashes: std::collections::HashSet<u64> = (0..20)
            .flat_map(|length| (0..=255_u8).map(move |byte| (length, byte)))
            .map(|(length, byte)| {
                let mut word = vec![b'x'; length];
                word.push(byte);
                seed.hash_one(word.as_slice())
            })
            .collect();
        assert_eq!(hashes.len(), 20 * 256);
    }
}
