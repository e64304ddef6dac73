//! All workloads, in the order they are measured.

mod fan_out;
mod fork_join;
mod http;
mod parked;
mod ping_pong;
mod skynet;
mod spawn_join;
mod yields;

use crate::workload::Workload;

/// The registry.
pub(crate) const ALL: &[&Workload] = &[
    &yields::WORKLOAD,
    &spawn_join::WORKLOAD,
    &fork_join::WORKLOAD,
    &parked::WORKLOAD,
    &skynet::WORKLOAD,
    &ping_pong::WORKLOAD,
    &fan_out::WORKLOAD,
    &http::KEEP_ALIVE,
    &http::CHURN,
];

/// The workload of this name.
pub(crate) fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().copied().find(|workload| workload.name == name)
}
