//! Making room for many connections.

use std::io;

/// Descriptors that are not connections: files being sent, pollers, standard streams.
const OTHERS: usize = 128;

/// Raises this process's limit of open descriptors as far as `connections` need and the system
/// lets it. Returns how many connections fit.
///
/// The usual limit is 1024, from times when descriptors were kept in bit sets.
pub(crate) fn make_room(connections: usize) -> io::Result<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: The kernel writes one `rlimit` to the one given.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    let wanted = connections.saturating_add(OTHERS) as libc::rlim_t;
    if limit.rlim_cur < wanted {
        limit.rlim_cur = wanted.min(limit.rlim_max);
        // SAFETY: The kernel reads one `rlimit` from the one given.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    }
    let available = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    Ok(connections.min(available.saturating_sub(OTHERS).max(1)))
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
