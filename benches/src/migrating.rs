//! The program of the sides whose tasklets may change threads.
//!
//! `spawn_migrating` wants cargo's feature `migrating`, and with it the runtime reads its thread-locals through calls that are not
//! inlined: in one program with it, safe `spawn` would be measured slower than its users have it. So these sides are in a second
//! program of the same sources, built by cargo before anything is measured. It is built without LTO, as the contract of
//! `spawn_migrating` asks for.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::target;

/// What the program is called; `Cargo.toml` declares it.
const NAME: &str = "side_migrating";

/// Where the program is. [`build`] puts it there.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    let program = target::root()?.join("release").join(NAME);
    match program.is_file() {
        true => Ok(program),
        false => Err(Failure::new(format!("{} was not built", program.display()))),
    }
}

/// Has cargo build the program, which does nothing if it is there and no older than its sources.
pub(crate) fn build() -> Result<(), Failure> {
    // Set where cargo started this program.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked", "--release", "--features", "migrating", "--bin", NAME, "--manifest-path"])
        .arg(target::package().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target::root()?)
        .stdin(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Failure::new(format!("cargo build: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
