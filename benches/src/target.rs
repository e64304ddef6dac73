//! Where cargo put this program, and where what it makes goes.

use std::path::PathBuf;

use crate::failure::Failure;

/// The folder of the profile this program was built with, such as `target/release`. `bin` targets lie in it.
pub(crate) fn profile() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    // A `bench` lies in `deps`, a `bin` right in the folder.
    let folder = program.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(folder.ok_or_else(|| Failure::new("this program lies in no folder"))?.to_path_buf())
}

/// The folder of all profiles, such as `target`.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let profile = profile()?;
    Ok(profile.parent().unwrap_or(&profile).to_path_buf())
}

/// A folder beside the profile's, made if it is not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf, Failure> {
    let folder = root()?.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The folder of this package's sources, where it stood when it was built.
pub(crate) fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
