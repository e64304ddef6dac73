//! A pair of fences of which one costs nothing: for protocols in which one side is taken all the time and the other hardly ever.
//!
//! Two threads that each store to one word and then load the other's must not both miss the store (Dekker), which takes a fence between
//! store and load on *both* sides. [`heavy_fence`] has the kernel run one on every processor that runs a thread of this process
//! (`membarrier`, private and expedited: some microseconds), and so supplies the other side's as well: wherever that thread is stopped, it is
//! either before its store or has it done and visible. What is left for [`light_fence`] is to keep the compiler from moving the load up.
//!
//! Where the kernel, or a filter on its calls, does not have `membarrier`, both are ordinary fences. Under loom and Miri too.
//!
//! The idea is that of asymmetric Dekker synchronization (Dice, Huang, Yang 2001); folly and liburcu use the call in the same way.

#[cfg(not(tasklets_loom))]
pub use real::{heavy_fence, is_available, light_fence, try_heavy_fence};

/// See the [module](self).
#[cfg(tasklets_loom)]
pub fn light_fence() {
    crate::sync::atomic::fence(crate::sync::atomic::Ordering::SeqCst);
}

/// See the [module](self).
#[cfg(tasklets_loom)]
pub fn heavy_fence() {
    crate::sync::atomic::fence(crate::sync::atomic::Ordering::SeqCst);
}

#[cfg(not(tasklets_loom))]
mod real {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

    /// `MEMBARRIER_CMD_PRIVATE_EXPEDITED` of linux/membarrier.h.
    const BARRIER: libc::c_int = 1 << 3;
    /// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED`.
    const REGISTER: libc::c_int = 1 << 4;

    const UNKNOWN: u8 = 0;
    const ASYMMETRIC: u8 = 1;
    const SYMMETRIC: u8 = 2;

    /// Written once; both sides go by it, so they agree.
    static KIND: AtomicU8 = AtomicU8::new(UNKNOWN);

    /// The side that is taken all the time: orders the stores before it before the loads after it, as far as threads are concerned that
    /// have a [`heavy_fence`] between theirs.
    #[inline(always)]
    pub fn light_fence() {
        if KIND.load(Ordering::Relaxed) == ASYMMETRIC {
            compiler_fence(Ordering::SeqCst);
        } else {
            light_fence_slowly();
        }
    }

    #[cold]
    fn light_fence_slowly() {
        // Also right if the kind turns out to be asymmetric: it is more than is asked for.
        fence(Ordering::SeqCst);
        kind();
    }

    /// The side that is hardly ever taken.
    ///
    /// # Aborts
    /// If the kernel refuses the call after it has accepted the registration for it, which only a filter set up meanwhile can bring about:
    /// threads may be between a store and a load then that nothing orders any more.
    #[cold]
    pub fn heavy_fence() {
        if !try_heavy_fence() {
            let _ = writeln!(std::io::stderr(), "tasklets: membarrier(2) fails, which this process was registered for");
            std::process::abort();
        }
    }

    /// As [`heavy_fence`], for a caller that has another way: `false` instead of an abort.
    #[must_use]
    pub fn try_heavy_fence() -> bool {
        fence(Ordering::SeqCst);
        let done = !is_available() || membarrier(BARRIER);
        fence(Ordering::SeqCst);
        done
    }

    /// Whether there is a difference between the two in this process.
    pub fn is_available() -> bool {
        kind() == ASYMMETRIC
    }

    fn kind() -> u8 {
        let kind = KIND.load(Ordering::Relaxed);
        if kind != UNKNOWN {
            return kind;
        }
        let registered = membarrier(REGISTER);
        let kind = if registered { ASYMMETRIC } else { SYMMETRIC };
        // Whoever else finds out at the same time may find something else; the first word holds.
        KIND.compare_exchange(UNKNOWN, kind, Ordering::Relaxed, Ordering::Relaxed).err().unwrap_or(kind)
    }

    fn membarrier(command: libc::c_int) -> bool {
        if cfg!(miri) {
            return false;
        }
        // SAFETY: a call without pointers; it only makes processors run a fence, or registers the process for that.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}
