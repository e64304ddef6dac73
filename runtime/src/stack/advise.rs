//! `madvise` of many ranges at once.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Ranges in one call. The kernel takes at most 1024, and a smaller batch delays the caller's signals less.
const BATCH: usize = 512;

/// Gives the same advice on every range. Ranges are page aligned and lie in mappings of the caller.
///
/// Needs one call for many ranges where the kernel lets a process `process_madvise` itself (6.13), one call for each
/// range elsewhere. On an error some of the ranges may have been advised.
///
/// # Safety
///
/// The advice must be sound for all these ranges: nobody reads or writes what it discards or makes inaccessible.
pub(super) unsafe fn advise(ranges: &[libc::iovec], advice: libc::c_int) -> io::Result<()> {
    // A descriptor for each call, not one kept: after a fork a kept one would still mean the parent.
    let own = if ranges.len() > 1 { open_self() } else { None };
    for batch in ranges.chunks(BATCH) {
        if let Some(own) = &own
            // SAFETY: the caller's promise.
            && unsafe { advise_batch(own, batch, advice) }
        {
            continue;
        }
        for range in batch {
            // SAFETY: the caller's promise. Advice that the batch gave already may be given again: what it discarded
            // or made inaccessible then, nobody has used since.
            unsafe { advise_one(range, advice)? };
        }
    }
    Ok(())
}

/// A descriptor of this process, if the kernel gives one.
fn open_self() -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and touches no memory.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) };
    let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0)?;
    // SAFETY: the kernel just opened it for us, and nothing else knows its number.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether all of the batch was advised.
///
/// # Safety
///
/// As for [`advise`].
unsafe fn advise_batch(own: &OwnedFd, batch: &[libc::iovec], advice: libc::c_int) -> bool {
    let bytes: usize = batch.iter().map(|range| range.iov_len).sum();
    // SAFETY: `own` is open, the pointer and length are those of `batch`, and the caller vouches for the advice.
    let advised =
        unsafe { libc::syscall(libc::SYS_process_madvise, own.as_raw_fd(), batch.as_ptr(), batch.len(), advice, 0) };
    usize::try_from(advised).is_ok_and(|advised| advised == bytes)
}

/// One range, again when a signal came in between.
///
/// # Safety
///
/// As for [`advise`].
unsafe fn advise_one(range: &libc::iovec, advice: libc::c_int) -> io::Result<()> {
    loop {
        // SAFETY: the caller's promise.
        if unsafe { libc::madvise(range.iov_base, range.iov_len, advice) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
