#![doc = include_str!("jobs.md")]

mod barrier;
mod buffer;
#[cfg(all(test, not(tasklets_loom)))]
mod tests;

use self::buffer::Buffer;
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use tasklets_park::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

pub use self::barrier::Fences;

/// From one number to the next. What is below is room for the state of the oldest.
const STEP: u64 = 4;
const STATE: u64 = STEP - 1;

/// States of the oldest job, in the low bits of `top`.
const PRIVATE: u64 = 0;
const CLAIMED: u64 = 1;
const PUBLIC: u64 = 2;

/// `limit`: somebody is idle, so the next push must look around.
const CALLED: u64 = 0;

/// The number of a job that its own worker has taken out: no bottom is ever equal to it.
const NOWHERE: u64 = 0;
/// The bottom of a new deque.
const START: u64 = STEP;
/// Added to the number that a job shows where both sides must fence: no bottom is equal to that either.
const FENCED: u64 = 1;

/// Jobs that fit at first.
#[cfg(not(tasklets_loom))]
const CAPACITY: usize = 256;
#[cfg(tasklets_loom)]
const CAPACITY: usize = 2;

/// What a job begins with, wherever it lies.
#[derive(Debug)]
pub struct Header {
    execute: unsafe fn(*const Header),
    /// Where in its owner's deque it is. The owner's alone.
    number: Cell<u64>,
}

impl Header {
    /// The head of a job that `execute` runs; it is given the address of this header.
    #[inline(always)]
    pub const fn new(execute: unsafe fn(*const Header)) -> Self {
        Self { execute, number: Cell::new(NOWHERE) }
    }
}

/// A job that was taken out of a deque, and is to be executed.
#[derive(Clone, Copy, Debug)]
pub struct JobRef(NonNull<Header>);

// SAFETY: whoever puts a job into a deque promises that it may be executed anywhere.
unsafe impl Send for JobRef {}

impl JobRef {
    /// Runs the job.
    ///
    /// # Safety
    /// The caller took it out of a deque, and has not executed it before.
    pub unsafe fn execute(self) {
        // SAFETY: whoever put it into the deque keeps it until it has been executed, and nobody else has it.
        unsafe { (self.0.as_ref().execute)(self.0.as_ptr()) }
    }
}

/// What a thief finds.
#[derive(Debug)]
#[must_use]
pub enum Steal {
    /// Nothing.
    Empty,
    /// A job that cannot be had yet. The owner makes it public when it pushes the next, since it was [called](Jobs::call); if that takes
    /// too long, [`Jobs::publish`].
    Private(Oldest),
    /// The oldest job.
    Taken(JobRef),
}

/// The oldest job as a thief saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest(u64);

/// The jobs of one worker: see the [module](self).
#[derive(Debug)]
#[repr(align(128))]
pub struct Jobs {
    thieves: Thieves,
    owner: Owner,
    /// Every buffer there has been: a slow thief may still look at an old one. Together they are no larger than the last.
    #[expect(clippy::vec_box, reason = "buffers must stay where they are")]
    buffers: Mutex<Vec<Box<Buffer>>>,
    fences: Fences,
}

/// What thieves write, and the owner reads.
#[derive(Debug)]
struct Thieves {
    /// The number of the oldest job, or of the next one if there is none, and its state. It never goes back.
    top: AtomicU64,
    /// A push is plain while the bottom is below this. `CALLED` or, from the owner, the bottom at which the buffer is full.
    limit: AtomicU64,
}

/// What the owner writes all the time. Cache lines of its own: thieves that look at `top` must not disturb.
#[derive(Debug)]
#[repr(align(128))]
struct Owner {
    /// The number of the newest job.
    bottom: AtomicU64,
    /// The places of the buffer, and a mask for numbers: the owner's alone.
    places: AtomicPtr<AtomicPtr<Header>>,
    mask: AtomicU64,
    /// The same for thieves.
    buffer: AtomicPtr<Buffer>,
}

impl Jobs {
    /// No jobs. `fences` as [`Fences::agree`] has found.
    pub fn new(fences: Fences) -> Self {
        let jobs = Self {
            thieves: Thieves { top: AtomicU64::new(START + STEP + PRIVATE), limit: AtomicU64::new(CALLED) },
            owner: Owner {
                bottom: AtomicU64::new(START),
                places: AtomicPtr::default(),
                mask: AtomicU64::new(0),
                buffer: AtomicPtr::default(),
            },
            buffers: Mutex::new(Vec::new()),
            fences,
        };
        jobs.use_buffer(Buffer::new(CAPACITY));
        jobs
    }

    /// Owner: offers a job, unless there is something to see to first: then [`push`](Self::push).
    ///
    /// # Safety
    /// The header is the first field of a job that may be executed by any thread, is not in a deque, and stays where it is until
    /// [`take_back`](Self::take_back) has returned it or it has been executed. The caller is the owner.
    #[inline(always)]
    #[must_use]
    pub unsafe fn try_push(&self, job: NonNull<Header>) -> bool {
        let bottom = self.owner.bottom.load(Ordering::Relaxed);
        // Relaxed: a call that is seen late is answered by the next push.
        if bottom >= self.thieves.limit.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: the caller's promise; and below the limit the buffer has room.
        unsafe { self.put(bottom, job, 0) };
        true
    }

