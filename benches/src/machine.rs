//! What a figure was measured on, and with which versions.

use std::fmt;
use std::fs;
use std::process::Command;

/// The lock file this program was built with: the exact versions, not the requested ones.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The crates whose versions matter, ours first.
const CRATES: &[&str] = &[
    "tasklets",
    "tokio",
    "hyper",
    "may",
    "smol",
    "rayon",
    "chili",
    "crossbeam-channel",
    "kanal",
    "flume",
    "async-channel",
    "httparse",
];

/// Another language that has sides.
struct Foreign {
    /// What its sides are called.
    side: &'static str,
    /// The program that builds or runs them.
    tool: &'static str,
    /// How that program is asked for its version.
    version: &'static [&'static str],
}

/// All of them.
const FOREIGN: &[Foreign] = &[
    Foreign { side: "go", tool: "go", version: &["version"] },
    Foreign { side: "erlang", tool: "erl", version: ERLANG_VERSION },
];

/// Erlang tells its release only from inside.
const ERLANG_VERSION: &[&str] =
    &["-noshell", "-eval", "io:format(\"~s~n\", [erlang:system_info(otp_release)]), halt()."];

/// What a figure depends on, as names and values, in the order of a report's header.
#[derive(Debug, Clone)]
pub(crate) struct Machine(Vec<(&'static str, String)>);

impl Machine {
    /// This machine as it is now, and the versions this program was built with.
    pub(crate) fn describe() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let kernel = format!("Linux {} {}", read("/proc/sys/kernel/osrelease"), std::env::consts::ARCH);
        let crates: Vec<String> = CRATES.iter().map(|name| format!("{name} {}", versions(LOCK, name))).collect();
        let mut facts = vec![
            ("cpu", format!("{}, {cores} cores usable", cpu_model())),
            ("memory", field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown)),
            ("kernel", kernel),
            ("load", format!("{} (1, 5, 15 minutes; other programs make figures rough)", load())),
            ("rustc", answer("rustc", &["--version"])),
            ("crates", crates.join(", ")),
        ];
        let foreign = FOREIGN.iter().map(|language| {
            let version = match has_tool(language.tool) {
                true => answer(language.tool, language.version),
                false => format!("`{}` is not on the PATH, so its sides are left out", language.tool),
            };
            (language.side, version)
        });
        facts.extend(foreign);
        Self(facts)
    }

    /// Names and values.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))
    }
}

/// What compiled this program, and for what.
pub(crate) fn toolchain() -> String {
    format!("{}, {}", answer("rustc", &["--version"]), std::env::consts::ARCH)
}

/// Whether the side of this name can take part: one in another language needs that language's tool.
pub(crate) fn can_run(side: &str) -> bool {
    FOREIGN.iter().all(|language| language.side != side || has_tool(language.tool))
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

/// What a program on the `PATH` prints about its version. Cargo sets no variable for the compiler's at run time.
fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
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
