//! Receiving several messages with one call.

use crate::err::{RecvError, TryRecvError};
use crate::flavor::Flavor;
use crate::receiver::Receiver;

impl<T> Receiver<T> {
    /// Receives up to `limit` messages and appends them to `into`: waits for the first, as [`recv`](Self::recv), and takes the rest
    /// without waiting. Returns how many; at least 1, unless `limit` is 0, which gives `Ok(0)` at once.
    ///
    /// ```
    /// let (s, r) = tasklets_channels::unbounded();
    /// s.send_many(0..5).unwrap();
    /// drop(s);
    /// let mut batch = Vec::new();
    /// assert_eq!(r.recv_many(&mut batch, 3), Ok(3));
    /// assert_eq!(r.recv_many(&mut batch, 3), Ok(2));
    /// assert!(r.recv_many(&mut batch, 3).is_err());
    /// assert_eq!(batch, [0, 1, 2, 3, 4]);
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv); `into` is then unchanged.
    ///
    /// # Cancellation
    /// A tasklet that is told to end while it waits for the first message unwinds out of this call. No message is lost.
    pub fn recv_many(&self, into: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        let ready = self.take_many(into, limit);
        if ready > 0 || limit == 0 {
            tasklets_park::count_operation();
            return Ok(ready);
        }
        into.push(self.recv()?);
        Ok(1 + self.take_many(into, limit - 1))
    }

    /// Receives up to `limit` messages that are there and appends them to `into`. Returns how many; at least 1, unless `limit` is 0.
    /// Never suspends.
    ///
    /// ```
    /// use tasklets_channels::{TryRecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let mut batch = Vec::new();
    /// assert_eq!(r.try_recv_many(&mut batch, 10), Err(TryRecvError::Empty));
    /// s.send_many(["a", "b"]).unwrap();
    /// assert_eq!(r.try_recv_many(&mut batch, 10), Ok(2));
    /// assert_eq!(batch, ["a", "b"]);
    /// ```
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv); `into` is then unchanged.
    pub fn try_recv_many(&self, into: &mut Vec<T>, limit: usize) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        // The first by itself: it says why there is none.
        into.push(self.try_recv()?);
        Ok(1 + self.take_many(into, limit - 1))
    }

    /// Appends up to `limit` messages that are there.
    fn take_many(&self, into: &mut Vec<T>, limit: usize) -> usize {
        if let Flavor::Channel(end) = self.flavor() {
            return end.channel().recv_many(into, limit);
        }
        let before = into.len();
        into.extend(self.try_iter().take(limit));
        into.len() - before
    }
}
