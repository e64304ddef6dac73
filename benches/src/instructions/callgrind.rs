//! A path under valgrind's callgrind.

use std::fs;
use std::process::{Command, Stdio};

use super::PATH_OPTION;
use super::paths::Path;
use crate::failure::Failure;
use crate::target;

/// Repetitions of the shorter run: enough to have warmed everything up.
const FEW: u64 = 2_000;
/// Repetitions of the longer run.
const MANY: u64 = 22_000;

/// Instructions of one repetition.
pub(super) fn instructions_each(path: &Path) -> Result<f64, Failure> {
    let (few, many) = (total(path, FEW)?, total(path, MANY)?);
    Ok((many as f64 - few as f64) / (MANY - FEW) as f64)
}

/// Instructions of a whole process that does the path so often.
fn total(path: &Path, repetitions: u64) -> Result<u64, Failure> {
    let file = target::folder("bench-callgrind")?.join(format!("{}-{repetitions}.out", path.name));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", file.display())])
        .arg(std::env::current_exe()?)
        .args([PATH_OPTION, path.name, &repetitions.to_string()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{} under valgrind: {}: {said}", path.name, output.status)));
    }
    let profile = fs::read_to_string(&file)?;
    totals(&profile).ok_or_else(|| Failure::new(format!("{} has no line `totals:`", file.display())))
}

/// The sum over all functions in a profile.
fn totals(profile: &str) -> Option<u64> {
    profile.lines().rev().find_map(|line| line.strip_prefix("totals:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::totals;

    #[test]
    fn the_total_is_the_last_lines() {
        assert_eq!(totals("events: Ir\nfn=(1) main\n1 5\ntotals: 123\n"), Some(123));
        assert_eq!(totals("events: Ir\n"), None);
    }
}
