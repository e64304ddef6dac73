//! Reading files from tasklets.
//!
//! A read that must wait for a disk would hold up every tasklet of its worker, so those go to
//! [`unblock`](tasklets::unblock). But most files of a busy server are in the kernel's memory, and
//! to fetch them from there takes less time than to hand the work to another thread. So, as with
//! sockets: try first, and only what would block goes elsewhere.

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// A part of a file, on its way to a client.
#[derive(Debug)]
pub(crate) struct Content {
    file: Arc<File>,
    position: u64,
    remaining: u64,
}

impl Content {
    pub(crate) fn new(file: File, position: u64, length: u64) -> Content {
        Content { file: Arc::new(file), position, remaining: length }
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Appends the next bytes to `output`, at most `limit` of them.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file has become shorter than was announced.
    pub(crate) fn read_into(&mut self, output: &mut Vec<u8>, limit: usize) -> io::Result<()> {
        let limit = limit.min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        let now = append(&self.file, output, limit, self.position, libc::RWF_NOWAIT);
        let count = match now {
            // The file system may also not know how to try.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EOPNOTSUPP)) => {
                self.read_elsewhere(output, limit)?
            }
            result => result?,
        };
        if count == 0 && limit > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += count as u64;
        self.remaining -= count as u64;
        Ok(())
    }

    /// The same by a thread that may block.
    fn read_elsewhere(&mut self, output: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        // The closure may outlive this call if the tasklet is told to end meanwhile, so it owns
        // what it works on.
        let file = Arc::clone(&self.file);
        let position = self.position;
        let mut taken = mem::take(output);
        let (taken, count) = tasklets::unblock(move || {
            let count = append(&file, &mut taken, limit, position, 0);
            (taken, count)
        });
        *output = taken;
        count
    }
}

/// Appends at most `limit` bytes of `file`, from `position` on, and says how many.
fn append(file: &File, output: &mut Vec<u8>, limit: usize, position: u64, flags: libc::c_int) -> io::Result<usize> {
    output.reserve(limit);
    let length = output.len();
    let room = &mut output.spare_capacity_mut()[..limit];
    let target = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // A position past the largest the kernel has is past the end of any file.
    let position = libc::off_t::try_from(position).unwrap_or(libc::off_t::MAX);
    // SAFETY: `target` is the one element of its array, and spans memory of `output` that nobody
    // reads and that stays where it is during the call.
    let count = unsafe { libc::preadv2(file.as_raw_fd(), &raw const target, 1, position, flags) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: The kernel has written `count` bytes, no more than `limit`, after the first
    // `length`; there is room for them as they were reserved above.
    unsafe { output.set_len(length + count) };
    Ok(count)
}
