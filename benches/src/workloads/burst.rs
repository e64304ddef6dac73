//! Whether connections that come in a burst and then live long are spread over the workers.
//!
//! A server accepts 64 connections at once, and then each of them sends a request now and again, which takes about 50 us of computing:
//! in each of some hundred steps every connection sends one, and gets its answer. The figure is the time of all this over the ideal, which
//! is that of the same computations in a row on one thread (the best of several), divided by the workers (by the cores, if those are fewer).
//! Nobody gets to 1, for the sockets cost something too, and the client, a process of its own, needs a core now and then; a server that
//! leaves all connections on one of two workers is at twice the figure of one that spreads them.
//!
//! `first` is a burst on a server that has just started, `again` the next one, after the first has closed its connections.
//! Ours is `net::serve`, the others have a task for each connection, as in their own examples.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fan_out::compute;
use crate::failure::{Failure, check};
use crate::foreign;
use crate::options::LOAD_OPTION;
use crate::runtimes;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "burst",
    about: "64 connections at once, then 50 us of computing for each of their requests",
    quantities: &[
        Quantity { name: "time over ideal, first burst", decimals: 3, better: Better::OverIdeal },
        Quantity { name: "time over ideal, another burst after it", decimals: 3, better: Better::OverIdeal },
    ],
    needs: &[],
    fresh_process: true,
    sides: &[
        Side { name: OURS, start: |scale| start(tasklets, scale) },
        Side { name: "tokio", start: |scale| start(tokio, scale) },
        Side { name: "may", start: |scale| start(may, scale) },
        Side { name: "threads", start: |scale| start(threads, scale) },
        Side { name: "go", start: |scale| foreign::go("burst", scale) },
    ],
};

/// Connections of a burst.
const CONNECTIONS: u64 = 64;
/// Steps of a computation, about 50 us on current machines.
const COMPUTING: u32 = 30_000;
/// Runs on one thread, of which the best counts.
const SERIAL_RUNS: u32 = 5;

/// Requests of each connection.
fn requests(scale: Scale) -> u64 {
    scale.pick(300, 40)
}

/// The client: opens the connections, sends their requests, and prints how long it took in nanoseconds and the sum of the answers.
///
/// A process of its own, and the same for all sides.
pub(crate) fn load(server: &str, requests: &str) -> Result<(), Failure> {
    let (server, requests): (SocketAddr, u64) = (server.parse()?, requests.parse()?);
    let begun = Instant::now();
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut sum = 0_u64;
    for _ in 0..requests {
        for (stream, number) in streams.iter_mut().zip(0_u64..) {
            stream.write_all(&number.to_le_bytes())?;
        }
        for stream in &mut streams {
            let mut answer = [0; 8];
            stream.read_exact(&mut answer)?;
            sum = sum.wrapping_add(u64::from_le_bytes(answer));
        }
    }
    println!("{} {sum}", begun.elapsed().as_nanos());
    Ok(())
}

/// Has a burst made by the client, and returns how long it took and the sum of all answers.
fn burst(server: SocketAddr, requests: u64) -> Result<(Duration, u64), Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args([LOAD_OPTION, &server.to_string(), &requests.to_string()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(Failure::new(format!("the client: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.trim().split_once(' ');
    let (took, sum) = numbers.ok_or_else(|| Failure::new(format!("the client said `{text}`")))?;
    Ok((Duration::from_nanos(took.parse()?), sum.parse()?))
}

/// The computations of one step on this thread: their sum, and the least time that they took.
fn serial() -> (u64, Duration) {
    let run = |_| {
        let begun = Instant::now();
        let sum = (0..CONNECTIONS).map(|number| compute(number, COMPUTING)).fold(0, u64::wrapping_add);
        (sum, begun.elapsed())
    };
    (0..SERIAL_RUNS).map(run).min_by_key(|run| run.1).unwrap_or_default()
}

/// A round of two bursts on this server, which runs until its process ends.
fn start(serve: fn(usize) -> Result<SocketAddr, Failure>, scale: Scale) -> Started {
    // Asked before anything starts: may ties each of its workers to a core, and they see only that one.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = scale.workers.min(cores);
    let server = serve(scale.workers)?;
    let requests = requests(scale);
    Ok(Box::new(move || {
        let (sum, serial) = serial();
        let ideal = serial.as_secs_f64() * requests as f64 / workers as f64;
        let mut figures = Vec::new();
        for _ in WORKLOAD.quantities {
            let (took, answers) = burst(server, requests)?;
            check("the sum of all answers", answers, sum.wrapping_mul(requests))?;
            figures.push(took.as_secs_f64() / ideal);
        }
        Ok(figures)
    }))
}

/// The life of one connection where reading and writing block.
fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut number = [0; 8];
    // It ends with an error when the client closes it.
    loop {
        stream.read_exact(&mut number)?;
        stream.write_all(&compute(u64::from_le_bytes(number), COMPUTING).to_le_bytes())?;
    }
}

fn tasklets(workers: usize) -> Result<SocketAddr, Failure> {
    let runtime = runtimes::tasklets(workers)?;
    let listener = runtime.run(|| tasklets::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        runtime.run(|| {
            tasklets::net::serve(listener, |stream, _| {
                let _ = answer(stream);
            })?
            .join()
        })
    });
    Ok(address)
}

fn tokio(workers: usize) -> Result<SocketAddr, Failure> {
    async fn answer(mut stream: tokio::net::TcpStream) -> io::Result<()> {
        let mut number = [0; 8];
        loop {
            stream.read_exact(&mut number).await?;
            stream.write_all(&compute(u64::from_le_bytes(number), COMPUTING).to_le_bytes()).await?;
        }
    }
    runtimes::serve_on_tokio(workers, answer)
}

fn may(workers: usize) -> Result<SocketAddr, Failure> {
    runtimes::may(workers);
    let listener = may::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    drop(may::go!(move || {
        while let Ok((stream, _)) = listener.accept() {
            drop(may::go!(move || answer(stream)));
        }
    }));
    Ok(address)
}

fn threads(_workers: usize) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}
