//! Streams and sinks, polled by hand and by a thread.

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tasklets_channels::{Receiver, SendError, Sender, TryRecvError, bounded, tick, unbounded};
use tasklets_park::block_on;

/// Miri takes a thousand times as long for each.
const SOME: i32 = if cfg!(miri) { 6 } else { 500 };

fn each<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [bounded(0), bounded(1), bounded(3), unbounded()]
}

async fn next<S: Stream>(stream: &mut Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}

async fn feed<T, S: Sink<T>>(sink: &mut Pin<&mut S>, message: T) -> Result<(), S::Error> {
    poll_fn(|context| sink.as_mut().poll_ready(context)).await?;
    sink.as_mut().start_send(message)
}

async fn close<T, S: Sink<T>>(sink: &mut Pin<&mut S>) -> Result<(), S::Error> {
    poll_fn(|context| sink.as_mut().poll_close(context)).await
}

#[test]
fn a_sink_feeds_a_stream() {
    for (s, r) in each() {
        let sender = std::thread::spawn(move || {
            block_on(async {
                let mut sink = pin!(s.into_sink());
                for i in 0..SOME {
                    feed(&mut sink, i).await.unwrap();
                }
                close(&mut sink).await.unwrap();
                assert_eq!(feed(&mut sink, SOME).await, Err(SendError(SOME)), "closed");
            });
        });
        block_on(async {
            let mut stream = pin!(r.into_stream());
            for i in 0..SOME {
                assert_eq!(next(&mut stream).await, Some(i));
            }
            assert!(!stream.is_terminated());
            assert_eq!(next(&mut stream).await, None, "the sink's sender is gone");
            assert!(stream.is_terminated());
            assert_eq!(next(&mut stream).await, None, "it stays ended");
        });
        sender.join().unwrap();
    }
}

#[test]
fn a_closed_sink_that_borrows_leaves_the_sender() {
    let (s, r) = bounded(1);
    block_on(async {
        let mut sink = pin!(s.sink());
        feed(&mut sink, 1).await.unwrap();
        close(&mut sink).await.unwrap();
    });
    assert_eq!(r.recv(), Ok(1));
    s.send(2).unwrap();
    assert_eq!(r.recv(), Ok(2));
}

#[test]
fn what_needs_no_waiting_is_sent_at_once() {
    let (s, r) = bounded(1);
    let mut sink = pin!(s.sink());
    sink.as_mut().start_send(1).unwrap();
    sink.as_mut().start_send(2).unwrap();
    assert_eq!(r.len(), 1);
    let mut context = Context::from_waker(Waker::noop());
    assert!(sink.as_mut().poll_ready(&mut context).is_pending(), "the second waits in the sink");
    assert_eq!(r.recv(), Ok(1));
    assert_eq!(sink.as_mut().poll_flush(&mut context), Poll::Ready(Ok(())));
    assert_eq!(r.recv(), Ok(2));
}

#[test]
#[should_panic(expected = "poll_ready")]
fn a_sink_keeps_one_message() {
    let (s, _r) = bounded(0);
    let mut sink = pin!(s.sink());
    sink.as_mut().start_send(1).unwrap();
    let _ = sink.as_mut().start_send(2);
}

#[test]
fn a_sink_gives_the_message_back() {
    let (s, r) = bounded(0);
    let mut sink = pin!(s.sink());
    sink.as_mut().start_send("waits").unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(sink.as_mut().poll_flush(&mut context).is_pending());
    drop(r);
    assert_eq!(sink.as_mut().poll_flush(&mut context), Poll::Ready(Err(SendError("waits"))));
    assert_eq!(sink.as_mut().start_send("at once"), Err(SendError("at once")));
    assert_eq!(sink.as_mut().poll_flush(&mut context), Poll::Ready(Ok(())), "nothing is left in it");
}

#[test]
fn a_dropped_sink_sends_nothing_more() {
    let (s, r) = bounded(0);
    {
        let mut sink = pin!(s.sink());
        sink.as_mut().start_send("dropped").unwrap();
        assert!(sink.as_mut().poll_flush(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!((s.balance(), r.try_recv()), (0, Err(TryRecvError::Empty)));
}

#[test]
fn a_dropped_stream_loses_nothing() {
    for (s, r) in each() {
        assert!(pin!(r.stream()).poll_next(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(r.balance(), 0, "it does not wait any more");
        let sender = std::thread::spawn(move || s.send(5));
        assert_eq!(r.recv(), Ok(5));
        sender.join().unwrap().unwrap();
    }
}

#[test]
fn ticks_are_a_stream() {
    let ticks = tick(Duration::from_millis(1));
    block_on(async {
        let mut stream = pin!(ticks.stream());
        let mut newest = None;
        for _ in 0..5 {
            let due = next(&mut stream).await;
            assert!(newest < due && due <= Some(Instant::now()));
            newest = due;
        }
    });
}
