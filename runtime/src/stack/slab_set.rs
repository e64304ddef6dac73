//! A set of slab numbers.

/// One bit for each number. A million stacks of the usual size lie in 4096 slabs: 64 words.
#[derive(Debug, Default)]
pub(super) struct SlabSet(Vec<u64>);

impl SlabSet {
    pub(super) fn insert(&mut self, id: usize) {
        let word = id / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    pub(super) fn remove(&mut self, id: usize) {
        if let Some(word) = self.0.get_mut(id / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The lowest number in it.
    pub(super) fn first(&self) -> Option<usize> {
        let word = self.0.iter().position(|&word| word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::SlabSet;

    #[test]
    fn the_lowest_comes_first() {
        let mut set = SlabSet::default();
        assert_eq!(set.first(), None);
        [200, 64, 63, 64].into_iter().for_each(|id| set.insert(id));
        for id in [63, 64, 200] {
            assert_eq!(set.first(), Some(id));
            set.remove(id);
        }
        set.remove(1000);
        assert_eq!(set.first(), None);
        set.insert(5);
        set.clear();
        assert_eq!(set.first(), None);
    }
}
