//! Why a side did not deliver a figure.

use std::any::Any;
use std::fmt;

/// A message for the reader of the table. Any error turns into one by `?`.
///
/// It is deliberately not an `Error` itself: that is what lets `From` cover all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure with this message, made one line.
    pub(crate) fn new(message: impl AsRef<str>) -> Self {
        Self(message.as_ref().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The failure behind a panic that a peer's `join` handed back.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new(text.unwrap_or("a panic without a message"))
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fails unless a side's result is the expected one: nobody may win by doing less.
pub(crate) fn check<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::new(format!("wrong result: {what} is {found:?}, not {expected:?}")))
}
