//! hello
use std::io::{Read, Write};
fn main() {
    let workers: usize = std::env::args().nth(1).map_or(1, |s| s.parse().unwrap());
    let rt = tasklets_runtime::Runtime::builder().workers(workers).build().unwrap();
    rt.run(|| {
        let l = tasklets_runtime::net::TcpListener::bind("127.0.0.1:7878").unwrap();
        let s = tasklets_runtime::net::serve(l, |mut st, _| {
            let mut b = [0; 1024];
            while let Ok(n @ 1..) = st.read(&mut b) {
                let _ = n;
                if st.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").is_err() {
                    return;
                }
            }
        })
        .unwrap();
        s.join().unwrap();
    });
}