    /// Owner: offers a job. If somebody has called, the oldest is public afterwards. Returns whether it was not before, as after a theft.
    ///
    /// # Safety
    /// As for [`try_push`](Self::try_push).
    pub unsafe fn push(&self, job: NonNull<Header>) -> bool {
        let bottom = self.owner.bottom.load(Ordering::Relaxed);
        let limit = self.limit();
        let limit = if bottom < limit { limit } else { self.grow(bottom) };
        // A call meanwhile goes before.
        let _ = self
            .thieves
            .limit
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now != CALLED).then_some(limit));
        let shift = if self.fences == Fences::Both { FENCED } else { 0 };
        // SAFETY: the caller's promise; and there is room.
        unsafe { self.put(bottom, job, shift) };
        self.is_called() && self.publish_oldest()
    }

    /// # Safety
    /// As for [`try_push`](Self::try_push), and the buffer has room above `bottom`.
    #[inline(always)]
    unsafe fn put(&self, bottom: u64, job: NonNull<Header>, shift: u64) {
        let number = bottom + STEP;
        // SAFETY: the places are those of the present buffer, which lives as long as `self`. The mask is `STEP` times the last
        // index, so the offset is twice that of a number's multiple of `STEP`: 8 bytes for each, inside the buffer.
        let place = unsafe {
            let mask = self.owner.mask.load(Ordering::Relaxed);
            &*buffer::place_at(self.owner.places.load(Ordering::Relaxed), bottom & mask)
        };
        place.store(job.as_ptr(), Ordering::Relaxed);
        // Before it is seen. SAFETY: alive, says the caller.
        unsafe { job.as_ref() }.number.set(number + shift);
        // Releases the job and its place to the thief that sees this, or what is stored there later.
        self.owner.bottom.store(number, Ordering::Release);
    }

    /// Owner: takes this job out again, if it is the newest. `false` if it is not: then somebody else has it or will come to it.
    ///
    /// # Safety
    /// It was pushed here, and has not been taken back. The caller is the owner.
    #[inline(always)]
    #[must_use]
    pub unsafe fn take_back(&self, job: &Header) -> bool {
        let number = job.number.get();
        if self.owner.bottom.load(Ordering::Relaxed) != number {
            return self.take_back_fenced(number);
        }
        self.owner.bottom.store(number - STEP, Ordering::Release);
        // Partner: the heavy one in `publish`.
        barrier::light();
        self.thieves.top.load(Ordering::Relaxed) <= number || self.settle(number)
    }

    /// The newest job is another one, or the fence must be a real one.
    #[cold]
    fn take_back_fenced(&self, number: u64) -> bool {
        let bottom = self.owner.bottom.load(Ordering::Relaxed);
        self.fences == Fences::Both && number == bottom + FENCED && self.take(bottom)
    }

    /// Owner: takes the newest job, whosesoever it is.
    pub fn pop(&self) -> Option<JobRef> {
        let bottom = self.owner.bottom.load(Ordering::Relaxed);
        if self.thieves.top.load(Ordering::Relaxed) & !STATE > bottom {
            return None;
        }
        let job = NonNull::new(self.buffer().place(bottom).load(Ordering::Relaxed))?;
        self.take(bottom).then(|| {
            // SAFETY: out of the deque and not executed yet, so alive; and the owner of the number is this thread.
            unsafe { job.as_ref() }.number.set(NOWHERE);
            JobRef(job)
        })
    }

    /// Owner: takes the oldest, whosesoever it is, unless thieves are faster: it is a thief that needs no fence to make it public.
    pub fn take_oldest(&self) -> Option<JobRef> {
        if self.is_empty() {
            return None;
        }
        self.publish_oldest();
        match self.steal() {
            Steal::Taken(job) => Some(job),
            Steal::Empty | Steal::Private(_) => None,
        }
    }

    /// Owner: takes the newest, which has this number, unless a thief is faster.
    fn take(&self, number: u64) -> bool {
        self.owner.bottom.store(number - STEP, Ordering::Release);
        match self.fences {
            // Partner: the heavy one in `publish`.
            Fences::Asymmetric => barrier::light(),
            Fences::Both => fence(Ordering::SeqCst),
        }
        self.thieves.top.load(Ordering::Relaxed) <= number || self.settle(number)
    }

    /// Owner: the bottom is below this number, but there is or was a thief. Whoever moves `top` on has the job.
    #[cold]
    #[inline(never)]
    fn settle(&self, number: u64) -> bool {
        // If somebody is idle, the next is public from the start.
        let next = number + STEP + if self.is_called() { PUBLIC } else { PRIVATE };
        let mut top = self.thieves.top.load(Ordering::Relaxed);
        let won = loop {
            if top & !STATE != number {
                break false;
            }
            // Release: a thief that reads the new state sees that the bottom was lowered.
            match self.thieves.top.compare_exchange(top, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break true,
                Err(now) => top = now,
            }
        };
        // Either way this number is used up. Relaxed: there is nothing below for a thief to find.
        self.owner.bottom.store(number, Ordering::Relaxed);
        won
    }

    /// Thief: takes the oldest job, if it is public.
    pub fn steal(&self) -> Steal {
        loop {
            // Acquire: whoever made it public has seen how far the bottom was lowered before, and so do we.
            let top = self.thieves.top.load(Ordering::Acquire);
            let number = top & !STATE;
            // Acquire: the job, and its place in the buffer.
            if self.owner.bottom.load(Ordering::Acquire) < number {
                return Steal::Empty;
            }
            if top & STATE != PUBLIC {
                return Steal::Private(Oldest(top));
            }
            let job = self.buffer().place(number).load(Ordering::Relaxed);
            let next = number + STEP + PRIVATE;
            // Nothing is written for others. That the job was still there is what the success says.
            if self.thieves.top.compare_exchange(top, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                && let Some(job) = NonNull::new(job)
            {
                return Steal::Taken(JobRef(job));
            }
        }
    }

    /// Thief: makes the oldest job public, which costs a system call and disturbs the owner. Then [`steal`](Self::steal).
    pub fn publish(&self, oldest: Oldest) {
        let claimed = oldest.0 & !STATE | CLAIMED;
        let top = &self.thieves.top;
        if oldest.0 != claimed && top.compare_exchange(oldest.0, claimed, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        // Partner: the light one where the owner takes a job. Either it sees the claim, or we see that it has lowered the bottom.
        if barrier::heavy(self.fences) {
            // Release, for the acquire in `steal`: whoever relies on it must see what we see.
            let _ = top.compare_exchange(claimed, claimed - CLAIMED + PUBLIC, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Owner: makes the oldest job public. It looks at `top` whenever it takes a job, so this needs no fence. Returns whether it was not.
    fn publish_oldest(&self) -> bool {
        let top = self.thieves.top.load(Ordering::Relaxed);
        if top & STATE == PUBLIC {
            return false;
        }
        // Release: a thief that reads the new state sees that the bottom was lowered. If it fails there is another thief.
        let public = top & !STATE | PUBLIC;
        let _ = self.thieves.top.compare_exchange(top, public, Ordering::Release, Ordering::Relaxed);
        true
    }

    /// An idle worker: from the next push on the oldest job is public.
    pub fn call(&self) {
        // Looked at first: mostly somebody has called already, and the line stays with everybody.
        if self.thieves.limit.load(Ordering::Relaxed) != CALLED {
            // Release: the owner that takes the call back sees that we are idle.
            self.thieves.limit.store(CALLED, Ordering::Release);
        }
    }

    /// Whether the owner was called; a hint.
    #[inline]
    pub fn is_called(&self) -> bool {
        self.thieves.limit.load(Ordering::Relaxed) == CALLED
    }

    /// Owner: takes the call back. Afterwards it must look whether somebody is idle, and if so [`call`](Self::call) itself.
    pub fn uncall(&self) {
        if self.fences == Fences::Asymmetric {
            // By a swap: if a call is overwritten we see what its caller wrote before.
            self.thieves.limit.swap(self.limit(), Ordering::Acquire);
        }
        // Partner: the one in `Idle::announce_sleep`, after which a worker calls.
        fence(Ordering::SeqCst);
    }

    /// Whether there is no job; a hint.
    pub fn is_empty(&self) -> bool {
        let top = self.thieves.top.load(Ordering::Relaxed);
        self.owner.bottom.load(Ordering::Relaxed) < top & !STATE
    }

    /// Owner: the bottom at which the buffer is full.
    fn limit(&self) -> u64 {
        let top = self.thieves.top.load(Ordering::Relaxed);
        (top & !STATE) + self.owner.mask.load(Ordering::Relaxed)
    }

    fn buffer(&self) -> &Buffer {
        // Acquire: its places. SAFETY: it is kept in `buffers`.
        unsafe { &*self.owner.buffer.load(Ordering::Acquire) }
    }

    /// Owner: gets more room. Returns the new limit.
    #[cold]
    fn grow(&self, bottom: u64) -> u64 {
        let old = self.buffer();
        let new = Buffer::new(2 * old.capacity());
        let oldest = self.thieves.top.load(Ordering::Relaxed) & !STATE;
        for number in (oldest..=bottom).step_by(STEP as usize) {
            new.place(number).store(old.place(number).load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.use_buffer(new);
        self.limit()
    }

    fn use_buffer(&self, buffer: Buffer) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.push(Box::new(buffer));
        let buffer = &**buffers.last().expect("it was pushed");
        self.owner.places.store(buffer.places().cast_mut(), Ordering::Relaxed);
        self.owner.mask.store((buffer.capacity() as u64 - 1) * STEP, Ordering::Relaxed);
        // Releases what is in it. A thief that saw a bottom from later on sees this one, or a later one.
        self.owner.buffer.store(std::ptr::from_ref(buffer).cast_mut(), Ordering::Release);
    }
}
