//! Every way to send.

use crate::dice::Dice;
use crate::ledger::LANES;
use std::ops::Range;
use tasklets::block_on;
use tasklets::channel::{Select, SendTimeoutError, Sender, TrySendError};
use tasklets::select;

/// Sends these messages in order, on one lane or the other, each in another way.
pub(crate) fn send_all(messages: Range<u64>, lanes: &[Sender<u64>; LANES], dice: &mut Dice) {
    let mut next = messages.start;
    while next < messages.end {
        let lane = &lanes[dice.throw(LANES as u64) as usize];
        if dice.throw(8) == 0 {
            let batch = next..messages.end.min(next + 1 + dice.throw(8));
            next = batch.end;
            assert!(lane.send_many(batch).is_ok(), "there are receivers");
        } else {
            send_one(next, lane, lanes, dice);
            next += 1;
        }
    }
}

fn send_one(message: u64, lane: &Sender<u64>, lanes: &[Sender<u64>; LANES], dice: &mut Dice) {
    match dice.throw(7) {
        0 => lane.send(message).expect("there are receivers"),
        1 => {
            if let Err(error) = lane.try_send(message) {
                assert_eq!(error, TrySendError::Full(message));
                lane.send(message).expect("there are receivers");
            }
        }
        2 => {
            while let Err(error) = lane.send_timeout(message, dice.short()) {
                assert_eq!(error, SendTimeoutError::Timeout(message));
            }
        }
        3 => block_on(lane.send_async(message)).expect("there are receivers"),
        4 => select! {
            send(lanes[0], message) -> sent => sent.expect("there are receivers"),
            send(lanes[1], message) -> sent => sent.expect("there are receivers"),
        },
        5 => loop {
            select! {
                send(lane, message) -> sent => break sent.expect("there are receivers"),
                default(dice.short()) => {}
            }
        },
        _ => {
            let mut select = Select::new();
            for lane in lanes {
                select.send(lane);
            }
            let operation = select.select();
            let lane = &lanes[operation.index()];
            operation.send(lane, message).expect("there are receivers");
        }
    }
}
