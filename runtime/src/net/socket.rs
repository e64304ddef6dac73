//! What sockets of all kinds have in common: a descriptor in non-blocking mode, its registration, and the settings that std
//! keeps in the kernel and that mean nothing there in this mode.

use super::readiness::{Direction, Source};
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// `S` is the descriptor's own type, with the operations of its kind.
pub(super) struct Socket<S: AsFd> {
    source: Source,
    /// Empty only from `into_inner` to drop.
    inner: Option<S>,
    /// The error with which the kernel refused non-blocking mode, or 0. Every operation that could block the worker returns it.
    refusal: i32,
    settings: Settings,
}

/// They are hints from one tasklet to another, hence relaxed; who needs an order has another way of making one.
#[derive(Default)]
struct Settings {
    /// Nanoseconds, 0 for none.
    read_timeout: AtomicU64,
    write_timeout: AtomicU64,
    /// Operations return `WouldBlock` instead of waiting.
    returns_would_block: AtomicBool,
}

impl Settings {
    fn timeout(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.read_timeout,
            Direction::Write => &self.write_timeout,
        }
    }

    fn duplicate(&self) -> Self {
        let timeout = |direction| AtomicU64::new(self.timeout(direction).load(Ordering::Relaxed));
        Self {
            read_timeout: timeout(Direction::Read),
            write_timeout: timeout(Direction::Write),
            returns_would_block: AtomicBool::new(self.returns_would_block.load(Ordering::Relaxed)),
        }
    }
}

impl<S: AsFd> Socket<S> {
    /// A socket just made, in non-blocking mode, with one descriptor.
    pub(super) fn new(inner: S) -> Self {
        Self { source: Source::default(), inner: Some(inner), refusal: 0, settings: Settings::default() }
    }

    /// A socket from elsewhere, of which there may be other descriptors. `nonblocking` is what came of setting that mode.
    pub(super) fn adopt(inner: S, nonblocking: io::Result<()>) -> Self {
        let refusal = nonblocking.err().map_or(0, |error| error.raw_os_error().unwrap_or(libc::EINVAL));
        Self { source: Source::of_shared_socket(), inner: Some(inner), refusal, settings: Settings::default() }
    }

    /// A second handle, with the same settings to begin with; `duplicate` makes a second descriptor of the same socket.
    pub(super) fn try_clone(&self, duplicate: impl FnOnce(&S) -> io::Result<S>) -> io::Result<Self> {
        let inner = duplicate(self.get())?;
        self.source.mark_shared();
        Ok(Self {
            source: Source::of_shared_socket(),
            inner: Some(inner),
            refusal: self.refusal,
            settings: self.settings.duplicate(),
        })
    }

    #[inline]
    pub(super) fn get(&self) -> &S {
        self.inner.as_ref().expect("the descriptor is there until the socket is consumed")
    }

    /// The descriptor alone, still in non-blocking mode.
    pub(super) fn into_inner(mut self) -> S {
        // It stays open, so that closing it does not end the registration.
        self.source.mark_shared();
        self.deregister();
        self.inner.take().expect("the descriptor is there until the socket is consumed")
    }

    /// Runs `operation`, waiting as long as it would block; see [`Source::run`].
    #[inline]
    pub(super) fn run<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> io::Result<R> {
        if self.refusal != 0 {
            return Err(io::Error::from_raw_os_error(self.refusal));
        }
        let inner = self.get();
        if self.settings.returns_would_block.load(Ordering::Relaxed) {
            return operation(inner);
        }
        self.source.run(inner.as_fd(), direction, self.timeout(direction), || operation(inner), short)
    }

    /// As [`run`](Self::run), with a timeout of its own and whatever the settings say.
    pub(super) fn run_for<R>(
        &self,
        direction: Direction,
        timeout: Option<Duration>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let inner = self.get();
        self.source.run(inner.as_fd(), direction, timeout, || operation(inner), |_| false)
    }

    /// How [`readiness::report`](super::readiness::report) reaches it.
    pub(super) fn token(&self) -> usize {
        self.source.token()
    }

    #[inline]
    pub(super) fn timeout(&self, direction: Direction) -> Option<Duration> {
        let nanos = self.settings.timeout(direction).load(Ordering::Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    pub(super) fn set_timeout(&self, direction: Direction, timeout: Option<Duration>) -> io::Result<()> {
        let nanos = match timeout {
            None => 0,
            Some(Duration::ZERO) => {
                let message = "a timeout of zero would let nothing happen: `None` is no timeout";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            // 584 years are as good as more.
            Some(timeout) => u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX),
        };
        self.settings.timeout(direction).store(nanos, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.settings.returns_would_block.store(nonblocking, Ordering::Relaxed);
    }

    fn deregister(&mut self) {
        if let Some(inner) = &self.inner {
            self.source.deregister(inner.as_fd());
        }
    }
}

impl<S: AsFd> Drop for Socket<S> {
    fn drop(&mut self) {
        self.deregister();
    }
}
