//! Histories made by hand, to show that the checker refuses what it must and allows what it may.

use crate::channel_oracle::{Accepted, Event, Received};
use crate::checker::is_linearizable;
use crate::history::{History, Operation};
use Event::{Close, Emptiness, HangUpReceiver, HangUpSender, Length};

const UNBOUNDED: Option<usize> = None;

/// Operations as (began, ended, what), on a channel with two ends on each side.
fn is_legal(capacity: Option<usize>, operations: &[(u64, u64, Event)]) -> bool {
    let operations = operations.iter().enumerate();
    let operations =
        operations.map(|(actor, &(began, ended, event))| Operation { actor, began, ended, event }).collect();
    is_linearizable(&History { capacity, senders: 2, receivers: 2, operations })
}

fn try_send(message: u32, accepted: Accepted) -> Event {
    Event::Send { message, waits: false, accepted }
}

fn send(message: u32) -> Event {
    Event::Send { message, waits: true, accepted: Accepted::Yes }
}

fn try_recv(received: Received) -> Event {
    Event::Receive { waits: false, received }
}

fn recv(message: u32) -> Event {
    Event::Receive { waits: true, received: Received::Message(message) }
}

const EMPTY: Event = Event::Receive { waits: false, received: Received::Empty };
const CLOSED: Event = Event::Receive { waits: true, received: Received::Disconnected };

#[test]
fn a_plain_history_is_legal() {
    for capacity in [Some(2), Some(3), UNBOUNDED] {
        assert!(is_legal(
            capacity,
            &[(0, 1, send(1)), (2, 3, send(2)), (4, 5, recv(1)), (6, 7, recv(2)), (8, 9, EMPTY)]
        ));
    }
    assert!(is_legal(Some(1), &[(0, 1, send(1)), (2, 9, send(2)), (4, 5, recv(1)), (6, 7, recv(2))]));
    assert!(is_legal(Some(0), &[(0, 5, send(1)), (3, 7, try_recv(Received::Message(1)))]));
}

#[test]
fn fifo_is_required() {
    for capacity in [Some(2), UNBOUNDED] {
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, send(2)), (4, 5, recv(2)), (6, 7, recv(1))]));
        // Sent, or received, at the same time: in either order.
        assert!(is_legal(capacity, &[(0, 2, send(1)), (1, 3, send(2)), (4, 5, recv(2)), (6, 7, recv(1))]));
        assert!(is_legal(capacity, &[(0, 1, send(1)), (2, 3, send(2)), (4, 6, recv(2)), (5, 7, recv(1))]));
    }
}

#[test]
fn a_message_comes_once_and_only_if_it_was_sent() {
    for capacity in [Some(1), Some(2), UNBOUNDED] {
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 4, recv(1)), (3, 5, recv(1))]));
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, recv(7))]));
        assert!(!is_legal(capacity, &[(0, 1, recv(1)), (2, 3, send(1))]));
        assert!(!is_legal(
            capacity,
            &[(0, 3, try_send(1, Accepted::Disconnected)), (1, 4, recv(1)), (2, 5, Close(true))]
        ));
    }
}

#[test]
fn a_message_that_was_accepted_is_there() {
    for capacity in [Some(1), Some(2), UNBOUNDED] {
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, EMPTY)]));
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, Close(true)), (4, 5, CLOSED)]));
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, HangUpSender), (4, 5, HangUpSender), (6, 7, CLOSED)]));
    }
}

#[test]
fn room_is_freed_by_the_receive_that_took_the_message() {
    // A receive is stalled in the middle: either its message is still there, or its room is free.
    let refused = try_send(2, Accepted::Full);
    assert!(!is_legal(Some(1), &[(0, 1, send(1)), (2, 20, recv(1)), (4, 5, EMPTY), (6, 7, refused)]));
    assert!(is_legal(Some(1), &[(0, 1, send(1)), (2, 20, recv(1)), (4, 5, refused), (6, 7, EMPTY)]));
    // A stalled send, though, may have its place before its message can be seen.
    assert!(is_legal(Some(1), &[(0, 20, send(1)), (4, 5, refused), (6, 7, EMPTY), (21, 22, recv(1))]));
    // Not after it has ended.
    assert!(!is_legal(Some(1), &[(0, 3, send(1)), (4, 5, EMPTY), (6, 7, refused), (8, 9, recv(1))]));
}

#[test]
fn capacity_is_exact() {
    assert!(!is_legal(Some(1), &[(0, 1, send(1)), (2, 3, send(2))]));
    assert!(!is_legal(Some(2), &[(0, 1, send(1)), (2, 3, try_send(2, Accepted::Full))]));
    assert!(!is_legal(UNBOUNDED, &[(0, 1, send(1)), (2, 3, try_send(2, Accepted::Full))]));
}

