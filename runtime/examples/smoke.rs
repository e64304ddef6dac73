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
fn main() {
    let arg = |i: usize| std::env::args().nth(i);
    let workers: usize = arg(1).map_or(1, |s| s.parse().unwrap());
    let what = arg(2).unwrap_or("all".into());
    let n: u32 = arg(3).map_or(1_000_000, |s| s.parse().unwrap());
    let is = |s: &str| what == s || what == "all";
    let rt = tasklets_runtime::Runtime::builder().workers(workers).build().unwrap();
    rt.run(|| {
        for _ in 0..3 {
            if is("spawn") {
                let t = Instant::now();
                for i in 0..n {
                    assert_eq!(tasklets_runtime::spawn(move || i).join().unwrap(), i);
                }
                println!("spawn+join {:.1} ns", t.elapsed().as_nanos() as f64 / n as f64);
            }
            if is("yield") {
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
            }
            if is("fib") {
                let t = Instant::now();
                assert_eq!(fib(25), 75025);
                println!("fib {:.2} ms", t.elapsed().as_secs_f64() * 1e3);
            }
            if is("ping") {
                let t = Instant::now();
                let m = n;
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
            }
            if is("skynet") {
                let t = Instant::now();
                assert_eq!(skynet(0, 1_000_000), 499999500000);
                println!("skynet {:.0} ms", t.elapsed().as_secs_f64() * 1e3);
            }
        }
    });
}
