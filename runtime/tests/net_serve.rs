//! `net::serve` as a user meets it.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tasklets::Runtime;
use tasklets::net::{Serving, TcpListener, TcpStream, serve};
use tasklets_runtime as tasklets;

/// Runs `test` as the main tasklet with 1, 2 and 4 workers.
fn on_workers(test: impl Fn(usize) + Sync) {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| test(workers));
    }
}

fn serve_here(handler: impl Fn(TcpStream, SocketAddr) + Send + Sync + 'static) -> Serving {
    serve(TcpListener::bind("127.0.0.1:0").unwrap(), handler).unwrap()
}

/// Greets, then waits for the other end to say something or to go.
fn greet(mut stream: TcpStream, _: SocketAddr) {
    stream.write_all(b"hi").unwrap();
    let _ = stream.read(&mut [0]);
}

/// Connects, and waits for the greeting.
fn greeted(server: &Serving) -> TcpStream {
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    stream
}

fn stop_and_join(server: Serving) {
    server.stop();
    server.join().unwrap();
}

#[test]
fn each_connection_has_its_peer() {
    on_workers(|_| {
        let server = serve_here(|mut stream, peer| {
            assert_eq!(stream.peer_addr().unwrap(), peer);
            write!(stream, "{peer}").unwrap();
        });
        for _ in 0..50 {
            let stream = TcpStream::connect(server.local_addr()).unwrap();
            let me = stream.local_addr().unwrap();
            assert_eq!(io::read_to_string(stream).unwrap(), me.to_string());
        }
        stop_and_join(server);
    });
}

#[test]
fn connections_that_stay_open_end_up_even() {
    for workers in [2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            let threads = Arc::new(Mutex::new(HashMap::<ThreadId, usize>::new()));
            let seen = threads.clone();
            let server = serve_here(move |stream, peer| {
                *seen.lock().unwrap().entry(thread::current().id()).or_default() += 1;
                greet(stream, peer);
            });
            let streams: Vec<_> = (0..200 * workers).map(|_| greeted(&server)).collect();
            assert_eq!(server.connections(), 200 * workers);
            let loads: Vec<_> = threads.lock().unwrap().values().copied().collect();
            assert_eq!(loads.len(), workers);
            assert!(loads.iter().max().unwrap() * 5 <= loads.iter().min().unwrap() * 6, "{loads:?}");
            drop(streams);
            stop_and_join(server);
        });
    }
}

