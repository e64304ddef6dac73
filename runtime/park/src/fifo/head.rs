//! The receivers' end of a queue: which position is the first, and what is known about it.
//!
//! | mark     | meaning                                                        | left by                                           |
//! |----------|----------------------------------------------------------------|---------------------------------------------------|
//! | none     | nothing                                                        | a receiver that has seen the value: next position, none; one that gives up its sender: SKIPPING; the sender: CERTAIN |
//! | CERTAIN  | the sender says that the value is there for good               | a receiver: next position, none                   |
//! | SKIPPING | the head goes over the position, whatever its sender does now  | anybody, who first marks the cell as skipped: next position, none |

/// The head's word: `position << 2 | mark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadWord(u64);

const MARK_BITS: u32 = 2;
const CERTAIN: u64 = 1;
const SKIPPING: u64 = 2;

impl HeadWord {
    #[inline(always)]
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(super) fn into_bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) fn position(self) -> u64 {
        self.0 >> MARK_BITS
    }

    /// The head at the next position.
    #[inline(always)]
    pub(super) fn next(self) -> Self {
        Self((self.position() + 1) << MARK_BITS)
    }

    pub(super) fn certain(self) -> Self {
        Self(self.position() << MARK_BITS | CERTAIN)
    }

    pub(super) fn skipping(self) -> Self {
        Self(self.position() << MARK_BITS | SKIPPING)
    }

    pub(super) fn is_unmarked(self) -> bool {
        self.0 & (CERTAIN | SKIPPING) == 0
    }

    #[inline(always)]
    pub(super) fn is_skipping(self) -> bool {
        self.0 & SKIPPING != 0
    }
}
