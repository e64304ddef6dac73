//! Sides in other languages.
//!
//! The child process that is to be such a side replaces itself by a program in that language, which speaks the
//! protocol of `side_process.rs` itself and counts its own CPU time. Its arguments are the workload, the number of
//! workers, and `quick` or `full`.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::failure::Failure;
use crate::target;
use crate::workload::{Scale, Started};

/// Becomes the Go program in `benches/go/side`. Returns only on failure.
pub(crate) fn go(workload: &str, scale: Scale) -> Started {
    let program = built_go("side")?;
    let mut command = Command::new(program);
    command.env("GOMAXPROCS", scale.workers.to_string());
    // Where it finds the client that all sides of a workload share.
    command.env("TASKLETS_BENCHES", std::env::current_exe()?);
    Err(become_it(command, workload, scale))
}

/// Becomes the Erlang program `benches/erlang/side.escript`. Returns only on failure.
pub(crate) fn erlang(workload: &str, scale: Scale) -> Started {
    let mut command = Command::new("escript");
    command.env("ERL_FLAGS", format!("+S {0}:{0} +P 2000000", scale.workers));
    command.arg(target::package().join("erlang/side.escript"));
    Err(become_it(command, workload, scale))
}

/// Replaces this process. What comes back is why that failed.
fn become_it(mut command: Command, workload: &str, scale: Scale) -> Failure {
    let size = scale.pick("full", "quick");
    Failure::from(command.args([workload, &scale.workers.to_string(), size]).exec())
}

/// The path of the Go program in this folder of `benches/go`, stripped, and built unless it is newer than its sources.
pub(crate) fn built_go(name: &str) -> Result<PathBuf, Failure> {
    let program = target::folder("bench-go")?.join(name);
    let folder = target::package().join("go").join(name);
    let mut sources = Vec::new();
    for entry in fs::read_dir(&folder)? {
        sources.push(entry?.path());
    }
    sources.retain(|source| source.extension().is_some_and(|extension| extension == "go"));
    let newest = sources.iter().filter_map(|source| modified(source)).max();
    if modified(&program) > newest {
        return Ok(program);
    }
    let output = Command::new("go")
        .args(["build", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .args(&sources)
        .stdin(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(program),
        false => Err(Failure::new(format!("go build: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}

/// When a file was last written, if it exists.
fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}
