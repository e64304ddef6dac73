//! How many operations a round consists of.

use std::time::Duration;

use crate::failure::Failure;
use crate::workload::Scale;

/// The size of a side's rounds, found by its first one: the sides of a row differ by a factor of a hundred, and each is to run long
/// enough to be measured and not so long that nobody waits for it.
#[derive(Debug)]
pub(super) struct Pace {
    operations: u64,
    /// Never more than this.
    most: u64,
    /// What a round is to last at least.
    enough: Duration,
    settled: bool,
}

impl Pace {
    /// Begins with a few operations.
    pub(super) fn of(scale: Scale) -> Self {
        Self {
            operations: scale.pick(20_000, 2_000),
            most: scale.pick(5_000_000, 200_000),
            enough: scale.pick(Duration::from_millis(150), Duration::from_millis(5)),
            settled: false,
        }
    }

    /// Does a round: how many operations it had, and how long they took. The first call repeats `run` with growing numbers until it
    /// lasts long enough.
    pub(super) fn round(
        &mut self,
        mut run: impl FnMut(u64) -> Result<Duration, Failure>,
    ) -> Result<(u64, Duration), Failure> {
        loop {
            let took = run(self.operations)?;
            if self.settled || took >= self.enough || self.operations == self.most {
                self.settled = true;
                return Ok((self.operations, took));
            }
            self.operations = (self.operations * 4).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(nanoseconds_each: u64) -> u64 {
        let mut pace = Pace::of(Scale { workers: 1, quick: false });
        let mut calls = 0;
        let mut run = |operations: u64| {
            calls += 1;
            Ok(Duration::from_nanos(operations * nanoseconds_each))
        };
        let (first, _) = pace.round(&mut run).expect("a round");
        let (second, _) = pace.round(&mut run).expect("a round");
        assert_eq!(first, second, "after {calls} calls");
        first
    }

    #[test]
    fn slow_sides_do_few_operations() {
        assert_eq!(settled(50_000), 20_000);
    }

    #[test]
    fn fast_sides_do_as_many_as_a_measurement_needs() {
        assert_eq!(settled(1), 5_000_000);
        assert_eq!(settled(500), 320_000);
    }
}
