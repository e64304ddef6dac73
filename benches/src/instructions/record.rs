//! `instructions.toml`: the accepted counts. It uses so little of TOML that a few lines read it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::failure::Failure;

/// What a path may grow by unnoticed. Counts repeat to well below a percent.
const TOLERANCE: f64 = 0.03;

/// Counts of all paths on one toolchain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// What compiled them, and for what.
    pub(super) toolchain: String,
    counts: BTreeMap<String, f64>,
}

/// How a count compares with the accepted one; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Within the tolerance.
    Kept,
    /// Less by more than that.
    Shrunk,
    /// More by more than that.
    Grown,
}

impl Verdict {
    /// Compares a count with the one before.
    pub(super) fn of(before: f64, now: f64) -> Self {
        match now / before - 1.0 {
            change if change > TOLERANCE => Self::Grown,
            change if change < -TOLERANCE => Self::Shrunk,
            _ => Self::Kept,
        }
    }
}

impl Record {
    /// No counts yet.
    pub(super) fn new(toolchain: String) -> Self {
        Self { toolchain, counts: BTreeMap::new() }
    }

    /// The count of a path.
    pub(super) fn get(&self, path: &str) -> Option<f64> {
        self.counts.get(path).copied()
    }

    /// Notes the count of a path.
    pub(super) fn set(&mut self, path: &str, count: f64) {
        self.counts.insert(path.to_string(), count);
    }

    /// Paths and their counts.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, f64)> {
        self.counts.iter().map(|(path, count)| (path.as_str(), *count))
    }

    /// Reads a record, if the file is there.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, Failure> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text)
                .map(Some)
                .ok_or_else(|| Failure::new(format!("{} is not understood; --save writes it anew", file.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes it.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        Ok(fs::write(file, self.text())?)
    }

    /// The file's text.
    fn text(&self) -> String {
        let mut text = format!(
            "# Instructions of one pass over each hot path, written by\n\
             # `cargo run --profile bench -p tasklets-benches --bin instructions -- --save`.\n\
             toolchain = \"{}\"\n\n[instructions]\n",
            self.toolchain
        );
        for (path, count) in self.counts() {
            let _ = writeln!(text, "{path} = {count:.1}");
        }
        text
    }

    /// Reads what [`Record::text`] wrote.
    fn parse(text: &str) -> Option<Self> {
        let mut record = Self::new(String::new());
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', '[']) {
                continue;
            }
            let (name, value) = line.split_once(" = ")?;
            match name {
                "toolchain" => record.toolchain = value.trim_matches('"').to_string(),
                path => record.set(path, value.parse().ok()?),
            }
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_file() {
        let mut record = Record::new("rustc 1.95.0 x86_64".into());
        record.set("yield", 63.5);
        record.set("spawn-join", 700.0);
        assert_eq!(Record::parse(&record.text()), Some(record));
    }

    #[test]
    fn three_percent_are_tolerated() {
        assert_eq!(Verdict::of(100.0, 102.9), Verdict::Kept);
        assert_eq!(Verdict::of(100.0, 103.5), Verdict::Grown);
        assert_eq!(Verdict::of(100.0, 96.0), Verdict::Shrunk);
        assert_eq!(Verdict::Shrunk.max(Verdict::Grown), Verdict::Grown);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Record::parse("yield = many"), None);
        assert_eq!(Record::parse("yield"), None);
    }
}
