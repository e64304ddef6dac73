//! A panic hook that waits. Alone in its binary, since the hook is the process's.

use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::panicking;
use std::time::Duration;
use tasklets::{Runtime, sleep, spawn, try_current, yield_now};

#[test]
fn a_hook_may_wait_while_siblings_panic() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        if try_current().is_none() || !info.payload().is::<&str>() {
            return usual(info);
        }
        CALLS.fetch_add(1, SeqCst);
        for _ in 0..5 {
            yield_now();
            sleep(Duration::from_micros(100));
        }
    }));
    for workers in [1, 2] {
        CALLS.store(0, SeqCst);
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            // All of them are in the hook at once: a thread that thought it was would abort at the next panic.
            let handles: Vec<_> = (0..20)
                .map(|_| {
                    spawn(|| {
                        assert!(catch_unwind(|| std::panic::panic_any("caught")).is_err());
                        yield_now();
                        assert!(!panicking());
                        std::panic::panic_any("not caught")
                    })
                })
                .collect();
            for handle in handles {
                let payload = handle.join().unwrap_err().into_panic();
                assert_eq!(*payload.downcast::<&str>().unwrap(), "not caught");
                assert!(!panicking());
            }
        });
        assert_eq!(CALLS.load(SeqCst), 40);
    }
}
