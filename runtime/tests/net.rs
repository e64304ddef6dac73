//! TCP streams and listeners as a user meets them.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use tasklets::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use tasklets::{Builder, JoinHandle, Runtime, Tasklet};
use tasklets_runtime as tasklets;

const MOMENT: Duration = Duration::from_millis(20);
const ANY_PORT: &str = "127.0.0.1:0";

/// Runs `test` as the main tasklet with 1, 2 and 4 workers.
fn on_workers(test: impl Fn(usize) + Sync) {
    for workers in [1, 2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| test(workers));
    }
}

/// Two ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
    (client, server)
}

/// One tasklet of every home, for [`Builder::near`].
fn one_of_each_home(workers: usize) -> Vec<Tasklet> {
    // They block their threads until each has one.
    let everywhere = Arc::new(Barrier::new(workers));
    let spawn = |_| {
        let everywhere = everywhere.clone();
        tasklets::spawn(move || {
            everywhere.wait();
            tasklets::current()
        })
    };
    let handles: Vec<_> = (0..workers).map(spawn).collect();
    handles.into_iter().map(|handle| handle.join().unwrap()).collect()
}

/// The `i`-th byte of the test data.
fn byte(i: usize) -> u8 {
    (i ^ i >> 8 ^ i >> 16) as u8
}

fn send_pattern(mut to: &TcpStream, total: usize) {
    let mut sent = 0;
    while sent < total {
        let data: Vec<u8> = (sent..total.min(sent + 50_000)).map(byte).collect();
        to.write_all(&data).unwrap();
        sent += data.len();
    }
}

fn expect_pattern(mut from: &TcpStream, total: usize) {
    let mut buffer = vec![0; 70_000];
    let mut received = 0;
    while received < total {
        let read = from.read(&mut buffer).unwrap();
        assert!(read > 0, "the end after {received} bytes");
        assert!((0..read).all(|i| buffer[i] == byte(received + i)));
        received += read;
    }
    assert_eq!(received, total);
}

/// Sends back what it gets until the end.
fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return,
            read => stream.write_all(&buffer[..read]).unwrap(),
        }
    }
}

/// Spawns them all (the iterator may be lazy), then waits for them.
fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) {
    let handles: Vec<_> = handles.into_iter().collect();
    handles.into_iter().for_each(|handle| drop(handle.join().unwrap()));
}

#[test]
fn echoes() {
    on_workers(|_| {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let address = listener.local_addr().unwrap();
        let server = tasklets::spawn(move || {
            let streams: Vec<_> = listener.incoming().take(20).map(Result::unwrap).collect();
            join_all(streams.into_iter().map(|stream| tasklets::spawn(move || echo(stream))));
        });
        let client = move |number: usize| {
            let mut stream = TcpStream::connect(address).unwrap();
            for round in 0..100 {
                let line = format!("{number}:{round}");
                stream.write_all(line.as_bytes()).unwrap();
                let mut answer = vec![0; line.len()];
                stream.read_exact(&mut answer).unwrap();
                assert_eq!(answer, line.as_bytes());
            }
        };
        join_all((0..20).map(|number| tasklets::spawn(move || client(number))));
        server.join().unwrap();
    });
}

#[test]
fn large_transfers_both_ways_at_once() {
    on_workers(|_| {
        const TOTAL: usize = 8 << 20;
        let (client, server) = pair();
        tasklets::scope(|scope| {
            for end in [&client, &server] {
                scope.spawn(|| send_pattern(end, TOTAL));
                scope.spawn(|| expect_pattern(end, TOTAL));
            }
        });
    });
}

#[test]
fn a_stream_can_wait_in_one_direction_after_the_other() {
    on_workers(|workers| {
        const TOTAL: usize = 8 << 20;
        let homes = one_of_each_home(workers);
        for round in 0..2 * workers {
            let (client, server) = pair();
            let server = Arc::new(server);
            let peer = tasklets::spawn(move || {
                for turn in 0..4 {
                    // So that the other end waits, for one or the other.
                    tasklets::sleep(MOMENT / 10);
                    if (turn + round) % 2 == 0 { send_pattern(&client, 100) } else { expect_pattern(&client, TOTAL) }
                }
            });
            for turn in 0..4 {
                // The last two turns at another home, if there is one.
                let (near, end) = (&homes[(round + turn / 2) % workers], server.clone());
                let reads = (turn + round) % 2 == 0;
                let work = move || if reads { expect_pattern(&end, 100) } else { send_pattern(&end, TOTAL) };
                Builder::new().near(near).spawn(work).unwrap().join().unwrap();
            }
            peer.join().unwrap();
        }
    });
}

