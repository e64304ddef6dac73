//! The fences of owner and thief: [asymmetric](tasklets_park::asymmetric) ones, if the deque says so.

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
    use tasklets_park::asymmetric;

    impl Fences {
        /// What this process has.
        pub fn agree() -> Self {
            if asymmetric::is_available() { Self::Asymmetric } else { Self::Both }
        }
    }

    /// The owner's side, where it is known that they are asymmetric.
    #[inline(always)]
    pub(in super::super) fn light() {
        compiler_fence(Ordering::SeqCst);
    }

    /// The thief's side; `false` if the kernel refuses it.
    #[must_use]
    pub(in super::super) fn heavy(fences: Fences) -> bool {
        match fences {
            Fences::Asymmetric => asymmetric::try_heavy_fence(),
            Fences::Both => {
                fence(Ordering::SeqCst);
                true
            }
        }
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
