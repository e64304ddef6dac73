//! What the types implement.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::Debug;
use std::iter::FusedIterator;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;
use tasklets::channel::{
    IntoIter, Iter, Receiver, RecvFuture, RecvStream, SendFuture, SendManyError, SendSink, Sender, TryIter, bounded,
    never, tick, unbounded,
};

fn shared<T: Send + Sync + Debug>() {}
fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

/// A message needs only be `Send`, and handles pass where panics are caught whatever it is.
#[test]
fn handles_go_anywhere() {
    shared::<Sender<Cell<u8>>>();
    shared::<Receiver<Cell<u8>>>();
    shared::<Iter<'_, Cell<u8>>>();
    shared::<TryIter<'_, Cell<u8>>>();
    shared::<IntoIter<Cell<u8>>>();
    unwind_safe::<Sender<RefCell<u8>>>();
    unwind_safe::<Receiver<RefCell<u8>>>();
    fn may_move_to_a_thread<T: Send + Debug>() {}
    may_move_to_a_thread::<SendFuture<'_, Cell<u8>>>();
    may_move_to_a_thread::<RecvFuture<'_, Cell<u8>>>();
    may_move_to_a_thread::<SendSink<'_, Cell<u8>>>();
    may_move_to_a_thread::<RecvStream<'_, Cell<u8>>>();
    fn fused<I: FusedIterator>() {}
    fused::<Iter<'_, u8>>();
    fused::<IntoIter<u8>>();
}

/// A handle of messages that may not move stays usable where it is.
#[test]
fn messages_that_stay_on_their_thread() {
    let (s, r) = unbounded();
    s.send(std::rc::Rc::new(5)).unwrap();
    assert_eq!(*r.recv().unwrap(), 5);
}

#[test]
fn handles_are_shown_without_their_messages() {
    struct Opaque;
    let (s, r) = bounded::<Opaque>(1);
    assert_eq!(format!("{s:?} {r:?}"), "Sender { .. } Receiver { .. }");
    assert_eq!(format!("{:?} {:?}", r.iter(), r.try_iter()), "Iter { .. } TryIter { .. }");
    assert_eq!(format!("{:?}", tick(Duration::ZERO)), "Receiver { .. }");
    drop(r);
    let error = s.send_many([Opaque]).unwrap_err();
    assert_eq!(format!("{error:?}"), "SendManyError { sent: 0, .. }");
    fn is_error<E: Error>(_: &E) {}
    is_error::<SendManyError<_>>(&error);
}

#[test]
fn never_can_be_a_constant() {
    static NEVER: Receiver<u8> = never();
    assert!(NEVER.try_recv().is_err());
}
