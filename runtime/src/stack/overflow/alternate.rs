//! The stack that a thread's signal handlers run on, for when it has run out of its own.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use crate::stack::page_size;

/// Bytes for the handlers themselves, beside what the kernel puts there. Other libraries' handlers run here too.
const FOR_HANDLERS: usize = 32 << 10;

/// Keeps this thread's alternate stack; dropping it removes the stack, if it was this that brought it.
///
/// Bound to its thread.
#[derive(Debug)]
#[must_use = "dropping this removes the stack"]
pub(crate) struct AlternateStack {
    /// The mapping, guard first, if the thread had no stack for signals before.
    mapping: Option<Mapping>,
    bound: PhantomData<*mut ()>,
}

#[derive(Debug)]
struct Mapping {
    start: *mut libc::c_void,
    bytes: usize,
}

/// Gives this thread a stack for signal handlers, unless it has one. Threads of the standard library usually do.
///
/// # Errors
///
/// No memory for it.
pub(crate) fn ensure_alternate_stack() -> io::Result<AlternateStack> {
    let bound = PhantomData;
    if current()?.ss_flags & libc::SS_DISABLE == 0 {
        return Ok(AlternateStack { mapping: None, bound });
    }
    // SAFETY: getauxval has no preconditions; it returns 0 for what the kernel did not say.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    let usable = (frame.max(libc::MINSIGSTKSZ) + FOR_HANDLERS).next_multiple_of(page_size());
    let mapping = Mapping::new(usable + page_size())?;
    // SAFETY: the first page of the mapping is ours and unused. Made inaccessible, it is the guard.
    if unsafe { libc::mprotect(mapping.start, page_size(), libc::PROT_NONE) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let stack = libc::stack_t { ss_sp: mapping.start.wrapping_byte_add(page_size()), ss_flags: 0, ss_size: usable };
    // SAFETY: the range is mapped, used by nothing else, and stays mapped until `drop` has disabled it.
    if unsafe { libc::sigaltstack(&stack, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(AlternateStack { mapping: Some(mapping), bound })
}

/// This thread's alternate stack.
fn current() -> io::Result<libc::stack_t> {
    let mut stack = MaybeUninit::uninit();
    // SAFETY: the kernel writes the current one to `stack` and changes nothing.
    if unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the kernel wrote it.
    Ok(unsafe { stack.assume_init() })
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let Some(mapping) = &self.mapping else { return };
        let ours = mapping.start.wrapping_byte_add(page_size());
        // Somebody may have put another in its place, which is not ours to remove.
        if current().is_ok_and(|stack| stack.ss_sp == ours) {
            let disabled = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: disabling the alternate stack that we enabled on this thread; we are not running on it.
            unsafe { libc::sigaltstack(&disabled, ptr::null_mut()) };
        }
    }
}

impl Mapping {
    fn new(bytes: usize) -> io::Result<Mapping> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at an address that the kernel chooses disturbs nothing.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and the thread's signals do not use it, no longer or never.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::{current, ensure_alternate_stack};
    use std::ptr;

    #[test]
    fn comes_only_where_there_is_none_and_goes_again() {
        let before = current().expect("sigaltstack answers");
        let kept = ensure_alternate_stack().expect("memory for it");
        if before.ss_flags & libc::SS_DISABLE == 0 {
            assert!(kept.mapping.is_none());
        }
        drop(kept);
        assert_eq!(current().expect("sigaltstack answers").ss_sp, before.ss_sp);

        let disabled = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: this thread is not on its alternate stack, and gets the old one back below.
        assert_eq!(unsafe { libc::sigaltstack(&disabled, ptr::null_mut()) }, 0);
        let ours = ensure_alternate_stack().expect("memory for it");
        assert_eq!(current().expect("sigaltstack answers").ss_flags & libc::SS_DISABLE, 0);
        drop(ours);
        assert_ne!(current().expect("sigaltstack answers").ss_flags & libc::SS_DISABLE, 0);
        // SAFETY: the stack that this thread had before is still mapped.
        assert_eq!(unsafe { libc::sigaltstack(&before, ptr::null_mut()) }, 0);
    }
}
