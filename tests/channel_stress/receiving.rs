//! Every way to receive.

use crate::dice::Dice;
use crate::ledger::{LANES, Reader};
use tasklets::block_on;
use tasklets::channel::{Receiver, RecvTimeoutError, Select, TryRecvError};
use tasklets::select;

/// A lane is at its end.
struct Ended(usize);

/// A receiver of both lanes.
pub(crate) struct Both<'a> {
    lanes: [Receiver<u64>; LANES],
    /// The lane for which it waits when it waits for one. Without a fixed one, all receivers may wait for one lane and all senders
    /// for the other.
    home: usize,
    reader: Reader<'a>,
    dice: Dice,
}

impl<'a> Both<'a> {
    pub(crate) fn new(lanes: [Receiver<u64>; LANES], home: usize, reader: Reader<'a>, dice: Dice) -> Self {
        Self { lanes, home, reader, dice }
    }

    /// Receives, each time in another way, until both lanes are at their end.
    pub(crate) fn receive_all(mut self) {
        let Ended(first) = self.until_an_end(Self::receive_either);
        self.home = 1 - first;
        let Ended(second) = self.until_an_end(Self::receive_home);
        assert_eq!(second, self.home);
        for lane in &self.lanes {
            assert_eq!(lane.try_recv(), Err(TryRecvError::Disconnected), "an end is for good");
        }
    }

    fn until_an_end(&mut self, receive: impl Fn(&mut Self) -> Result<(), Ended>) -> Ended {
        loop {
            if let Err(ended) = receive(self) {
                return ended;
            }
        }
    }

    fn receive_either(&mut self) -> Result<(), Ended> {
        match self.dice.throw(8) {
            0 => {
                let (lane, message) = select! {
                    recv(self.lanes[0]) -> message => (0, message),
                    recv(self.lanes[1]) -> message => (1, message),
                };
                self.take(lane, message)
            }
            1 => {
                let (lane, message) = select! {
                    recv(self.lanes[0]) -> message => (0, message),
                    recv(self.lanes[1]) -> message => (1, message),
                    default(self.dice.short()) => return Ok(()),
                };
                self.take(lane, message)
            }
            2 => {
                let mut select = Select::new();
                for lane in &self.lanes {
                    select.recv(lane);
                }
                let operation = select.select();
                let lane = operation.index();
                let message = operation.recv(&self.lanes[lane]);
                drop(select);
                self.take(lane, message)
            }
            3 => {
                let other = 1 - self.home;
                self.without_waiting(other)
            }
            _ => self.receive_home(),
        }
    }

    fn receive_home(&mut self) -> Result<(), Ended> {
        let home = self.home;
        let lane = &self.lanes[home];
        match self.dice.throw(6) {
            0 => {
                let message = lane.recv();
                self.take(home, message)
            }
            1 => self.without_waiting(home),
            2 => match lane.recv_timeout(self.dice.short()) {
                Err(RecvTimeoutError::Timeout) => Ok(()),
                message => self.take(home, message),
            },
            3 => {
                let message = block_on(lane.recv_async());
                self.take(home, message)
            }
            4 => {
                let mut batch = Vec::new();
                let limit = 1 + self.dice.throw(8) as usize;
                let received = lane.recv_many(&mut batch, limit).map_err(|_| Ended(home))?;
                assert!(received == batch.len() && (1..=limit).contains(&received));
                batch.into_iter().for_each(|message| self.reader.note(home, message));
                Ok(())
            }
            _ => {
                lane.try_iter().take(4).for_each(|message| self.reader.note(home, message));
                Ok(())
            }
        }
    }

    fn without_waiting(&mut self, lane: usize) -> Result<(), Ended> {
        match self.lanes[lane].try_recv() {
            Err(TryRecvError::Empty) => Ok(()),
            message => self.take(lane, message),
        }
    }

    fn take<E>(&mut self, lane: usize, message: Result<u64, E>) -> Result<(), Ended> {
        self.reader.note(lane, message.map_err(|_| Ended(lane))?);
        Ok(())
    }
}
