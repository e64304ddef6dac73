//! The box that a channel lives in, and the counts of the handles that keep it.
//!
//! | word        | counts                        | when it comes to 0                                    |
//! |-------------|-------------------------------|-------------------------------------------------------|
//! | `senders`   | sending handles               | its last handle closes the channel                    |
//! | `receivers` | receiving handles             | its last handle closes the channel and empties it     |
//! | `sides`     | sides that may use the channel | the box is freed                                      |
//!
//! A handle is only made from another of its side, so a count of handles that has come to 0 stays there.
//!
//! *The last sender goes against the last receiver.* (1) One takes `senders` to 0, the other `receivers`, at the same time.
//! (2) Each tells the channel; neither has given up its side yet, so the channel is there for both. (3) Each takes one off `sides`.
//! Exactly one of them finds 1 there, and frees the box. Its decrement acquires the other's release, so all that the other did
//! with the channel has happened before.

use crate::channel::Channel;
use std::marker::PhantomData;
use std::ptr::NonNull;
use tasklets_park::sync::atomic::{AtomicUsize, Ordering};

/// More handles than this cannot be had without forgetting some; from there to an overflow is as far again, and no number of
/// threads that clone at once gets over it before one of them aborts.
const MOST_HANDLES: usize = isize::MAX as usize;

/// A channel and its counts.
pub(crate) struct Shared<T> {
    senders: AtomicUsize,
    receivers: AtomicUsize,
    sides: AtomicUsize,
    channel: Channel<T>,
}

/// The memory goes away: a model fails if any access did not happen before, or comes after.
#[cfg(tasklets_loom)]
impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.senders.with_mut(|_| ());
            self.receivers.with_mut(|_| ());
            self.sides.with_mut(|_| ());
        }
    }
}

/// One of the two sides of a channel.
pub(crate) trait Side {
    /// The count of this side's handles.
    fn count<T>(shared: &Shared<T>) -> &AtomicUsize;
    /// The last handle of this side has gone.
    fn leave<T>(channel: &Channel<T>);
}

/// The side that sends.
pub(crate) enum Senders {}

/// The side that receives.
pub(crate) enum Receivers {}

impl Side for Senders {
    #[inline]
    fn count<T>(shared: &Shared<T>) -> &AtomicUsize {
        &shared.senders
    }

    fn leave<T>(channel: &Channel<T>) {
        channel.close();
    }
}

impl Side for Receivers {
    #[inline]
    fn count<T>(shared: &Shared<T>) -> &AtomicUsize {
        &shared.receivers
    }

    fn leave<T>(channel: &Channel<T>) {
        channel.disconnect_receivers();
    }
}

/// One counted handle of a side.
pub(crate) struct End<T, S: Side> {
    shared: NonNull<Shared<T>>,
    side: PhantomData<S>,
}

// SAFETY: a handle gives shared access to the channel, through which messages go from one thread to another, and dropping the last
// one drops messages: all of it is sound from any thread when `T` may be sent. A `&T` is never handed out, so `T: Sync` is
// not needed.
unsafe impl<T: Send, S: Side> Send for End<T, S> {}
// SAFETY: as above; `&End` allows no more than to use the channel and to clone the handle.
unsafe impl<T: Send, S: Side> Sync for End<T, S> {}

/// Puts `channel` into a box that lives until both handles, and all that are cloned from them, are gone.
pub(crate) fn share<T>(channel: Channel<T>) -> (End<T, Senders>, End<T, Receivers>) {
    let shared = NonNull::from(Box::leak(Box::new(Shared {
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
        sides: AtomicUsize::new(2),
        channel,
    })));
    (End { shared, side: PhantomData }, End { shared, side: PhantomData })
}

impl<T, S: Side> End<T, S> {
    #[inline]
    fn shared(&self) -> &Shared<T> {
        // SAFETY: the box is freed only after both sides have given it up, and a side does so after its last handle: this one
        // still counts.
        unsafe { self.shared.as_ref() }
    }

    #[inline]
    pub(crate) fn channel(&self) -> &Channel<T> {
        &self.shared().channel
    }

    /// Whether both are handles of one channel.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.shared == other.shared
    }
}

impl<T, S: Side> Clone for End<T, S> {
    fn clone(&self) -> Self {
        // Relaxed: the new handle comes from one that counts, and whoever is given it to use is given it by other means.
        if S::count(self.shared()).fetch_add(1, Ordering::Relaxed) > MOST_HANDLES {
            // Only forgotten clones get it here. An overflow would free the channel under its handles.
            std::process::abort();
        }
        Self { shared: self.shared, side: PhantomData }
    }
}

impl<T, S: Side> Drop for End<T, S> {
    fn drop(&mut self) {
        // Release: what was done through this handle happens before the last one of its side leaves. Acquire, in the same
        // decrement of that last one, is the partner.
        if S::count(self.shared()).fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        // A guard, because telling the channel may drop messages, and their destructors may panic.
        let last = LastOfSide(self.shared);
        S::leave(self.channel());
        drop(last);
    }
}

/// What the last handle of a side leaves behind: the side's share in the box.
struct LastOfSide<T>(NonNull<Shared<T>>);

impl<T> Drop for LastOfSide<T> {
    fn drop(&mut self) {
        // SAFETY: this side has not given the box up until the decrement below.
        let sides = unsafe { &self.0.as_ref().sides };
        // Each side's decrement is the other's partner: see the module.
        if sides.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: it came from a box. No handle is left on either side, and the other side has made its last access: this one
            // is the last there is.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
