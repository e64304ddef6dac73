//! Where a worker sleeps: an epoll instance that its sockets report to, a timer descriptor for deadlines finer than epoll's
//! millisecond, and the event descriptor by which other threads wake it.

use crate::net::readiness;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// Tokens of sockets are never this small (see [`readiness`]).
const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const EVENTS: usize = 256;

/// How long to stay in the poller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Look and return.
    None,
    /// Until something happens or this moment comes.
    Until(Instant),
    /// Until something happens.
    Forever,
}

/// The worker's half.
pub(crate) struct Poller {
    poll: Poll,
    events: Events,
    /// Made for the first deadline.
    timer: Option<OwnedFd>,
    /// What the timer descriptor is set to, to save the system call that would set it again.
    armed: Option<Instant>,
}

/// The half by which others reach it: to wake it, and to have sockets report to it.
#[derive(Debug)]
pub(crate) struct PollerHandle {
    waker: Waker,
    pub(crate) registry: Registry,
}

impl PollerHandle {
    /// Ends the worker's sleep. Only for whoever claimed the worker (see [`idle`](crate::idle)).
    pub(crate) fn wake(&self) {
        // Writing to an event descriptor fails only if its counter is full, and then the worker is being woken.
        let _ = self.waker.wake();
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<(Poller, PollerHandle)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let registry = poll.registry().try_clone()?;
        let poller = Poller { poll, events: Events::with_capacity(EVENTS), timer: None, armed: None };
        Ok((poller, PollerHandle { waker, registry }))
    }

    /// Takes the kernel's events and makes the sockets' waiters runnable. Returns whether another thread had woken it.
    pub(crate) fn poll(&mut self, patience: Patience) -> bool {
        let timeout = match patience {
            Patience::None => Some(Duration::ZERO),
            Patience::Forever => None,
            Patience::Until(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if !left.is_zero() && self.arm(deadline, left) { None } else { Some(left) }
            }
        };
        // EINTR means a signal came first: the caller looks around and comes back. Nothing else can go wrong with
        // descriptors that are ours.
        if self.poll.poll(&mut self.events, timeout).is_err() {
            return false;
        }
        let mut woken = false;
        for event in self.events.iter() {
            match event.token() {
                WAKER => woken = true,
                TIMER => self.armed = None,
                socket => dispatch(socket, event),
            }
        }
        woken
    }

    /// The timer descriptor, if the kernel gives one.
    fn timer(&mut self) -> io::Result<RawFd> {
        if let Some(timer) = &self.timer {
            return Ok(timer.as_raw_fd());
        }
        // SAFETY: no pointers involved; the result is checked.
        let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        if timer < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor just made, owned by nobody else.
        let timer = unsafe { OwnedFd::from_raw_fd(timer) };
        self.poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(self.timer.insert(timer).as_raw_fd())
    }

    /// Sets the timer descriptor to a deadline that is a while ahead (zero would disarm it). `false` if there is none to be had: the
    /// sleep is then as fine as epoll's milliseconds.
    fn arm(&mut self, deadline: Instant, left: Duration) -> bool {
        if self.armed == Some(deadline) {
            return true;
        }
        let Ok(timer) = self.timer() else { return false };
        let spec = libc::itimerspec {
            it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: libc::timespec {
                tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
                tv_nsec: left.subsec_nanos() as libc::c_long,
            },
        };
        // SAFETY: the descriptor is ours, `spec` outlives the call, and the old value is not asked for.
        let set = unsafe { libc::timerfd_settime(timer, 0, &spec, std::ptr::null_mut()) } == 0;
        self.armed = set.then_some(deadline);
        set
    }
}

fn dispatch(token: Token, event: &Event) {
    let closed = event.is_read_closed() || event.is_write_closed() || event.is_error();
    let odd = closed || event.is_priority();
    readiness::report(token.0, event.is_readable() || closed, event.is_writable() || closed, odd);
}
