//! The program of the sides whose tasklets may change threads.
//!
//! `spawn_migrating` wants cargo's feature `migrating`, and with it the runtime reads its thread-locals through calls that are not
//! inlined: in one program with it, safe `spawn` would be measured slower than its users have it. So these sides are in a second
//! program of the same sources, built by cargo before anything is measured. It is built without LTO, as the contract of
//! `spawn_migrating` asks for.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::failure::Failure;
use crate::target;

/// What the program is called; `Cargo.toml` declares it.
const NAME: &str = "side_migrating";

/// The program. The first call has cargo build it, which does nothing if it is there and no older than its sources; if that fails,
/// so do all sides that it was to be.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    static BUILT: OnceLock<Result<PathBuf, Failure>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, Failure> {
    let folder = target::root()?;
    // Set where cargo started this program.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked", "--release", "--features", "migrating", "--bin", NAME, "--manifest-path"])
        .arg(target::package().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .stdin(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(folder.join("release").join(NAME)),
        false => Err(Failure::new(format!("cargo build: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
