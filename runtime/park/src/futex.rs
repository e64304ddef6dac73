//! Sleeping on a word: the kernel's futex, or under loom and Miri what it is made of.
//!
//! The kernel compares 32 bits. Phase and the low bits of the generation are in the lower half of the word, which is
//! the half that changes when a wait ends.

use crate::sync::atomic::AtomicU64;
use std::time::Instant;

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The deadline has passed.
    DeadlinePassed,
    /// Anything else; the caller looks at the word.
    LookAgain,
}

/// Sleeps while `word` still holds `expected`.
#[cfg(not(any(tasklets_loom, miri)))]
pub(crate) fn wait(word: &AtomicU64, expected: u64, deadline: Option<Instant>) -> Woken {
    let timeout = match deadline {
        None => None,
        Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
            None => return Woken::DeadlinePassed,
            Some(left) if left.is_zero() => return Woken::DeadlinePassed,
            Some(left) => Some(libc::timespec {
                // A wait that does not fit is longer than any machine stays up; the loop would start it again.
                tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
                tv_nsec: left.subsec_nanos() as libc::c_long,
            }),
        },
    };
    // SAFETY: the address is that of a live word (slots are never unmapped), little-endian, so its first four bytes are
    // the lower half; `timeout` outlives the call. Every failure (EAGAIN, EINTR, ETIMEDOUT) means "look again".
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            std::ptr::from_ref(word).cast::<u32>(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected as u32,
            timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
        );
    }
    Woken::LookAgain
}

/// Wakes the thread that sleeps on `word`, if one does.
#[cfg(not(any(tasklets_loom, miri)))]
pub(crate) fn wake(word: &AtomicU64) {
    // SAFETY: FUTEX_WAKE only uses the address as a key; waking nobody, or somebody else, is harmless by its contract.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            std::ptr::from_ref(word).cast::<u32>(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

#[cfg(any(tasklets_loom, miri))]
pub(crate) use self::model::{wait, wake};

/// The kernel looks at the word and queues the sleeper under a lock that a waker takes too. One queue for all words: more
/// wake than need to, which every sleeper must stand anyway.
///
/// Loom has no futex. Miri has, but takes the look at half of an atomic for a mistake.
#[cfg(any(tasklets_loom, miri))]
mod model {
    use super::{AtomicU64, Instant, Woken};
    use crate::sync::atomic::Ordering;
    #[cfg(tasklets_loom)]
    use loom::sync::{Condvar, Mutex};
    #[cfg(not(tasklets_loom))]
    use std::sync::{Condvar, Mutex};

    #[derive(Default)]
    struct Queue {
        lock: Mutex<()>,
        sleepers: Condvar,
    }

    #[cfg(tasklets_loom)]
    loom::lazy_static! {
        static ref QUEUE: Queue = Queue::default();
    }
    #[cfg(not(tasklets_loom))]
    static QUEUE: Queue = Queue { lock: Mutex::new(()), sleepers: Condvar::new() };

    pub(crate) fn wait(word: &AtomicU64, expected: u64, deadline: Option<Instant>) -> Woken {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let guard = QUEUE.lock.lock().expect("nothing panics under this lock");
        if word.load(Ordering::Relaxed) != expected {
            return Woken::LookAgain;
        }
        match left {
            // In a model time does not pass: it ends a timed wait by its ticket.
            Some(left) if !cfg!(tasklets_loom) => {
                if left.is_zero() {
                    return Woken::DeadlinePassed;
                }
                drop(QUEUE.sleepers.wait_timeout(guard, left));
            }
            _ => drop(QUEUE.sleepers.wait(guard)),
        }
        Woken::LookAgain
    }

    pub(crate) fn wake(_: &AtomicU64) {
        let guard = QUEUE.lock.lock().expect("nothing panics under this lock");
        QUEUE.sleepers.notify_all();
        drop(guard);
    }
}