#[test]
fn a_send_that_was_overtaken_comes_later() {
    // 1 held the first place (the second send found two places taken), and lost it to the receive of 2.
    let overtaken = |end| {
        let refused = try_send(9, Accepted::Full);
        [(0, end, send(1)), (2, 3, send(2)), (4, 5, refused), (6, 7, recv(2)), (8, 9, EMPTY), (30, 31, recv(1))]
    };
    assert!(is_legal(Some(2), &overtaken(20)));
    assert!(!is_legal(Some(2), &overtaken(7)));
    // A send may hold a place for a while and fail in the end.
    let fails = try_send(1, Accepted::Disconnected);
    let refused = try_send(2, Accepted::Full);
    assert!(is_legal(Some(1), &[(0, 20, fails), (1, 2, refused), (3, 4, EMPTY), (5, 6, Close(true))]));
    assert!(!is_legal(Some(1), &[(4, 20, fails), (1, 2, refused), (5, 6, Close(true))]));
    // Only a receive takes a place away.
    assert!(!is_legal(Some(1), &[(0, 20, fails), (1, 2, refused), (5, 6, Close(true))]));
}

#[test]
fn closed_is_for_good() {
    for capacity in [Some(1), Some(2), UNBOUNDED] {
        assert!(!is_legal(capacity, &[(0, 9, send(1)), (1, 2, Close(true)), (3, 4, CLOSED), (5, 6, recv(1))]));
        assert!(!is_legal(capacity, &[(1, 2, Close(true)), (3, 4, send(1)), (5, 6, recv(1))]));
        assert!(!is_legal(capacity, &[(1, 2, Close(true)), (3, 4, EMPTY)]));
        assert!(is_legal(capacity, &[(0, 1, send(1)), (1, 2, Close(true)), (5, 6, recv(1)), (7, 8, CLOSED)]));
        // It had its place before the close, and a place before the close counts.
        assert!(is_legal(capacity, &[(0, 9, send(1)), (1, 2, Close(true)), (5, 6, recv(1)), (7, 8, CLOSED)]));
    }
    assert!(!is_legal(Some(0), &[(1, 2, Close(true)), (3, 5, send(1)), (4, 6, recv(1))]));
    assert!(!is_legal(Some(0), &[(0, 1, CLOSED), (2, 3, Close(true))]));
    assert!(!is_legal(Some(1), &[(0, 2, Close(true)), (1, 3, Close(true))]));
    assert!(is_legal(Some(1), &[(0, 2, Close(false)), (1, 3, Close(true))]));
}

#[test]
fn a_rendezvous_is_one_instant() {
    assert!(!is_legal(Some(0), &[(0, 1, send(1)), (2, 3, recv(1))]));
    assert!(is_legal(Some(0), &[(0, 2, send(1)), (1, 3, recv(1))]));
    // Nobody waits.
    assert!(!is_legal(Some(0), &[(0, 2, try_send(1, Accepted::Yes)), (1, 3, try_recv(Received::Message(1)))]));
    assert!(!is_legal(Some(0), &[(0, 2, send(1))]));
    assert!(!is_legal(Some(0), &[(0, 4, send(1)), (1, 2, recv(1)), (2, 3, recv(1))]));
    assert!(is_legal(Some(0), &[(0, 4, try_send(1, Accepted::Full)), (1, 5, EMPTY), (2, 6, Length(0))]));
    assert!(!is_legal(Some(0), &[(0, 4, send(1)), (1, 2, Emptiness(false)), (3, 5, recv(1))]));
}

#[test]
fn lengths_are_of_an_instant() {
    for capacity in [Some(2), UNBOUNDED] {
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, Length(0))]));
        assert!(!is_legal(capacity, &[(0, 1, send(1)), (2, 3, Emptiness(true))]));
        assert!(!is_legal(capacity, &[(2, 3, Length(1)), (4, 5, send(1))]));
        assert!(!is_legal(capacity, &[(2, 3, Emptiness(false)), (4, 5, send(1))]));
        // While it is being sent, both may be.
        assert!(is_legal(capacity, &[(0, 9, send(1)), (2, 3, Length(1)), (4, 5, EMPTY)]));
        assert!(is_legal(capacity, &[(0, 9, send(1)), (2, 3, Length(1)), (4, 5, Length(0))]));
    }
}

#[test]
fn the_last_receiver_takes_everything_along() {
    let gone = [(0, 1, send(1)), (2, 3, HangUpReceiver), (4, 5, HangUpReceiver)];
    let and = |event| is_legal(Some(2), &[&gone[..], &[(6, 7, event)]].concat());
    assert!(and(Length(0)) && and(try_send(2, Accepted::Disconnected)));
    assert!(!and(Length(1)) && !and(try_send(2, Accepted::Yes)) && !and(Close(true)));
    // The other receiver is still there.
    assert!(!is_legal(Some(2), &[(0, 1, send(1)), (2, 3, HangUpReceiver), (4, 5, Length(0))]));
}
