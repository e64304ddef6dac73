//! Operations that need not wait.

use crate::allocations::allocations_of;
use crate::{alone, channel};
use std::time::Duration;
use tasklets::channel::{Receiver, Sender};
use tasklets::select;

const ROUNDS: usize = 1000;

/// Once before, and then many times for nothing.
fn check(capacity: Option<usize>, what: &str, mut operations: impl FnMut()) {
    (0..ROUNDS / 10).for_each(|_| operations());
    let allocations = allocations_of(|| (0..ROUNDS).for_each(|_| operations()));
    assert_eq!(allocations, 0, "{what}, {ROUNDS} times, capacity {capacity:?}");
}

/// As many messages as go in, at most 100; then all out.
fn there_and_back(sender: &Sender<usize>, receiver: &Receiver<usize>) {
    let sent = (0..100).take_while(|number| sender.try_send(*number).is_ok()).count();
    assert!(receiver.try_iter().eq(0..sent) && receiver.try_recv().is_err());
}

fn by_select(sender: &Sender<usize>, receiver: &Receiver<usize>) {
    select! {
        send(sender, 1) -> sent => sent.expect("there is a receiver"),
        default => panic!("there is room"),
    }
    select! {
        recv(receiver) -> message => assert_eq!(message, Ok(1)),
        default => panic!("it is there"),
    }
    select! {
        recv(receiver) -> message => panic!("nobody sent {message:?}"),
        default => {}
    }
}

#[test]
fn buffered() {
    alone("without_waiting::buffered", || {
        for capacity in [Some(1), Some(2), Some(128), None] {
            let (sender, receiver) = channel(capacity);
            check(capacity, "try_send and try_recv", || there_and_back(&sender, &receiver));
            check(capacity, "select", || by_select(&sender, &receiver));
            check(capacity, "clone and drop", || drop((sender.clone(), receiver.clone())));
            let mut batch = Vec::with_capacity(1);
            check(capacity, "batches", || {
                assert!(sender.send_many([1]).is_ok());
                assert_eq!(receiver.recv_many(&mut batch, 1), Ok(1));
                batch.clear();
            });
        }
    });
}

#[test]
fn large_messages_by_select() {
    alone("without_waiting::large_messages_by_select", || {
        let (sender, receiver) = channel::<[usize; 1000]>(None);
        check(None, "select", || {
            sender.send([1; 1000]).expect("there is a receiver");
            select! {
                recv(receiver) -> message => assert_eq!(message, Ok([1; 1000])),
                default => panic!("it is there"),
            }
        });
    });
}

#[test]
fn rendezvous() {
    alone("without_waiting::rendezvous", || {
        let capacity = Some(0);
        let (sender, receiver) = channel(capacity);
        check(capacity, "nobody is there", || {
            assert!(sender.try_send(1).is_err() && receiver.try_recv().is_err());
            assert!(sender.send_timeout(1, Duration::ZERO).is_err());
            assert!(receiver.recv_timeout(Duration::ZERO).is_err());
            select! {
                send(sender, 1) -> _ => panic!("there is nobody"),
                default => {}
            }
        });
    });
}
