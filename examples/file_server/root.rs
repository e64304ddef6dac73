//! The served directory, and opening files below it without ever leaving it.
//!
//! A path that names nothing outside can still lead there, through a symbolic link, and a link can
//! be put in its way at any moment: to look first and open then is a race. So the kernel itself is
//! told, in the one call that opens the file, to stay beneath the directory (`openat2`, Linux 5.6).
//! Where it cannot be told, the path is walked name by name and no link is followed at all.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How often an `openat2` is tried that met a rename on its way.
const ATTEMPTS: usize = 16;

/// Files are opened without waiting for anything: a named pipe would else wait for its writer.
const FILE_FLAGS: libc::c_int = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;

/// The served directory.
#[derive(Debug)]
pub(crate) struct Root {
    directory: OwnedFd,
    /// The kernel has `openat2`.
    has_openat2: bool,
}

impl Root {
    pub(crate) fn new(directory: &Path) -> io::Result<Root> {
        let path = CString::new(directory.as_os_str().as_bytes())?;
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        let directory = open_at(libc::AT_FDCWD, &path, flags)?;
        // Old kernels do not know the call, and some sandboxes forbid it.
        let has_openat2 = open_beneath(&directory, c".", libc::RESOLVE_BENEATH).is_ok();
        Ok(Root { directory, has_openat2 })
    }

    /// Opens what is at `path`, a path relative to the directory. May wait for a disk.
    pub(crate) fn open(&self, path: &CStr) -> io::Result<File> {
        if !self.has_openat2 {
            return open_walking(&self.directory, path);
        }
        let mut attempts = 0..ATTEMPTS;
        loop {
            match open_beneath(&self.directory, path, libc::RESOLVE_BENEATH) {
                // A rename went on elsewhere, so the kernel cannot be sure where it is.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    attempts.next().ok_or(error)?;
                }
                result => return result,
            }
        }
    }

    /// Opens what is at `path` if that takes no waiting, because the kernel has in memory what it
    /// needs for it. Else fails with `WouldBlock`.
    pub(crate) fn open_without_waiting(&self, path: &CStr) -> io::Result<File> {
        if !self.has_openat2 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match open_beneath(&self.directory, path, libc::RESOLVE_BENEATH | libc::RESOLVE_CACHED) {
            // Linux 5.12 brought this; a kernel before refuses the flag.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Err(io::ErrorKind::WouldBlock.into()),
            result => result,
        }
    }
}

fn open_beneath(directory: &OwnedFd, path: &CStr, resolve: u64) -> io::Result<File> {
    // SAFETY: `open_how` is three integers, for which zero is a value.
    let mut how: libc::open_how = unsafe { mem::zeroed() };
    how.flags = FILE_FLAGS as u64;
    how.resolve = resolve;
    // SAFETY: The path is a string with its NUL and `how` a whole `open_how` of the length given;
    // the kernel only reads them, during the call, and so does it use the borrowed descriptor.
    let descriptor = unsafe {
        libc::syscall(libc::SYS_openat2, directory.as_raw_fd(), path.as_ptr(), &raw const how, mem::size_of_val(&how))
    };
    let descriptor = owned(descriptor as RawFd)?;
    Ok(File::from(descriptor))
}

/// Opens `path` name by name, each one in the directory just opened.
///
/// Every step starts from a descriptor and follows no link, so no rename or link made meanwhile
/// can lead it out: the worst that happens is that a directory has moved while it was open.
fn open_walking(directory: &OwnedFd, path: &CStr) -> io::Result<File> {
    let mut directory = directory.try_clone()?;
    let (parents, last) = match path.to_bytes().iter().rposition(|&byte| byte == b'/') {
        Some(slash) => path.to_bytes().split_at(slash + 1),
        None => (&b""[..], path.to_bytes()),
    };
    for name in parents.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        directory = open_at(directory.as_raw_fd(), &CString::new(name)?, flags)?;
    }
    // After a slash at the end nothing is left but the directory it follows.
    let last = if last.is_empty() { c".".to_owned() } else { CString::new(last)? };
    open_at(directory.as_raw_fd(), &last, FILE_FLAGS | libc::O_NOFOLLOW).map(File::from)
}