#[test]
fn short_connections_stay_with_the_acceptor() {
    on_workers(|_| {
        let threads = Arc::new(Mutex::new(HashMap::<ThreadId, usize>::new()));
        let seen = threads.clone();
        let server = serve_here(move |stream, _| {
            drop(stream);
            *seen.lock().unwrap().entry(thread::current().id()).or_default() += 1;
        });
        for _ in 0..200 {
            let mut stream = TcpStream::connect(server.local_addr()).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
        stop_and_join(server);
        assert_eq!(threads.lock().unwrap().values().copied().collect::<Vec<_>>(), [200]);
    });
}

#[test]
fn a_panicking_handler_ends_its_connection_alone() {
    on_workers(|_| {
        let server = serve_here(|mut stream, _| {
            let mut word = [0; 4];
            stream.read_exact(&mut word).unwrap();
            if &word == b"fail" {
                // Without the message of the panic hook.
                panic::resume_unwind(Box::new("told to fail"));
            }
            stream.write_all(&word).unwrap();
        });
        for round in 0..40 {
            let mut stream = TcpStream::connect(server.local_addr()).unwrap();
            let word = if round % 2 == 0 { "fail" } else { "echo" };
            stream.write_all(word.as_bytes()).unwrap();
            let answer = io::read_to_string(stream).unwrap();
            assert_eq!(answer, if round % 2 == 0 { "" } else { "echo" });
        }
        stop_and_join(server);
    });
}

#[test]
fn a_stopped_server_refuses_and_goes_on_with_what_it_has() {
    on_workers(|_| {
        let server = serve_here(greet);
        let mut stream = greeted(&server);
        server.stop();
        let refused = TcpStream::connect(server.local_addr()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(server.connections(), 1);
        server.stop();
        let other = server.clone();
        thread::spawn(move || other.stop()).join().unwrap();
        let joined = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (server, joined) = (server.clone(), joined.clone());
                tasklets::spawn(move || {
                    server.join().unwrap();
                    joined.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        for _ in 0..10 {
            tasklets::yield_now();
        }
        assert_eq!(joined.load(Ordering::Relaxed), 0);
        stream.write_all(b"x").unwrap();
        waiting.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(server.connections(), 0);
        server.join().unwrap();
    });
}

#[test]
fn a_server_can_be_stopped_at_any_moment() {
    on_workers(|_| {
        for round in 0..200 {
            let server = serve_here(greet);
            let address = server.local_addr();
            let client = tasklets::spawn(move || {
                for _ in 0..round % 10 {
                    let _ = TcpStream::connect(address);
                }
            });
            if round % 3 == 0 {
                tasklets::yield_now();
            }
            let other = server.clone();
            if round % 2 == 0 {
                thread::spawn(move || stop_and_join(other));
            } else {
                tasklets::spawn(move || stop_and_join(other));
            }
            stop_and_join(server);
            client.join().unwrap();
        }
    });
}

#[test]
fn a_handler_may_stop_its_server() {
    on_workers(|_| {
        let (to_handler, from_test) = mpsc::channel::<Serving>();
        let from_test = Mutex::new(from_test);
        let server = serve_here(move |mut stream, _| {
            let server = from_test.lock().unwrap().recv().unwrap();
            server.stop();
            stream.write_all(b"stopped").unwrap();
        });
        to_handler.send(server.clone()).unwrap();
        let stream = TcpStream::connect(server.local_addr()).unwrap();
        assert_eq!(io::read_to_string(stream).unwrap(), "stopped");
        server.join().unwrap();
    });
}

#[test]
fn a_server_without_a_handle_goes_on() {
    on_workers(|_| {
        let address = serve_here(greet).local_addr();
        for _ in 0..10 {
            TcpStream::connect(address).unwrap().read_exact(&mut [0; 2]).unwrap();
        }
    });
}

#[test]
fn at_the_limit_of_tasklets_connections_wait() {
    for workers in [1, 2] {
        let runtime = Runtime::builder().workers(workers).max_tasklets(6).build().unwrap();
        runtime.run(|| {
            let server = serve_here(|stream, peer| {
                tasklets::sleep(Duration::from_millis(1));
                greet(stream, peer);
            });
            // All at once, of which four can be handled at a time: this tasklet and the acceptor are the others.
            let mut streams: Vec<_> = (0..40).map(|_| TcpStream::connect(server.local_addr()).unwrap()).collect();
            while !streams.is_empty() {
                // Those that were accepted first are greeted first; then they go, and make room.
                let mut stream = streams.remove(0);
                stream.read_exact(&mut [0; 2]).unwrap();
            }
            stop_and_join(server);
        });
    }
}

#[test]
fn a_runtime_ends_while_it_serves() {
    for workers in [1, 2, 4] {
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        let (server, streams) = runtime.run(|| {
            let server = serve_here(greet);
            let streams: Vec<_> = (0..50).map(|_| greeted(&server)).collect();
            (server, streams)
        });
        let joined = thread::spawn({
            let server = server.clone();
            move || server.join()
        });
        drop(runtime);
        joined.join().unwrap().unwrap();
        server.stop();
        assert_eq!(server.connections(), 0);
        for mut stream in streams {
            // Its end was closed, with or without what we never read.
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
        assert_eq!(TcpStream::connect(server.local_addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_listener_that_fails_for_good_is_reported() {
    on_workers(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Another handle lets the test do what nobody should.
        let other = std::net::TcpStream::from(std::os::fd::AsFd::as_fd(&listener).try_clone_to_owned().unwrap());
        let server = serve(listener, greet).unwrap();
        drop(greeted(&server));
        other.shutdown(std::net::Shutdown::Read).unwrap();
        assert_eq!(server.join().unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
#[should_panic(expected = "outside a tasklets runtime")]
fn there_is_no_serving_outside_a_runtime() {
    serve_here(greet);
}
