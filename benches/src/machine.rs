//! What a figure was measured on, and with which versions.

use std::fmt::Write;
use std::fs;
use std::process::Command;

/// The lock file this program was built with: the exact versions, not the requested ones.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The header of a report.
pub(crate) fn describe() -> String {
    let mut header = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(header, "{name}: {value}");
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    line("cpu", &format!("{}, {cores} cores usable", cpu_model()));
    line("memory", &field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown));
    line("kernel", &format!("Linux {} {}", read("/proc/sys/kernel/osrelease"), std::env::consts::ARCH));
    line("load", &format!("{} (1, 5, 15 minutes; other programs make figures rough)", load()));
    line("rustc", &rustc());
    let peers =
        ["tasklets", "tokio", "may", "rayon", "httparse"].map(|name| format!("{name} {}", versions(LOCK, name)));
    line("versions", &peers.join(", "));
    header
}

/// Whether a program of this name is on the `PATH`.
pub(crate) fn has_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The first processor's name. Arm has none in this file, only an implementer and a part.
fn cpu_model() -> String {
    let arm = || {
        let implementer = field("/proc/cpuinfo", "CPU implementer")?;
        Some(format!("arm implementer {implementer} part {}", field("/proc/cpuinfo", "CPU part")?))
    };
    field("/proc/cpuinfo", "model name").or_else(arm).unwrap_or_else(unknown)
}

/// The compiler's version. Cargo sets no variable for it at run time, so the one on the `PATH` is asked.
fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(unknown, |text| String::from_utf8_lossy(&text).trim().to_string())
}

/// The load averages.
fn load() -> String {
    read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// A whole small file.
fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_string())
}

/// The value of the first `name : value` line of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_string())
}

/// What stands for a fact that this machine does not tell.
fn unknown() -> String {
    "unknown".to_string()
}

/// Every version of a package in a lock file.
fn versions(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut found = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == name
            && let Some(version) = lines.next().and_then(|next| next.strip_prefix("version = "))
        {
            found.push(version.trim_matches('"'));
        }
    }
    if found.is_empty() { unknown() } else { found.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"may\"\nversion = \"0.3.51\"\n\n[[package]]\nname = \"may_queue\"\nversion = \"1.0.0\"\n";
        assert_eq!(versions(lock, "may"), "0.3.51");
        assert_eq!(versions(lock, "tokio"), "unknown");
    }

    #[test]
    fn tools_are_looked_up_on_the_path() {
        assert!(has_tool("sh"));
        assert!(!has_tool("no-such-program-anywhere"));
    }
}
