//! What handles say about their channel, and their iterators.

use crate::place::everywhere;
use std::time::{Duration, Instant};
use tasklets::channel::{after, at, bounded, never, tick, unbounded};

const HOUR: Duration = Duration::from_secs(3600);

everywhere! {
    fn length_and_room(_) {
        let (s, r) = bounded(2);
        let seen = || {
            assert_eq!((s.len(), s.is_empty(), s.is_full()), (r.len(), r.is_empty(), r.is_full()));
            (r.len(), r.is_empty(), r.is_full())
        };
        assert_eq!(seen(), (0, true, false));
        s.send(()).unwrap();
        assert_eq!(seen(), (1, false, false));
        s.send(()).unwrap();
        assert_eq!(seen(), (2, false, true));
        r.recv().unwrap();
        assert_eq!(seen(), (1, false, false));

        let (s, r) = unbounded();
        (0..100).for_each(|i| s.send(i).unwrap());
        assert_eq!((s.len(), r.len(), r.is_empty(), r.is_full()), (100, 100, false, false));

        let (s, r) = bounded::<()>(0);
        assert_eq!((s.len(), s.is_empty(), s.is_full()), (0, true, true));
        assert_eq!((r.len(), r.is_empty(), r.is_full()), (0, true, true));
    }

    fn capacities(_) {
        for capacity in [0, 1, 2, 3, 100] {
            let (s, r) = bounded::<u8>(capacity);
            assert_eq!((s.capacity(), r.capacity()), (Some(capacity), Some(capacity)));
        }
        let (s, r) = unbounded::<u8>();
        assert_eq!((s.capacity(), r.capacity()), (None, None));
        assert_eq!(after(HOUR).capacity(), Some(1));
        assert_eq!(tick(HOUR).capacity(), Some(1));
        assert_eq!(never::<u8>().capacity(), Some(0));
    }

    fn clones_are_the_same_channel_and_others_are_not(_) {
        let pairs = [unbounded::<Instant>(), unbounded(), bounded(1), bounded(1), bounded(0), bounded(0)];
        for (i, (s, r)) in pairs.iter().enumerate() {
            assert!(s.same_channel(&s.clone()) && r.same_channel(&r.clone()));
            for (s_other, r_other) in &pairs[i + 1..] {
                assert!(!s.same_channel(s_other) && !r.same_channel(r_other));
            }
        }
        let when = Instant::now() + HOUR;
        let timed = [at(when), at(when), after(HOUR), tick(HOUR), tick(HOUR), never()];
        for (i, r) in timed.iter().enumerate() {
            assert!(r.same_channel(&r.clone()));
            assert!(timed[i + 1..].iter().all(|other| !r.same_channel(other)));
            assert!(pairs.iter().all(|(_, other)| !r.same_channel(other)));
        }
        assert!(never::<u8>().same_channel(&never()), "there is nothing to tell them apart by");
    }

    fn iterators_wait_or_do_not(place) {
        let (s, r) = bounded(1);
        assert_eq!(r.try_iter().next(), None);
        let sender = place.spawn(move || (0..100).for_each(|i| s.send(i).unwrap()));
        assert_eq!(r.iter().take(10).sum::<u32>(), (0..10).sum());
        let mut borrowed = 0;
        for i in &r {
            borrowed += i;
            if i == 49 {
                break;
            }
        }
        assert_eq!(borrowed, (10..50).sum());
        let mut rest = r.into_iter();
        assert_eq!(rest.by_ref().sum::<u32>(), (50..100).sum());
        assert_eq!(rest.next(), None, "it stays ended");
        sender.join();
    }

    fn an_iterator_that_does_not_wait_goes_on_when_there_is_more(_) {
        let (s, r) = unbounded();
        let mut ready = r.try_iter();
        for round in 0..3 {
            s.send_many([round, round]).unwrap();
            assert_eq!(ready.by_ref().collect::<Vec<_>>(), [round, round]);
        }
    }

    fn balance_counts_who_waits(place) {
        use crate::eventually::eventually;
        let (s, r) = bounded(0);
        assert_eq!((s.balance(), r.balance()), (0, 0));
        let receivers: Vec<_> = (1..=3)
            .map(|n| {
                let waiting = r.clone();
                let receiver = place.spawn(move || waiting.recv().unwrap());
                eventually("one more receiver waits", || r.balance() == -n);
                receiver
            })
            .collect();
        (0..3).for_each(|i| s.send(i).unwrap());
        let received: Vec<_> = receivers.into_iter().map(|receiver| receiver.join()).collect();
        assert!(received.iter().all(|i| (0..3).contains(i)));
        let senders: Vec<_> = (1..=3)
            .map(|n| {
                let waiting = s.clone();
                let sender = place.spawn(move || waiting.send(n).unwrap());
                eventually("one more sender waits", || s.balance() == n);
                sender
            })
            .collect();
        assert_eq!(r.iter().take(3).sum::<isize>(), 6);
        senders.into_iter().for_each(|sender| sender.join());
        assert_eq!((s.balance(), after(HOUR).balance(), never::<u8>().balance()), (0, 0, 0));
    }
}
