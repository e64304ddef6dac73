//! Instructions of the hot paths, counted by valgrind: figures that do not depend on what else the machine does.
//!
//! Each path is done a few times and many times, in processes of their own under callgrind. The difference of the
//! counts over that of the repetitions is what one costs; starting and ending the runtime cancel out.
//! `instructions.toml` holds the counts that were accepted last, with the toolchain they hold for: another compiler
//! makes other instructions of the same code.

mod callgrind;
mod paths;
mod record;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::machine;
use crate::target;
use paths::PATHS;
use record::{Record, Verdict};

/// The hidden option by which this program starts itself under valgrind.
const PATH_OPTION: &str = "--path";
/// What `--help` prints.
const USAGE: &str = "\
usage: cargo run --profile bench -p tasklets-benches --bin instructions [-- --save]
  --save   accept the counts found: write them to benches/instructions.toml";

/// What is done about a count that differs from the accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Compare,
    Save,
}

/// The program `instructions`. Fails if a path grew by more than 3 percent on the toolchain of the record.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => count(Purpose::Compare),
        ["--save"] => count(Purpose::Save),
        [PATH_OPTION, name, repetitions] => walk(name, repetitions),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Does one path, in the process that valgrind watches.
fn walk(name: &str, repetitions: &str) -> Result<(), Failure> {
    let path = PATHS.iter().find(|path| path.name == name);
    let path = path.ok_or_else(|| Failure::new(format!("no path is called `{name}`")))?;
    (path.walk)(repetitions.parse()?)
}

/// Counts all paths, prints them beside the accepted counts, and saves or judges them.
fn count(purpose: Purpose) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err(Failure::new("unoptimised code has other instructions: run this with --profile bench"));
    }
    if !machine::has_tool("valgrind") {
        return Err(Failure::new("`valgrind` is not on the PATH; install it (Debian, Ubuntu: apt install valgrind)"));
    }
    let file = target::package().join("instructions.toml");
    let accepted = Record::read(&file)?;
    let mut found = Record::new(machine::toolchain());
    for path in PATHS {
        found.set(path.name, callgrind::instructions_each(path)?);
    }
    println!("instructions each, found and accepted ({}):", found.toolchain);
    let mut worst = Verdict::Kept;
    for (name, count) in found.counts() {
        let (line, verdict) = match accepted.as_ref().and_then(|accepted| accepted.get(name)) {
            None => ("     new".to_string(), Verdict::Kept),
            Some(before) => {
                (format!("{before:>8.1}  {:+.1} %", (count / before - 1.0) * 100.0), Verdict::of(before, count))
            }
        };
        println!("  {name:<24} {count:>8.1} {line}");
        worst = worst.max(verdict);
    }
    if purpose == Purpose::Save {
        found.write(&file)?;
        println!("saved in {}", file.display());
        return Ok(());
    }
    match accepted {
        None => Err(Failure::new(format!("there is no {}; --save makes it", file.display()))),
        Some(accepted) if accepted.toolchain != found.toolchain => {
            println!("warning: accepted with another toolchain ({}), so nothing is judged", accepted.toolchain);
            Ok(())
        }
        Some(_) => match worst {
            Verdict::Kept => Ok(()),
            Verdict::Shrunk => {
                println!("a path has become cheaper: --save keeps it so");
                Ok(())
            }
            Verdict::Grown => Err(Failure::new(
                "a path has grown by more than 3 percent: make it as cheap as it was, or --save and say why in the commit",
            )),
        },
    }
}
