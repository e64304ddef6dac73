//! The signal handler that tells a stack overflow from other faults, and the stack that it runs on.
//!
//! A fault in the guard page of one of our slots ends the process with one message that names the tasklet. Every other
//! fault goes to the handler that was there before: usually that of the standard library, which knows the stacks of
//! threads.
//!
//! The handler runs where a signal may strike: it takes no lock, allocates nothing and calls only what is
//! async-signal-safe.

mod alternate;
mod message;

use std::cell::UnsafeCell;
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{page_size, registry};

pub(crate) use alternate::ensure_alternate_stack;
pub(crate) use message::Message;

/// Bytes of a message that the description may fill, so that a long name does not push out the advice after it.
const DESCRIPTION: usize = 256;

/// Writes what runs on the stack with this top into the message, as in `tasklet 'name' (id 17)`.
///
/// It is called in a signal handler, on a thread that ran out of stack: it must not allocate, lock or panic, and must
/// bear a tasklet that is in the middle of anything. It is unsafe to call because the address must be the top of a
/// stack that a tasklet has overflowed.
pub(crate) type Describe = unsafe fn(stack_top: usize, out: &mut Message);

static DESCRIBE: OnceLock<Describe> = OnceLock::new();

/// Sets what names the tasklet in the message. The first call counts.
pub(crate) fn set_describe(describe: Describe) {
    DESCRIBE.get_or_init(|| describe);
}

/// The handlers that were there before ours.
struct Previous {
    segv: libc::sigaction,
    bus: libc::sigaction,
}

static PREVIOUS: OnceLock<Previous> = OnceLock::new();

/// Installs the handler for this process. Later calls do nothing. Should the kernel refuse, which it has no reason to,
/// an overflow still ends the process, only without the message.
pub(crate) fn install() {
    PREVIOUS.get_or_init(|| {
        // The handler must not be the first to ask for it.
        page_size();
        Previous { segv: set_handler(libc::SIGSEGV), bus: set_handler(libc::SIGBUS) }
    });
}

/// Sets our handler for a signal and returns the one before.
fn set_handler(signal: libc::c_int) -> libc::sigaction {
    // SAFETY: all zeroes is a valid sigaction: the default action, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut previous = action;
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: both point to a sigaction, and the handler has the signature that SA_SIGINFO asks for.
    unsafe { libc::sigaction(signal, &action, &mut previous) };
    previous
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo to a handler set with SA_SIGINFO.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // A code that is not positive means that a process sent the signal, and then there is no address.
    if code > 0
        && let Some(hit) = registry::guard_at(address)
    {
        report(&hit);
    }
    // SAFETY: these are the arguments that the kernel passed to this handler.
    unsafe { chain(signal, code, info, context) }
}

/// The text of the one message, outside of the handler's stack, which may be small.
struct Text(UnsafeCell<Message>);

// SAFETY: only the thread that sets REPORTING touches it.
unsafe impl Sync for Text {}

static TEXT: Text = Text(UnsafeCell::new(Message::new()));
static REPORTING: AtomicBool = AtomicBool::new(false);

/// Says which tasklet overflowed its stack, and ends the process.
fn report(hit: &registry::Hit) -> ! {
    // Relaxed: the swap alone decides who goes on, and the text belongs to nobody before.
    if REPORTING.swap(true, Relaxed) {
        // Another thread overflowed at the same time, and is about to end the process.
        loop {
            // SAFETY: pause has no preconditions and is async-signal-safe.
            unsafe { libc::pause() };
        }
    }
    // SAFETY: the swap lets one thread through, once in the life of the process.
    let text = unsafe { &mut *TEXT.0.get() };
    text.limit_to(DESCRIPTION);
    match DESCRIBE.get() {
        // SAFETY: the guard of this stack was hit, so a tasklet has overflowed it.
        Some(describe) => unsafe { describe(hit.top, text) },
        None => text.push_str("a tasklet"),
    }
    text.limit_to(Message::CAPACITY);
    // A message does not fail, it cuts off.
    let _ = writeln!(
        text,
        " overflowed its stack of {} KiB; raise it with Builder::stack_size or TASKLETS_STACK_SIZE",
        hit.stride >> 10
    );
    text.write_to_stderr();
    // SAFETY: abort has no preconditions and is async-signal-safe.
    unsafe { libc::abort() }
}

/// Lets the handler that was there before ours have the signal.
///
/// # Safety
///
/// The arguments are those that the kernel passed to our handler.
unsafe fn chain(signal: libc::c_int, code: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let previous = PREVIOUS.get().map(|previous| match signal {
        libc::SIGBUS => &previous.bus,
        _ => &previous.segv,
    });
    // None: a fault of another thread while `install` runs.
    let (handler, flags) = previous.map_or((libc::SIG_DFL, 0), |previous| (previous.sa_sigaction, previous.sa_flags));
    match handler {
        // The kernel does not ignore a fault even where it was told to.
        libc::SIG_DFL | libc::SIG_IGN => {
            if code <= 0 && handler == libc::SIG_IGN {
                return;
            }
            // SAFETY: all zeroes is the default action; the instruction runs again and ends the process.
            unsafe {
                let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
                libc::sigaction(signal, &default, ptr::null_mut());
            }
            if code <= 0 {
                // No instruction would bring it back, so raise it; it arrives when this handler returns.
                // SAFETY: raise has no preconditions and is async-signal-safe.
                unsafe { libc::raise(signal) };
            }
        }
        _ if flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler that was set with SA_SIGINFO has this signature.
            unsafe {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
        }
        _ => {
            // SAFETY: a handler that was set without SA_SIGINFO has this signature.
            unsafe {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}
