//! What an idle connection keeps resident.
//!
//! The servers are those of `http`. Connections are opened from the same process, which costs it nothing but the
//! descriptors, and the growth of its resident memory is divided by their number: first when all are open and nothing
//! was sent, then when each has had one request answered and is idle again. What the kernel keeps for the sockets is
//! not counted; it is the same for all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{epoll, exchange, hyper, may, tasklets, tokio};
use crate::failure::Failure;
use crate::foreign;
use crate::resident::resident;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "http-idle",
    about: "5,000 idle connections to a hello server (400 with --quick)",
    quantities: &[
        Quantity { name: "resident bytes a fresh connection", decimals: 0, better: Better::Less },
        Quantity { name: "resident bytes after a request", decimals: 0, better: Better::Less },
    ],
    needs: &[],
    fresh_process: true,
    sides: &[
        Side { name: OURS, start: |scale| idle(tasklets::serve, scale) },
        Side { name: "tokio", start: |scale| idle(tokio::serve, scale) },
        Side { name: "hyper", start: |scale| idle(hyper::serve, scale) },
        Side { name: "may", start: |scale| idle(may::serve, scale) },
        Side { name: "epoll", start: |scale| idle(epoll::serve, scale) },
        Side { name: "go", start: |scale| foreign::go("http-idle", scale) },
    ],
};

/// How long the server may take to do with the connections what it does, which nothing tells from outside.
const SETTLING: Duration = Duration::from_millis(300);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn idle(serve: fn(usize) -> Result<SocketAddr, Failure>, scale: Scale) -> Started {
    let connections: usize = scale.pick(5_000, 400);
    // Two for each connection, and some for the runtime.
    allow_descriptors(2 * connections as u64 + 200)?;
    let server = serve(scale.workers)?;
    exchange::try_out(server)?;
    Ok(Box::new(move || {
        let mut streams = Vec::with_capacity(connections);
        std::thread::sleep(SETTLING);
        let before = resident()?;
        for _ in 0..connections {
            let stream = TcpStream::connect(server)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            streams.push(stream);
        }
        std::thread::sleep(SETTLING);
        let fresh = resident()?.saturating_sub(before);
        for stream in &mut streams {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            stream.read_exact(&mut [0; exchange::KEEP.len()])?;
        }
        std::thread::sleep(SETTLING);
        let used = resident()?.saturating_sub(before);
        Ok([fresh, used].map(|bytes| bytes as f64 / connections as f64).to_vec())
    }))
}

/// Raises the limit on open descriptors as far as the system lets it, if it is lower than this.
fn allow_descriptors(wanted: u64) -> Result<(), Failure> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the write of one `rlimit`.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    if limit.rlim_cur >= wanted {
        return Ok(());
    }
    if limit.rlim_max < wanted {
        let allowed = limit.rlim_max;
        return Err(Failure::new(format!("{wanted} descriptors are needed and {allowed} allowed: raise `ulimit -Hn`")));
    }
    limit.rlim_cur = wanted;
    // SAFETY: `limit` is a whole `rlimit`, which the call reads.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(())
}
