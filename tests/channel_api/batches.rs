//! Several messages with one call.

use crate::eventually::eventually;
use crate::place::{SOME, everywhere};
use std::time::{Duration, Instant};
use tasklets::channel::{RecvError, TryRecvError, at, bounded, never, unbounded};

everywhere! {
    fn a_batch_takes_what_is_there_up_to_the_limit(_) {
        let (s, r) = unbounded();
        assert_eq!(s.send_many(0..10), Ok(10));
        let mut batch = vec![-1];
        assert_eq!(r.recv_many(&mut batch, 0), Ok(0));
        assert_eq!(r.recv_many(&mut batch, 4), Ok(4));
        assert_eq!(r.try_recv_many(&mut batch, 4), Ok(4));
        assert_eq!(r.recv_many(&mut batch, usize::MAX), Ok(2));
        assert_eq!(batch, (-1..10).collect::<Vec<_>>(), "it is appended to");
        assert_eq!(r.try_recv_many(&mut batch, 4), Err(TryRecvError::Empty));
        assert_eq!(r.try_recv_many(&mut batch, 0), Ok(0));
        drop(s);
        assert_eq!(r.try_recv_many(&mut batch, 4), Err(TryRecvError::Disconnected));
        assert_eq!(r.recv_many(&mut batch, 4), Err(RecvError));
        assert_eq!(batch.len(), 11, "unchanged by errors");
    }

    fn a_batch_waits_for_its_first(place) {
        for (s, r) in [bounded(0), bounded(2), unbounded()] {
            let receiver = place.spawn(move || {
                let mut batch = Vec::new();
                while let Ok(n) = r.recv_many(&mut batch, 7) {
                    assert!((1..=7).contains(&n));
                }
                batch
            });
            eventually("it waits", || s.balance() == -1);
            assert_eq!(s.send_many(0..SOME), Ok(SOME as usize));
            drop(s);
            assert_eq!(receiver.join(), (0..SOME).collect::<Vec<_>>());
        }
    }

    fn a_batch_that_cannot_be_sent_comes_back(place) {
        // Only where a sender that never ends must wait.
        for (s, r) in [bounded(0), bounded(2)] {
            let receiver = place.spawn(move || {
                let received: Vec<_> = r.iter().take(5).collect();
                r.close();
                received.into_iter().chain(r).collect::<Vec<u64>>()
            });
            let error = s.send_many(0..).unwrap_err();
            let received = receiver.join();
            assert_eq!(received, (0..error.sent as u64).collect::<Vec<_>>());
            assert_eq!(error.unsent, error.sent as u64);
            assert_eq!(error.rest.start, error.unsent + 1);
            assert!(error.into_unsent().take(3).eq(received.len() as u64..received.len() as u64 + 3));
        }
        let (s, r) = unbounded::<u8>();
        drop(r);
        assert_eq!(s.send_many([]).unwrap(), 0, "there was nothing to send");
    }

    fn a_batch_of_moments(_) {
        let when = Instant::now() + Duration::from_millis(1);
        let mut batch = Vec::new();
        assert_eq!(at(when).recv_many(&mut batch, 5), Ok(1));
        assert_eq!(batch, [when]);
        let mut none = Vec::<u8>::new();
        assert_eq!(never().try_recv_many(&mut none, 5), Err(TryRecvError::Empty));
        assert_eq!(never().recv_many(&mut none, 0), Ok(0));
    }
}
