//! parked
fn field(name: &str) -> usize {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .find(|l| l.starts_with(name))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}
fn main() {
    let workers: usize = std::env::args().nth(1).map_or(1, |s| s.parse().unwrap());
    let n: usize = std::env::args().nth(2).map_or(1_000_000, |s| s.parse().unwrap());
    let rt = tasklets_runtime::Runtime::builder().workers(workers).build().unwrap();
    rt.run(|| {
        let before = field("VmRSS") + field("VmPTE");
        let mut hs = Vec::with_capacity(n);
        let vec_cost = 0;
        let t = std::time::Instant::now();
        let started = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for _ in 0..n {
            let s = started.clone();
            hs.push(tasklets_runtime::spawn(move || {
                s.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tasklets_runtime::park();
            }));
        }
        while started.load(std::sync::atomic::Ordering::Relaxed) < n {
            tasklets_runtime::yield_now();
        }
        let el = t.elapsed();
        let after = field("VmRSS") + field("VmPTE");
        println!(
            "{} bytes each, {:?} to start; maps {}",
            (after - before - vec_cost) / n,
            el,
            std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
        );
        let t = std::time::Instant::now();
        for h in &hs {
            h.tasklet().unpark();
        }
        for h in hs {
            h.join().unwrap();
        }
        println!("ended in {:?}; rss {} MB pte {} MB", t.elapsed(), field("VmRSS") >> 20, field("VmPTE") >> 20);
        tasklets_runtime::sleep(std::time::Duration::from_secs(4));
        println!("later rss {} MB pte {} MB", field("VmRSS") >> 20, field("VmPTE") >> 20);
        println!("{:?}", tasklets_runtime::stack_usage());
        tasklets_runtime::sleep(std::time::Duration::from_secs(
            std::env::args().nth(3).map_or(0, |s| s.parse().unwrap()),
        ));
    });
}