#[test]
fn vectored_operations_keep_the_order() {
    on_workers(|_| {
        let (mut client, mut server) = pair();
        let sent = client.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")]).unwrap();
        assert_eq!(sent, 6);
        let (mut first, mut second) = ([0; 2], [0; 20]);
        let read = server.read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]).unwrap();
        assert_eq!((read, &first, &second[..4]), (6, b"on", &b"etwo"[..]));
        let writer = tasklets::spawn(move || client.write_all(b"later").unwrap());
        let read = server.read_vectored(&mut [IoSliceMut::new(&mut second)]).unwrap();
        assert_eq!(&second[..read], b"later");
        writer.join().unwrap();
    });
}

#[test]
fn a_read_that_timed_out_can_be_repeated() {
    on_workers(|_| {
        let (mut client, mut server) = pair();
        server.set_read_timeout(Some(MOMENT)).unwrap();
        assert_eq!(server.read_timeout().unwrap(), Some(MOMENT));
        assert_eq!(server.write_timeout().unwrap(), None);
        let mut buffer = [0; 8];
        for round in 0..3 {
            assert_eq!(server.read(&mut buffer).unwrap_err().kind(), ErrorKind::TimedOut);
            assert_eq!(server.peek(&mut buffer).unwrap_err().kind(), ErrorKind::TimedOut);
            client.write_all(&[round; 3]).unwrap();
            server.read_exact(&mut buffer[..3]).unwrap();
            assert_eq!(buffer[..3], [round; 3]);
        }
        assert_eq!(server.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(), ErrorKind::InvalidInput);
        server.set_read_timeout(None).unwrap();
        drop(client);
        assert_eq!(server.read(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn a_write_that_timed_out_can_be_repeated() {
    on_workers(|_| {
        let (client, server) = pair();
        client.set_write_timeout(Some(MOMENT)).unwrap();
        let data: Vec<u8> = (0..100_000).map(byte).collect();
        let mut sent = 0;
        let error = loop {
            let from = sent % 65_536;
            match (&client).write(&data[from..]) {
                Ok(written) => sent += written,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let reader = tasklets::spawn(move || {
            let mut received = Vec::new();
            (&server).read_to_end(&mut received).unwrap();
            received.len()
        });
        client.set_write_timeout(None).unwrap();
        (&client).write_all(&data).unwrap();
        drop(client);
        assert_eq!(reader.join().unwrap(), sent + data.len());
    });
}

#[test]
fn peeking_takes_nothing() {
    on_workers(|_| {
        let (mut client, mut server) = pair();
        let peeker = tasklets::spawn(move || {
            let mut buffer = [0; 8];
            assert_eq!(server.peek(&mut buffer).unwrap(), 3);
            assert_eq!(server.peek(&mut buffer[..2]).unwrap(), 2);
            assert_eq!(server.read(&mut buffer).unwrap(), 3);
            assert_eq!(&buffer[..3], b"abc");
            assert_eq!(server.read(&mut buffer).unwrap(), 0);
            assert_eq!(server.peek(&mut buffer).unwrap(), 0);
        });
        tasklets::yield_now();
        client.write_all(b"abc").unwrap();
        drop(client);
        peeker.join().unwrap();
    });
}

#[test]
fn half_a_connection_can_be_shut_down() {
    on_workers(|_| {
        let (mut client, server) = pair();
        let answer = tasklets::spawn(move || {
            let question = io::read_to_string(&server).unwrap();
            (&server).write_all(question.to_uppercase().as_bytes()).unwrap();
        });
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(io::read_to_string(client).unwrap(), "QUESTION");
        answer.join().unwrap();
    });
}

#[test]
fn shutting_down_ends_a_read_that_waits() {
    on_workers(|_| {
        let (client, _server) = pair();
        let client = Arc::new(client);
        let waiting = Arc::new(AtomicBool::new(false));
        let reader = tasklets::spawn({
            let (client, waiting) = (client.clone(), waiting.clone());
            move || {
                waiting.store(true, Ordering::Relaxed);
                (&*client).read(&mut [0]).unwrap()
            }
        });
        while !waiting.load(Ordering::Relaxed) {
            tasklets::yield_now();
        }
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn a_refused_connection_is_an_error() {
    on_workers(|_| {
        let address = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let error = TcpStream::connect_timeout(&address, Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // The next address is tried.
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let stream = TcpStream::connect(&[address, listener.local_addr().unwrap()][..]).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    });
}

#[test]
fn connecting_to_a_full_listener_times_out() {
    on_workers(|_| {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let address = listener.local_addr().unwrap();
        // SAFETY: no pointers involved, and the descriptor is open.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 1) }, 0);
        let mut streams = Vec::new();
        let error = loop {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => streams.push(stream),
                Err(error) => break error,
            }
            assert!(streams.len() < 10, "the kernel queues more than it was told to");
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let zero = TcpStream::connect_timeout(&address, Duration::ZERO).unwrap_err();
        assert_eq!(zero.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn many_read_from_one_stream() {
    on_workers(|_| {
        const TOTAL: usize = 20_000;
        let (client, server) = pair();
        let received = AtomicUsize::new(0);
        tasklets::scope(|scope| {
            for number in 0..10 {
                let (server, received) = (&server, &received);
                scope.spawn(move || {
                    let mut buffer = vec![0; 1 + number];
                    loop {
                        let mut from = server;
                        match from.read(&mut buffer).unwrap() {
                            0 => return,
                            read => received.fetch_add(read, Ordering::Relaxed),
                        };
                    }
                });
            }
            for piece in 0..TOTAL / 10 {
                (&client).write_all(&[7; 10]).unwrap();
                if piece % 16 == 0 {
                    tasklets::yield_now();
                }
            }
            client.shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(received.into_inner(), TOTAL);
    });
}

#[test]
fn a_stream_goes_from_home_to_home() {
    on_workers(|workers| {
        let homes = one_of_each_home(workers);
        let (mut client, mut server) = pair();
        for round in 0..10 * workers {
            let near = |home: usize| Builder::new().near(&homes[home % workers]);
            let reader = near(round).spawn(move || {
                let mut buffer = [0; 100];
                let read = server.read(&mut buffer).unwrap();
                assert_eq!(buffer[..read], vec![round as u8; read]);
                (server, read)
            });
            let writer = near(round / workers).spawn(move || {
                client.write_all(&vec![round as u8; 1 + round]).unwrap();
                client
            });
            client = writer.unwrap().join().unwrap();
            let read;
            (server, read) = reader.unwrap().join().unwrap();
            server.read_exact(&mut vec![0; 1 + round - read]).unwrap();
        }
    });
}

#[test]
fn two_homes_use_one_stream_at_once() {
    for workers in [2, 4] {
        Runtime::builder().workers(workers).build().unwrap().run(|| {
            const TOTAL: usize = 2 << 20;
            let homes = one_of_each_home(workers);
            let (client, server) = pair();
            let server = Arc::new(server);
            let echo = tasklets::spawn(move || echo(client));
            let (writing, reading) = (server.clone(), server);
            let writer = Builder::new().near(&homes[0]).spawn(move || send_pattern(&writing, TOTAL)).unwrap();
            let reader = Builder::new().near(&homes[1]).spawn(move || expect_pattern(&reading, TOTAL)).unwrap();
            join_all([writer, reader]);
            echo.join().unwrap();
        });
    }
}

#[test]
fn threads_may_use_sockets() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || echo(listener.accept().unwrap().0));
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(MOMENT)).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    client.set_read_timeout(None).unwrap();
    let client = Arc::new(client);
    let writer = std::thread::spawn({
        let client = client.clone();
        move || send_pattern(&client, 1 << 20)
    });
    // One end of the same stream on a tasklet.
    let reading = client.clone();
    tasklets::run(move || expect_pattern(&reading, 1 << 20));
    writer.join().unwrap();
    drop(client);
    server.join().unwrap();
}

#[test]
fn what_was_written_arrives_after_the_writer_is_gone() {
    on_workers(|_| {
        let (client, server) = pair();
        let writer = tasklets::spawn(move || send_pattern(&client, 3 << 20));
        expect_pattern(&server, 3 << 20);
        assert_eq!((&server).read(&mut [0]).unwrap(), 0);
        writer.join().unwrap();
    });
}

#[test]
fn a_writer_learns_that_the_reader_is_gone() {
    on_workers(|_| {
        let (mut client, server) = pair();
        let writer = tasklets::spawn(move || {
            loop {
                if let Err(error) = client.write(&[0; 10_000]) {
                    return error.kind();
                }
            }
        });
        (&server).read_exact(&mut [0; 10]).unwrap();
        drop(server);
        assert!(matches!(writer.join().unwrap(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
    });
}

#[test]
fn both_ends_can_be_cloned() {
    on_workers(|_| {
        const TOTAL: usize = 1 << 20;
        let (client, server) = pair();
        let mut tasks = Vec::new();
        for end in [client, server] {
            end.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
            let other = end.try_clone().unwrap();
            assert_eq!(other.read_timeout().unwrap(), Some(Duration::from_secs(300)));
            tasks.push(tasklets::spawn(move || {
                send_pattern(&end, TOTAL);
                end.shutdown(Shutdown::Write).unwrap();
            }));
            tasks.push(tasklets::spawn(move || {
                expect_pattern(&other, TOTAL);
                assert_eq!((&other).read(&mut [0]).unwrap(), 0);
            }));
        }
        join_all(tasks);
    });
}

#[test]
fn a_listener_can_be_cloned() {
    on_workers(|_| {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let address = listener.local_addr().unwrap();
        let other = listener.try_clone().unwrap();
        assert_eq!(other.local_addr().unwrap(), address);
        let accept = |listener: TcpListener| tasklets::spawn(move || listener.accept().unwrap());
        let accepting = [accept(listener), accept(other)];
        let _streams = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        join_all(accepting);
    });
}

#[test]
fn a_thousand_connections() {
    on_workers(|_| {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let address = listener.local_addr().unwrap();
        let server = tasklets::spawn(move || {
            for stream in listener.incoming().take(1000) {
                let stream = stream.unwrap();
                tasklets::spawn(move || echo(stream));
            }
        });
        let clients = (0..10).map(|_| {
            tasklets::spawn(move || {
                let streams: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
                for (number, mut stream) in streams.iter().enumerate() {
                    stream.write_all(&[number as u8; 3]).unwrap();
                }
                for (number, mut stream) in streams.iter().enumerate() {
                    let mut answer = [0; 3];
                    stream.read_exact(&mut answer).unwrap();
                    assert_eq!(answer, [number as u8; 3]);
                }
            })
        });
        join_all(clients);
        server.join().unwrap();
    });
}

#[test]
fn a_stream_that_is_always_ready_does_not_starve_others() {
    Runtime::builder().workers(1).build().unwrap().run(|| {
        let (mut client, mut server) = pair();
        client.write_all(&[0; 20_000]).unwrap();
        let had_a_turn = Arc::new(AtomicBool::new(false));
        let other = had_a_turn.clone();
        tasklets::spawn(move || other.store(true, Ordering::Relaxed));
        for _ in 0..20_000 {
            server.read_exact(&mut [0]).unwrap();
        }
        assert!(had_a_turn.load(Ordering::Relaxed));
    });
}

#[test]
fn nonblocking_means_no_waiting() {
    on_workers(|_| {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let (mut client, mut server) = pair();
        server.set_nonblocking(true).unwrap();
        assert_eq!(server.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        server.set_nonblocking(false).unwrap();
        let reader = tasklets::spawn(move || server.read(&mut [0]).unwrap());
        client.write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), 1);
    });
}

#[test]
fn options_are_the_kernels() {
    let (client, _server) = pair();
    client.set_nodelay(true).unwrap();
    assert!(client.nodelay().unwrap());
    client.set_ttl(33).unwrap();
    assert_eq!(client.ttl().unwrap(), 33);
    assert!(client.take_error().unwrap().is_none());
    assert!(format!("{client:?}").contains("TcpStream"));
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    listener.set_ttl(34).unwrap();
    assert_eq!(listener.ttl().unwrap(), 34);
    assert!(listener.take_error().unwrap().is_none());
}

#[test]
fn names_are_looked_up() {
    on_workers(|_| {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("localhost", port)).unwrap();
        TcpStream::connect(format!("localhost:{port}")).unwrap();
        TcpStream::connect((String::from("127.0.0.1"), port)).unwrap();
        assert_eq!("[::1]:80".to_socket_addrs().unwrap().collect::<Vec<_>>(), ["[::1]:80".parse().unwrap()]);
        assert_eq!(TcpStream::connect("no port").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(TcpStream::connect(&[][..]).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn std_streams_and_ours_become_each_other() {
    on_workers(|_| {
        let listener = TcpListener::from(std::net::TcpListener::bind(ANY_PORT).unwrap());
        let address = listener.local_addr().unwrap();
        let theirs = std::net::TcpStream::connect(address).unwrap();
        theirs.set_read_timeout(Some(MOMENT)).unwrap();
        let mut client = TcpStream::from(theirs);
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        client.set_read_timeout(None).unwrap();
        let (server, _) = listener.accept().unwrap();
        let reader = tasklets::spawn(move || {
            client.read_exact(&mut [0; 3]).unwrap();
            client
        });
        let mut server = server.into_std().unwrap();
        server.write_all(b"abc").unwrap();
        let client = std::net::TcpStream::try_from(reader.join().unwrap()).unwrap();
        assert_eq!(client.read_timeout().unwrap(), None);
        // In blocking mode, or this would fail.
        let thread = std::thread::spawn(move || { &client }.read_exact(&mut [0; 3]).unwrap());
        std::thread::sleep(MOMENT);
        server.write_all(b"abc").unwrap();
        thread.join().unwrap();
        listener.into_std().unwrap();
    });
}

#[test]
fn a_descriptor_number_that_is_used_again_for_the_same_socket() {
    on_workers(|_| {
        let (mut client, server) = pair();
        server.set_read_timeout(Some(MOMENT)).unwrap();
        // Waits, so it is registered; what is closed then is not its last descriptor.
        assert_eq!((&server).read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
        let number = server.as_raw_fd();
        let duplicate = std::os::fd::AsFd::as_fd(&server).try_clone_to_owned().unwrap();
        drop(server);
        // Other tests open descriptors too, so the number is not always to be had.
        let again: OwnedFd = duplicate.try_clone().unwrap();
        let same_number = again.as_raw_fd() == number;
        let mut server = TcpStream::from(again);
        let reader = tasklets::spawn(move || server.read(&mut [0]).unwrap());
        tasklets::yield_now();
        client.write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), 1, "same number: {same_number}");
    });
}

#[test]
fn a_runtime_ends_while_its_tasklets_wait_for_sockets() {
    struct Witness(Arc<AtomicUsize>);
    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for workers in [1, 2, 4] {
        let unwound = Arc::new(AtomicUsize::new(0));
        let runtime = Runtime::builder().workers(workers).build().unwrap();
        let address = runtime.run(|| {
            let listener = TcpListener::bind(ANY_PORT).unwrap();
            let address = listener.local_addr().unwrap();
            for _ in 0..10 {
                let client = TcpStream::connect(address).unwrap();
                let (mut server, _) = listener.accept().unwrap();
                let witness = Witness(unwound.clone());
                tasklets::spawn(move || {
                    let (_witness, _client) = (witness, client);
                    let _ = server.read(&mut [0]);
                });
            }
            let witness = Witness(unwound.clone());
            tasklets::spawn(move || {
                let _witness = witness;
                let _ = listener.accept();
            });
            for _ in 0..20 {
                tasklets::yield_now();
            }
            address
        });
        drop(runtime);
        assert_eq!(unwound.load(Ordering::Relaxed), 11);
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_stream_outlives_its_runtime() {
    let (client, server) = Runtime::new().unwrap().run(|| {
        let (client, mut server) = pair();
        let reader = tasklets::spawn(move || {
            server.read_exact(&mut [0]).unwrap();
            server
        });
        tasklets::yield_now();
        (&client).write_all(b"x").unwrap();
        (client, reader.join().unwrap())
    });
    on_workers(|_| {
        tasklets::scope(|scope| {
            scope.spawn(|| expect_pattern(&server, 100_000));
            send_pattern(&client, 100_000);
        });
    });
}

/// A read ends at urgent data although there is more behind it.
#[test]
fn urgent_data_hides_nothing() {
    on_workers(|_| {
        let (client, server) = pair();
        let reader = tasklets::spawn(move || {
            let mut received = [0; 100];
            (&server).read_exact(&mut received[..1]).unwrap();
            // All of it comes, and is reported, before any of it is read.
            tasklets::sleep(MOMENT);
            let mut count = 0;
            while count < 18 {
                count += (&server).read(&mut received[count..]).unwrap();
            }
            assert_eq!(received[..18], *b"before---after----");
        });
        tasklets::yield_now();
        (&client).write_all(b"xbefore---").unwrap();
        // SAFETY: one valid byte.
        let sent = unsafe { libc::send(client.as_raw_fd(), c"!".as_ptr().cast(), 1, libc::MSG_OOB) };
        assert_eq!(sent, 1);
        (&client).write_all(b"after----").unwrap();
        reader.join().unwrap();
    });
}
