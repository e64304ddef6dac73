//! Descriptors neither leak nor are missed for good. Alone in its process, because it counts them.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use tasklets::Runtime;
use tasklets::net::{TcpListener, TcpStream, serve};
use tasklets_runtime as tasklets;

const ANY_PORT: &str = "127.0.0.1:0";

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Opens and closes descriptors in every way there is.
fn use_sockets() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let address = listener.local_addr().unwrap();
    for round in 0..20 {
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let second = server.try_clone().unwrap();
        client.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        let reader = tasklets::spawn(move || server.read_exact(&mut [0]));
        client.write_all(b"x").unwrap();
        reader.join().unwrap().unwrap();
        if round % 2 == 0 {
            drop(client.into_std().unwrap());
        }
        drop(second);
    }
    drop(listener);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);

    let server = serve(TcpListener::bind(ANY_PORT).unwrap(), |mut stream, _| {
        let _ = stream.read(&mut [0]);
    })
    .unwrap();
    let streams: Vec<_> = (0..50).map(|_| TcpStream::connect(server.local_addr()).unwrap()).collect();
    drop(streams);
    server.stop();
    server.join().unwrap();
}

/// Sets how many descriptors the process may have; returns what it was.
fn set_descriptor_limit(limit: u64) -> u64 {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid for the time of both calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits), 0);
        let before = std::mem::replace(&mut limits.rlim_cur, limit);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limits), 0);
        before
    }
}

/// A server that has descriptors for three connections at a time gets all of forty.
fn serve_with_few_descriptors() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let address = listener.local_addr().unwrap();
    let streams: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    // One of those counted was the directory's.
    let before = set_descriptor_limit(open_descriptors() as u64 + 2);
    let server = serve(listener, |mut stream, _| {
        stream.write_all(b"hi").unwrap();
        let _ = stream.read(&mut [0]);
    })
    .unwrap();
    for mut stream in streams {
        stream.read_exact(&mut [0; 2]).unwrap();
    }
    server.stop();
    server.join().unwrap();
    set_descriptor_limit(before);
}

#[test]
fn descriptors() {
    let before = open_descriptors();
    for workers in [1, 2, 4] {
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        runtime.run(use_sockets);
        runtime.run(serve_with_few_descriptors);
        // Some are open when it ends.
        runtime.spawn(|| {
            let listener = TcpListener::bind(ANY_PORT).unwrap();
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            server.read(&mut [0]).unwrap()
        });
        runtime.run(tasklets::yield_now);
        drop(runtime);
        // Not earlier: workers open and close descriptors of their own while they run.
        assert_eq!(open_descriptors(), before);
    }
}
