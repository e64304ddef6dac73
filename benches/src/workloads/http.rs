//! What a hello server spends on a request.
//!
//! Each side is a server in a process of its own that answers every request with the same bytes; 64 connections of
//! `wrk` load it over loopback for some seconds. The figure is the CPU time of the server's process, user and system,
//! over the requests that `wrk` got answers to; the rate shares the cores with `wrk` and says little. `http` keeps its
//! connections; `http-churn` has one for each request.
//!
//! Ours, tokio's, may's and the floor read into a buffer of the same size and share the parser and the answers (`exchange.rs`). Ours is
//! `net::serve` with blocking-style code, tokio and may have a task for each connection as in their own examples.
//! `epoll` is the floor: one loop for each worker around the bare system calls, each with its own listener. Two are
//! whole HTTP servers, which do more: `hyper` on tokio, whose answers have the same headers and body (its names are in lower case and it
//! leaves out the `Date` because it is told to), and Go's `net/http` as it comes, which writes a `Date` as well.

mod epoll;
mod exchange;
mod hyper;
pub(super) mod idle;
mod may;
mod tasklets;
mod tokio;
mod wrk;

use std::net::SocketAddr;

use crate::failure::Failure;
use crate::foreign;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};
use wrk::Traffic;

/// What both workloads tell.
const QUANTITIES: &[Quantity] = &[
    Quantity { name: "server's CPU us a request", decimals: 2, better: Better::Less },
    Quantity { name: "requests a second", decimals: 0, better: Better::More },
];

pub(crate) const KEEP_ALIVE: Workload = Workload {
    name: "http",
    about: "hello server, 64 connections that are kept",
    quantities: QUANTITIES,
    needs: &["wrk"],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| loaded(tasklets::serve, Traffic::KeepAlive, scale) },
        Side { name: "tokio", start: |scale| loaded(tokio::serve, Traffic::KeepAlive, scale) },
        Side { name: "hyper", start: |scale| loaded(hyper::serve, Traffic::KeepAlive, scale) },
        Side { name: "may", start: |scale| loaded(may::serve, Traffic::KeepAlive, scale) },
        Side { name: "epoll", start: |scale| loaded(epoll::serve, Traffic::KeepAlive, scale) },
        Side { name: "go", start: |scale| foreign::go("http", scale) },
    ],
};

pub(crate) const CHURN: Workload = Workload {
    name: "http-churn",
    about: "hello server, a connection for each request, 64 at a time",
    quantities: QUANTITIES,
    needs: &["wrk"],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| loaded(tasklets::serve, Traffic::Churn, scale) },
        Side { name: "tokio", start: |scale| loaded(tokio::serve, Traffic::Churn, scale) },
        Side { name: "hyper", start: |scale| loaded(hyper::serve, Traffic::Churn, scale) },
        Side { name: "may", start: |scale| loaded(may::serve, Traffic::Churn, scale) },
        Side { name: "epoll", start: |scale| loaded(epoll::serve, Traffic::Churn, scale) },
        Side { name: "go", start: |scale| foreign::go("http-churn", scale) },
    ],
};

/// Starts a server, tries it, and loads it in each round. The server runs until its process ends.
fn loaded(serve: fn(usize) -> Result<SocketAddr, Failure>, traffic: Traffic, scale: Scale) -> Started {
    let server = serve(scale.workers)?;
    exchange::try_out(server)?;
    let seconds = scale.pick(3, 1);
    Ok(Box::new(move || wrk::load(server, traffic, seconds)))
}
