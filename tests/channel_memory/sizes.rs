//! What a channel takes when little is in it.

use crate::allocations::live_bytes;
use crate::{alone, channel};

/// Bytes that each channel takes, of many.
fn bytes_of(capacity: Option<usize>) -> usize {
    const CHANNELS: usize = 64;
    let mut channels = Vec::with_capacity(CHANNELS);
    // What is made once for the process.
    drop(channel::<u64>(capacity));
    let before = live_bytes();
    for _ in 0..CHANNELS {
        channels.push(channel::<u64>(capacity));
    }
    (live_bytes() - before).div_ceil(CHANNELS)
}

#[test]
fn an_idle_channel_is_small() {
    alone("sizes::an_idle_channel_is_small", || {
        for capacity in [None, Some(0)] {
            let bytes = bytes_of(capacity);
            assert!(bytes <= 512, "capacity {capacity:?}: {bytes} bytes");
        }
    });
}

#[test]
fn capacity_is_allocated_when_it_is_used() {
    alone("sizes::capacity_is_allocated_when_it_is_used", || {
        let capacity = 1_000_000;
        let bytes = bytes_of(Some(capacity));
        assert!(bytes <= 4096, "{bytes} bytes for an empty channel of capacity {capacity}");

        let before = live_bytes();
        let (sender, receiver) = channel(Some(capacity));
        for number in 0..1_000_000u64 {
            if number == 10 {
                let bytes = live_bytes() - before;
                assert!(bytes <= 64 << 10, "{bytes} bytes for ten messages");
            }
            assert!(sender.try_send(number).is_ok());
        }
        assert!(sender.try_send(0).is_err(), "the capacity is what was asked for");
        assert!(receiver.try_iter().eq(0..1_000_000));
    });
}

#[test]
fn a_dropped_channel_leaves_nothing() {
    alone("sizes::a_dropped_channel_leaves_nothing", || {
        let live = |capacity| {
            let (sender, receiver) = channel(capacity);
            for number in 0..1000 {
                let _full = sender.try_send(Box::new(number)).is_err();
            }
            let _received = receiver.try_iter().take(10).count();
        };
        for capacity in [Some(0), Some(1), Some(100), None] {
            (0..10).for_each(|_| live(capacity));
            let before = live_bytes();
            (0..1000).for_each(|_| live(capacity));
            let after = live_bytes();
            assert!(after <= before + 1024, "capacity {capacity:?}: {before} bytes became {after}");
        }
    });
}
