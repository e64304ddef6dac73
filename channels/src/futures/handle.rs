//! A handle that is borrowed or owned.

use std::ops::Deref;

/// A sender or receiver that is borrowed or owned, so that one type serves `stream` and `into_stream`.
pub(super) enum Handle<'a, H> {
    Borrowed(&'a H),
    Owned(H),
}

impl<H> Deref for Handle<'_, H> {
    type Target = H;

    #[inline]
    fn deref(&self) -> &H {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(handle) => handle,
        }
    }
}
