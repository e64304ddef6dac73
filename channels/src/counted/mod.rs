//! Values that are shown in places, read through counted references, and replaced without waiting for their readers.
//!
//! What `watch` and `broadcast` are made of. A [`Showcase`] has a fixed number of places; each shows one value or, at first, none.
//! [`Held`] is a reference to a value that stays readable after the place shows another; [`Fresh`](fresh::Fresh) is a value that
//! is not shown yet. Reading takes two read-modify-writes and no loop, whatever the others do. Replacing never waits for a reader:
//! the value that was shown lives on until the last reader lets go of it, and its slot then goes back to the pool. So a value is
//! never written while somebody reads it, for any type, and nothing is allocated once the pool is as large as it needs to be.
//!
//! # The counts
//!
//! A place is one word, `index << 40 | taken`: which slot it shows (0: none), and how many references were taken through it. A slot
//! has a count of its own, `refs`:
//!
//! | the slot is           | `refs`                                           | left by                                |
//! |-----------------------|--------------------------------------------------|----------------------------------------|
//! | free, or fresh        | 0                                                | whoever shows it                       |
//! | shown                 | `SHOWN` + folded - given back                    | whoever replaces it, who adds `taken - SHOWN` |
//! | replaced, still read  | references that are left                         | the last reader, who frees it          |
//!
//! To read, add one to the place: that both says which slot is shown and keeps it, because whoever replaces it later finds the one
//! in `taken` and hands it over to `refs`. To give back, take one from `refs`. While the slot is shown `refs` stays near `SHOWN`,
//! so zero is reached exactly once: by the last reader, or by the replacement if no reader is left.
//!
//! # The races
//!
//! *Reading against replacing.* Both change the place by a read-modify-write, so one comes first. (1) The reader first: its one is
//! part of `taken`, which the replacement adds to `refs`; the slot is not freed before the reader gives back. (2) The replacement
//! first: the reader gets the new slot. If the reader gives back before the replacement has added `taken`, `refs` is `SHOWN - 1`
//! meanwhile, not 0.
//!
//! *Replacing what was looked at (A-B-A).* [`Showcase::replace`] compares only the index. Its caller holds a reference to the
//! value it has looked at, so that slot is not free, nobody can show it again, and an equal index means that it was never
//! replaced. A place without a value never becomes so again.
//!
//! *Overflow of `taken`.* The reader that brings it to a multiple of `FOLD` moves `FOLD` of it to `refs`: (1) it adds `FOLD` to
//! `refs`; (2) it takes `FOLD` from `taken` as long as the place shows the same slot, which cannot have been freed and shown again
//! since the reader holds a reference; (3) if the place shows another, the replacement has handed over all of `taken`, and `FOLD`
//! is taken from `refs` again, which leaves at least the reader's one. Each reader between its reaching a multiple and its folding
//! accounts for at most `FOLD`, every one of them is a thread of the operating system, of which Linux allows 2^22, and 2^22 *
//! `FOLD` is less than 2^40: `taken` cannot reach the index.
//!
//! # Bounds
//!
//! A pool has at most 2^24 - 1 slots, shown and still read together; asking for more panics. The list of free slots has a tag of 40
//! bits against A-B-A: a thread would have to stand still between two instructions while the others free exactly a multiple of 2^40
//! slots.

mod fresh;
mod held;
mod pool;
mod showcase;

pub(crate) use held::Held;
pub(crate) use showcase::Showcase;

#[cfg(all(test, not(tasklets_loom)))]
mod tests;
