//! smoke
use std::time::Instant;
fn fib(n: u32) -> u64 {
    if n < 2 {
        n.into()
    } else {
        let (a, b) = tasklets_runtime::join(|| fib(n - 1), || fib(n - 2));
        a + b
    }
}
fn main() {
    let workers: usize = std::env::args().nth(1).map_or(1, |s| s.parse().unwrap());
    let rt = tasklets_runtime::Runtime::builder().workers(workers).build().unwrap();
    for _ in 0..3 {
        rt.run(|| {
            let n = 1_000_000u32;
            let t = Instant::now();
            for i in 0..n {
                assert_eq!(tasklets_runtime::spawn(move || i).join().unwrap(), i);
            }
            println!("spawn+join {:.1} ns", t.elapsed().as_nanos() as f64 / n as f64);
            let t = Instant::now();
            let h: Vec<_> = (0..2)
                .map(|_| {
                    tasklets_runtime::spawn(move || {
                        for _ in 0..n {
                            tasklets_runtime::yield_now()
                        }
                    })
                })
                .collect();
            for h in h {
                h.join().unwrap();
            }
            println!("yield {:.1} ns", t.elapsed().as_nanos() as f64 / (2 * n) as f64);
            let t = Instant::now();
            assert_eq!(fib(25), 75025);
            println!("fib {:.2} ms", t.elapsed().as_secs_f64() * 1e3);
            let t = Instant::now();
            let m = 300_000;
            let me = tasklets_runtime::current();
            let h = tasklets_runtime::spawn(move || {
                for _ in 0..m {
                    tasklets_runtime::park();
                    me.unpark();
                }
            });
            let b = h.tasklet();
            for _ in 0..m {
                b.unpark();
                tasklets_runtime::park();
            }
            h.join().unwrap();
            println!("pingpong round trip {:.1} ns", t.elapsed().as_nanos() as f64 / m as f64);
            fn skynet(num: u64, size: u64) -> u64 {
                if size == 1 {
                    return num;
                }
                let hs: Vec<_> = (0..10)
                    .map(|i| {
                        let n = num + i * (size / 10);
                        tasklets_runtime::spawn(move || skynet(n, size / 10))
                    })
                    .collect();
                hs.into_iter().map(|h| h.join().unwrap()).sum()
            }
            let t = Instant::now();
            assert_eq!(skynet(0, 1_000_000), 499999500000);
            println!("skynet {:.0} ms", t.elapsed().as_secs_f64() * 1e3);
        });
    }
}
