//! A runtime with nothing to do uses no processor time: no thread of it wakes up at all.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// How often each thread of the runtime has gone to sleep so far.
fn sleeps() -> HashMap<String, u64> {
    let mut sleeps = HashMap::new();
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let (Some(name), Some(count)) = (field("Name:"), field("voluntary_ctxt_switches:"))
            && name.starts_with("idler")
        {
            sleeps.insert(name.to_owned(), count.parse().unwrap());
        }
    }
    sleeps
}

#[test]
fn an_idle_runtime_does_not_wake_up() {
    let runtime = tasklets::Runtime::builder().workers(2).thread_name("idler").build().unwrap();
    let parked: Vec<_> = (0..1000).map(|_| runtime.spawn(tasklets::park)).collect();
    let accepting = runtime.spawn(|| {
        let listener = tasklets::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.accept().map(drop)
    });
    // It takes some seconds until everything that can be given back is. Then five seconds must pass without a single wakeup.
    let quiet = (0..8).any(|_| {
        let before = sleeps();
        std::thread::sleep(Duration::from_secs(5));
        let after = sleeps();
        println!("{before:?} {after:?}");
        // Two workers and the monitor.
        after.len() == 3 && before == after
    });
    assert!(quiet, "the runtime kept waking up");
    for tasklet in &parked {
        tasklet.tasklet().unpark();
    }
    for tasklet in parked {
        tasklet.join().unwrap();
    }
    drop(runtime);
    assert!(accepting.join().unwrap_err().is_cancelled());
}
