//! All workloads, in the order they are measured.

mod burst;
mod channels;
mod fan_out;
mod fork_join;
mod hello;
mod hogs;
mod http;
mod locks;
mod parked;
mod percentiles;
mod ping_pong;
mod savina;
mod skynet;
mod sleepers;
mod spawn_join;
mod start_stop;
mod tokio_set;
mod tree_sum;
mod uneven;
mod yields;

use crate::workload::Workload;

/// The registry.
pub(crate) const ALL: &[&Workload] = &joined::<{ SINGLE.len() + channels::ROWS.len() }>(SINGLE, channels::ROWS);

/// All but the rows of the channel suite, which is a registry of its own.
const SINGLE: &[&Workload] = &[
    &yields::WORKLOAD,
    &spawn_join::WORKLOAD,
    &fork_join::WORKLOAD,
    &tree_sum::WORKLOAD,
    &parked::WORKLOAD,
    &skynet::WORKLOAD,
    &ping_pong::WORKLOAD,
    &fan_out::WORKLOAD,
    &uneven::WORKLOAD,
    &burst::WORKLOAD,
    &hogs::WORKLOAD,
    &sleepers::WORKLOAD,
    &tokio_set::spawn_many_local::WORKLOAD,
    &tokio_set::spawn_many_remote::IDLE,
    &tokio_set::spawn_many_remote::BUSY,
    &tokio_set::yield_many::WORKLOAD,
    &tokio_set::ping_pong::WORKLOAD,
    &tokio_set::chained_spawn::WORKLOAD,
    &savina::ping_pong::WORKLOAD,
    &savina::counting::WORKLOAD,
    &savina::fork_join::CREATE,
    &savina::fork_join::THROUGHPUT,
    &savina::thread_ring::WORKLOAD,
    &savina::chameneos::WORKLOAD,
    &savina::big::WORKLOAD,
    &savina::bounded_buffer::WORKLOAD,
    &savina::philosophers::WORKLOAD,
    &http::KEEP_ALIVE,
    &http::CHURN,
    &http::idle::WORKLOAD,
    &locks::MUTEX,
    &locks::RWLOCK,
    &locks::SEMAPHORE,
    &start_stop::WORKLOAD,
    &hello::WORKLOAD,
    &channels::latency::RENDEZVOUS,
    &channels::latency::BUFFERED,
    &channels::ring::WORKLOAD,
    &channels::wake_to_run::WORKLOAD,
    &channels::timeout_churn::WORKLOAD,
    &channels::parked_receivers::BLOCKING,
    &channels::parked_receivers::ASYNC,
];

/// Two registries as one; `N` is the sum of their lengths.
const fn joined<const N: usize>(first: &[&'static Workload], second: &[&'static Workload]) -> [&'static Workload; N] {
    assert!(first.len() + second.len() == N);
    let mut all = [first[0]; N];
    let mut index = 0;
    while index < N {
        all[index] = if index < first.len() { first[index] } else { second[index - first.len()] };
        index += 1;
    }
    all
}

pub(crate) use burst::load;

/// The workload of this name.
pub(crate) fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().copied().find(|workload| workload.name == name)
}

/// The workloads that a user calls so: the one of this name, or else the family whose names begin with it and a hyphen.
pub(crate) fn called(name: &str) -> Vec<&'static Workload> {
    if let Some(workload) = find(name) {
        return vec![workload];
    }
    let member = |workload: &&Workload| workload.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    ALL.iter().copied().filter(member).collect()
}
