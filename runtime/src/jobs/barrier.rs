//! A fence of which one side is free.
//!
//! Two threads that each write one word and then read the other's need a fence each, or both may read what was there before. Where one of
//! them does so all the time and the other hardly ever, the second can pay for both: it asks the kernel to pass a fence on every
//! processor that runs this process (`membarrier`). The first then only has to keep the compiler from changing the order.

/// Who must pass a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fences {
    /// The thief, for both.
    Asymmetric,
    /// Owner and thief.
    Both,
}

#[cfg(not(tasklets_loom))]
pub(super) use self::real::{heavy, light};

#[cfg(not(tasklets_loom))]
mod real {
    use super::Fences;
    use std::sync::atomic::{Ordering, compiler_fence, fence};

    impl Fences {
        /// Asks the kernel for `membarrier`. It may be too old, or a filter of system calls may refuse it.
        pub fn agree() -> Self {
            if membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) { Self::Asymmetric } else { Self::Both }
        }
    }

    /// The owner's side.
    #[inline(always)]
    pub(in super::super) fn light() {
        compiler_fence(Ordering::SeqCst);
    }

    /// The thief's side; `false` if the kernel refuses it.
    #[must_use]
    pub(in super::super) fn heavy(fences: Fences) -> bool {
        match fences {
            Fences::Asymmetric => membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED),
            Fences::Both => {
                fence(Ordering::SeqCst);
                true
            }
        }
    }

    fn membarrier(command: i32) -> bool {
        // SAFETY: the commands used here take no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

#[cfg(tasklets_loom)]
pub(super) use self::model::{heavy, light};

/// In the models both sides fence: loom's threads have no processor.
#[cfg(tasklets_loom)]
mod model {
    use super::Fences;
    use tasklets_park::sync::atomic::{Ordering, fence};

    pub(in super::super) fn light() {
        fence(Ordering::SeqCst);
    }

    #[must_use]
    pub(in super::super) fn heavy(_: Fences) -> bool {
        fence(Ordering::SeqCst);
        true
    }
}
