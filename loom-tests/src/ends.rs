//! What models do with the two ends of a channel.

use crate::{Letter, Mail, Tasklet};
use loom::thread::{self, JoinHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};
use tasklets_channels::{Receiver, Sender};
use tasklets_park::Cancelled;

/// A deadline that has passed as soon as a [`Tasklet`] is parked, and not before.
pub fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// Runs `body` as a tasklet on the calling thread.
pub fn as_tasklet<T>(body: impl FnOnce() -> T) -> T {
    Tasklet::new().run(body)
}

/// Runs `body` as a tasklet on another thread.
pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(move || as_tasklet(body))
}

/// A tasklet that sends these letters, one after the other; each is taken.
pub fn spawn_sender<const N: usize>(sender: &Sender<Letter>, mail: &Mail, letters: [u32; N]) -> JoinHandle<()> {
    let (sender, mail) = (sender.clone(), mail.clone());
    spawn(move || letters.into_iter().for_each(|number| sender.send(mail.letter(number)).expect("not closed")))
}

/// Receives `count` letters, and gives their numbers.
pub fn receive(receiver: &Receiver<Letter>, count: usize) -> Vec<u32> {
    (0..count).map(|_| receiver.recv().expect("not closed").number()).collect()
}

/// The letters that are in the channel, by their numbers.
pub fn left_in(receiver: &Receiver<Letter>) -> Vec<u32> {
    std::iter::from_fn(|| receiver.try_recv().ok()).map(|letter| letter.number()).collect()
}

/// Runs `body` in `tasklet`; `None` if it was told to end and unwound.
pub fn until_cancelled<T>(tasklet: &Tasklet, body: impl FnOnce() -> T) -> Option<T> {
    match tasklet.run(|| catch_unwind(AssertUnwindSafe(body))) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Cancelled>() => None,
        Err(payload) => resume_unwind(payload),
    }
}
