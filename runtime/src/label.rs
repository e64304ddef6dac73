//! Who runs on a fiber, readable by the monitor's thread and by a signal handler while it runs.
//!
//! Written where a task starts. A reader may catch it half-written or of the next task: a message may then name the wrong one,
//! nothing worse. The monitor makes sure by looking at the worker's turns before and after.

use crate::task::header::Header;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};

/// Bytes of a name that are kept.
const NAME: usize = 31;

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Label {
    id: AtomicU64,
    at: AtomicPtr<Location<'static>>,
    name_len: AtomicU8,
    name: [AtomicU8; NAME],
}

impl Label {
    /// Labels the fiber for a task.
    #[inline]
    pub(crate) fn set(&self, task: &Header) {
        self.id.store(task.id, Ordering::Relaxed);
        self.at.store(std::ptr::from_ref(task.spawned_at).cast_mut(), Ordering::Relaxed);
        if task.extras.is_some() || self.name_len.load(Ordering::Relaxed) > 0 {
            self.set_name(task.name().unwrap_or_default());
        }
    }

    /// Labels the fiber for work that belongs to no task of its own.
    #[inline]
    pub(crate) fn clear(&self) {
        self.id.store(0, Ordering::Relaxed);
        self.at.store(std::ptr::null_mut(), Ordering::Relaxed);
        self.name_len.store(0, Ordering::Relaxed);
    }

    #[cold]
    fn set_name(&self, name: &str) {
        let len = (0..=name.len().min(NAME)).rev().find(|&i| name.is_char_boundary(i)).unwrap_or(0);
        for (to, &byte) in self.name.iter().zip(&name.as_bytes()[..len]) {
            to.store(byte, Ordering::Relaxed);
        }
        self.name_len.store(len as u8, Ordering::Relaxed);
    }
}

/// As in `tasklet 'name' (id 17, spawned at src/main.rs:3:5)`; allocates nothing.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = [0; NAME];
        for (to, byte) in name.iter_mut().zip(&self.name) {
            *to = byte.load(Ordering::Relaxed);
        }
        let len = usize::from(self.name_len.load(Ordering::Relaxed)).min(NAME);
        let id = self.id.load(Ordering::Relaxed);
        if id == 0 {
            return f.write_str("the other half of a `join`");
        }
        f.write_str("tasklet ")?;
        if let Ok(name) = std::str::from_utf8(&name[..len])
            && !name.is_empty()
        {
            write!(f, "'{name}' ")?;
        }
        write!(f, "(id {id}")?;
        // SAFETY: null, or the address of a location, which is static.
        if let Some(at) = unsafe { self.at.load(Ordering::Relaxed).as_ref() } {
            write!(f, ", spawned at {}:{}", at.file(), at.line())?;
        }
        f.write_str(")")
    }
}
