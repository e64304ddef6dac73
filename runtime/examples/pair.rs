//! pair
use std::time::Instant;
fn main() {
    let workers: usize = std::env::args().nth(1).map_or(2, |s| s.parse().unwrap());
    let rt = tasklets_runtime::Runtime::builder().workers(workers).build().unwrap();
    let m = 100_000;
    for _ in 0..20 {
        rt.run(|| {
            let t = Instant::now();
            let a = tasklets_runtime::spawn(move || {
                tasklets_runtime::park();
                std::thread::current().id()
            });
            let ta = a.tasklet();
            a.tasklet().unpark();
            a.join().unwrap();
            drop(ta);
            use std::sync::{Arc, OnceLock};
            let pa: Arc<OnceLock<tasklets_runtime::Tasklet>> = Arc::default();
            let pb: Arc<OnceLock<tasklets_runtime::Tasklet>> = Arc::default();
            let (p1, p2) = (pa.clone(), pb.clone());
            let ping = tasklets_runtime::spawn(move || {
                p1.set(tasklets_runtime::current()).unwrap();
                while p2.get().is_none() {
                    tasklets_runtime::yield_now();
                }
                let o = p2.get().unwrap();
                for _ in 0..m {
                    o.unpark();
                    tasklets_runtime::park();
                }
                std::thread::current().id()
            });
            let (p1, p2) = (pa.clone(), pb.clone());
            let pong = tasklets_runtime::spawn(move || {
                p2.set(tasklets_runtime::current()).unwrap();
                while p1.get().is_none() {
                    tasklets_runtime::yield_now();
                }
                let o = p1.get().unwrap();
                for _ in 0..m {
                    tasklets_runtime::park();
                    o.unpark();
                }
                std::thread::current().id()
            });
            let (x, y) = (ping.join().unwrap(), pong.join().unwrap());
            println!("{} {:.0} ns", if x == y { "same" } else { "split" }, t.elapsed().as_nanos() as f64 / m as f64);
        });
    }
}
