//! CPU time of this process.

use std::time::Duration;

/// User and system time so far, of all threads; children are not included.
///
/// Read from the process's CPU clock, which counts in nanoseconds where `getrusage` may count in ticks.
pub(crate) fn spent() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the write of one `timespec`, and the call keeps no pointer to it.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "Linux has had this clock since 2.6.12: {}", std::io::Error::last_os_error());
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::spent;

    #[test]
    fn it_grows_with_computing() {
        let before = spent();
        let mut state = 1_u64;
        while spent() <= before {
            state = std::hint::black_box(state.wrapping_mul(3));
        }
    }
}
