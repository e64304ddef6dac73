//! Running a future to its end from blocking code.

use crate::reason::Reason;
use crate::token::Token;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A waker of its own per call, so that calls nest and a waker that outlives the call is harmless.
struct WakeToken(Token);

impl Wake for WakeToken {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify();
    }
}

/// Runs `future` to its end on the calling context and returns its output.
///
/// A tasklet suspends while the future is pending and its worker goes on; an OS thread sleeps.
///
/// ```
/// assert_eq!(tasklets_park::block_on(async { 6 * 7 }), 42);
/// ```
///
/// # Panics
/// If the future does.
///
/// # Cancellation
/// A tasklet that is told to end unwinds out of this call and drops the future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let token = Arc::new(WakeToken(Token::new()));
    let waker = Waker::from(token.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => {
                let _ = token.0.wait_because(Reason::Future, None);
            }
        }
    }
}