fn open_at(directory: RawFd, path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: The path is a string with its NUL, which the kernel only reads during the call. The
    // descriptor is the caller's own, or `AT_FDCWD`; the call does not close it.
    owned(unsafe { libc::openat(directory, path.as_ptr(), flags) })
}

/// Takes over what an opening system call returned.
fn owned(descriptor: RawFd) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The kernel has just made this descriptor for the caller, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A directory `site` with things in it, beside a file `secret`. Gone when dropped.
    struct Fixture(PathBuf);

    impl Fixture {
        fn new(name: &str) -> Fixture {
            let top = std::env::temp_dir().join(format!("file_server-{}-{name}", std::process::id()));
            let site = top.join("site");
            fs::create_dir_all(site.join("sub")).expect("a temporary directory");
            fs::write(top.join("secret"), "secret").expect("written");
            fs::write(site.join("sub/file"), "inside").expect("written");
            symlink("sub/file", site.join("link")).expect("linked");
            symlink("../secret", site.join("up")).expect("linked");
            symlink(top.join("secret"), site.join("absolute")).expect("linked");
            symlink("..", site.join("sub/parent")).expect("linked");
            symlink("../..", site.join("sub/out")).expect("linked");
            symlink("loop", site.join("loop")).expect("linked");
            Fixture(top)
        }

        fn root(&self) -> Root {
            Root::new(&self.0.join("site")).expect("the directory is there")
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("removed");
        }
    }

    fn text(file: io::Result<File>) -> io::Result<String> {
        let mut text = String::new();
        file?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn files_inside_are_opened_and_links_out_are_not() {
        let fixture = Fixture::new("beneath");
        let root = fixture.root();
        assert_eq!(text(root.open(c"sub/file")).expect("opened"), "inside");
        assert!(root.open(c".").expect("opened").metadata().expect("known").is_dir());
        assert!(root.open(c"sub/").is_ok());
        assert!(root.open(c"sub/file/").is_err());
        for outside in [c"up", c"absolute", c"sub/out/secret", c"..", c"../secret", c"/", c"loop"] {
            assert!(root.open(outside).is_err(), "{outside:?}");
            assert!(root.open_without_waiting(outside).is_err(), "{outside:?}");
        }
        if root.has_openat2 {
            assert_eq!(text(root.open(c"link")).expect("opened"), "inside");
            assert_eq!(text(root.open(c"sub/parent/link")).expect("opened"), "inside");
        }
    }

    #[test]
    fn walking_follows_no_link() {
        let fixture = Fixture::new("walking");
        let root = Root { has_openat2: false, ..fixture.root() };
        assert_eq!(text(root.open(c"sub/file")).expect("opened"), "inside");
        assert!(root.open(c".").expect("opened").metadata().expect("known").is_dir());
        assert!(root.open(c"sub/").is_ok());
        assert!(root.open(c"sub").is_ok());
        assert!(root.open(c"sub/file/").is_err());
        for link in [c"up", c"absolute", c"link", c"sub/out/secret", c"sub/parent/link", c"loop"] {
            assert!(root.open(link).is_err(), "{link:?}");
        }
        let cached = root.open_without_waiting(c"sub/file").map_err(|error| error.kind());
        assert_eq!(cached.err(), Some(io::ErrorKind::WouldBlock));
    }

    #[test]
    fn a_pipe_without_a_writer_does_not_hold_up_its_opening() {
        let fixture = Fixture::new("pipe");
        let pipe = CString::new(fixture.0.join("site/pipe").as_os_str().as_bytes()).expect("a path");
        // SAFETY: The path is a string with its NUL, which the kernel only reads.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        let file = fixture.root().open(c"pipe").expect("opened");
        assert!(!file.metadata().expect("known").is_file());
    }

    #[test]
    fn only_directories_can_be_served() {
        let fixture = Fixture::new("not-a-directory");
        assert!(Root::new(&fixture.0.join("secret")).is_err());
        assert!(Root::new(&fixture.0.join("nowhere")).is_err());
    }
}
