//! Load by `wrk`, and the CPU time that this process spends under it.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::cpu;
use crate::failure::Failure;

/// How the load generator uses its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// One request after another on each.
    KeepAlive,
    /// A new one for each request.
    Churn,
}

/// Connections at a time.
const CONNECTIONS: &str = "-c64";

/// Loads the server in this process and returns its CPU time a request in microseconds, and the requests a second.
pub(super) fn load(server: SocketAddr, traffic: Traffic, seconds: u32) -> Result<Vec<f64>, Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t1", CONNECTIONS, &format!("-d{seconds}s")]);
    if traffic == Traffic::Churn {
        command.args(["-H", "Connection: close"]);
    }
    let wrk = command.arg(format!("http://{server}/")).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let before = cpu::spent();
    let output = wrk.wait_with_output()?;
    let spent = (cpu::spent() - before).as_secs_f64();
    let report = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(Failure::new(format!("wrk: {}: {report}", output.status)));
    }
    let (requests, took) = answered(&report)?;
    Ok(vec![spent * 1e6 / requests, requests / took])
}

/// The requests that were answered and the seconds they took, from a report without errors.
fn answered(report: &str) -> Result<(f64, f64), Failure> {
    if let Some(errors) = report.lines().find(|line| line.contains("errors:") || line.contains("Non-2xx")) {
        return Err(Failure::new(format!("wrk: {errors}")));
    }
    let line = report.lines().find(|line| line.contains(" requests in "));
    let parts = line.and_then(|line| line.trim().split(',').next()?.strip_suffix('s')?.split_once(" requests in "));
    let figures = parts.and_then(|(requests, took)| Some((requests.parse().ok()?, took.parse().ok()?)));
    match figures {
        Some((requests, took)) if requests > 0.0 && took > 0.0 => Ok((requests, took)),
        _ => Err(Failure::new(format!("wrk answered nothing that is understood: {report}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_report_is_understood() {
        let report = "Running 1s test\n  90507 requests in 1.10s, 7.77MB read\nRequests/sec:  82283.95\n";
        assert_eq!(answered(report), Ok((90507.0, 1.10)));
    }

    #[test]
    fn errors_are_failures() {
        let report = "  10 requests in 1.00s, 1KB read\n  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        assert!(answered(report).is_err());
        assert!(answered("  10 requests in 1.00s, 1KB read\n  Non-2xx or 3xx responses: 3\n").is_err());
        assert!(answered("  0 requests in 1.00s, 0.00B read\n").is_err());
    }
}
