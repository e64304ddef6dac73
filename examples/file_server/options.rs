//! The command line.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Serves the files of a directory over HTTP/1.1.

Usage: file_server [DIR] [OPTIONS]

  DIR                        directory to serve [default: the current one]
  --addr ADDRESS:PORT        where to listen [default: 127.0.0.1:8080]; port 0 takes a free one
  --workers N                worker threads [default: as many as there are cores]
  --max-connections N        connections served at a time; more are told 503 [default: 10000]
  --header-timeout SECONDS   time for a request to arrive, from its first byte [default: 10]
  --idle-timeout SECONDS     how long a connection may wait for its next request [default: 60]
  --write-timeout SECONDS    how long a client may take nothing of its response [default: 30]
  --log                      print a line for each response (Common Log Format)
  --help                     print this

Ctrl-C stops it when the responses under way are finished; a second one stops it at once.
";

/// The longest timeout.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Serve(Options),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) directory: PathBuf,
    pub(crate) address: SocketAddr,
    /// `None`: the runtime decides.
    pub(crate) workers: Option<usize>,
    pub(crate) max_connections: usize,
    pub(crate) timeouts: Timeouts,
    pub(crate) log: bool,
}

/// How long the server waits for a client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timeouts {
    /// For a whole request (head, and body if any), from its first byte. A deadline, not a limit
    /// for each read: a client that sends a byte now and then does not get around it.
    pub(crate) request: Duration,
    /// For the first byte of a request.
    pub(crate) idle: Duration,
    /// For some progress of a response.
    pub(crate) write: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            directory: PathBuf::from("."),
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: None,
            max_connections: 10_000,
            timeouts: Timeouts {
                request: Duration::from_secs(10),
                idle: Duration::from_secs(60),
                write: Duration::from_secs(30),
            },
            log: false,
        }
    }
}

/// A command line that makes no sense, and why.
#[derive(Debug, PartialEq)]
pub(crate) enum UsageError {
    UnknownOption(String),
    SecondDirectory(PathBuf),
    MissingValue(&'static str),
    BadValue { option: &'static str, value: String, wanted: &'static str },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::UnknownOption(option) => write!(f, "unknown option {option}"),
            UsageError::SecondDirectory(directory) => {
                write!(f, "only one directory can be served, and {directory:?} is a second one")
            }
            UsageError::MissingValue(option) => write!(f, "{option} needs a value"),
            UsageError::BadValue { option, value, wanted } => {
                write!(f, "{option} needs {wanted}, not {value:?}")
            }
        }?;
        f.write_str(" (--help lists the options)")
    }
}

/// Reads the arguments, the program's name not among them.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut arguments = arguments.into_iter();
    let mut options = Options::default();
    let mut directory = None;
    while let Some(argument) = arguments.next() {
        // `--option=value` says the same as `--option value`.
        let (name, mut inline_value) = split_at_equals(&argument);
        let is_flag = inline_value.is_none();
        let mut value =
            |option| inline_value.take().or_else(|| arguments.next()).ok_or(UsageError::MissingValue(option));
        match name.to_str() {
            Some("--addr") => {
                options.address = parsed("--addr", &value("--addr")?, "an address and a port")?;
            }
            Some("--workers") => {
                options.workers = Some(count("--workers", &value("--workers")?)?);
            }
            Some("--max-connections") => {
                options.max_connections = count("--max-connections", &value("--max-connections")?)?;
            }
            Some("--header-timeout") => {
                options.timeouts.request = seconds("--header-timeout", &value("--header-timeout")?)?;
            }
            Some("--idle-timeout") => {
                options.timeouts.idle = seconds("--idle-timeout", &value("--idle-timeout")?)?;
            }
            Some("--write-timeout") => {
                options.timeouts.write = seconds("--write-timeout", &value("--write-timeout")?)?;
            }
            Some("--log") if is_flag => options.log = true,
            Some("--help" | "-h") if is_flag => return Ok(Command::Help),
            Some(option) if option.starts_with('-') && option.len() > 1 => {
                return Err(UsageError::UnknownOption(option.to_owned()));
            }
            _ if directory.is_none() => directory = Some(PathBuf::from(argument)),
            _ => return Err(UsageError::SecondDirectory(argument.into())),
        }
    }
    options.directory = directory.unwrap_or(options.directory);
    Ok(Command::Serve(options))
}

fn split_at_equals(argument: &OsStr) -> (OsString, Option<OsString>) {
    match argument.to_str().and_then(|text| text.split_once('=')) {
        Some((name, value)) if name.starts_with("--") => (name.into(), Some(value.into())),
        _ => (argument.to_owned(), None),
    }
}

fn parsed<T: std::str::FromStr>(option: &'static str, value: &OsStr, wanted: &'static str) -> Result<T, UsageError> {
    value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| UsageError::BadValue {
        option,
        value: value.to_string_lossy().into_owned(),
        wanted,
    })
}

fn count(option: &'static str, value: &OsStr) -> Result<usize, UsageError> {
    let wanted = "a whole number, 1 or more";
    parsed(option, value, wanted).map(std::num::NonZero::get)
}

fn seconds(option: &'static str, value: &OsStr) -> Result<Duration, UsageError> {
    let wanted = "a number of seconds, above 0 and at most a year of them";
    let number: f64 = parsed(option, value, wanted)?;
    // Sockets refuse a duration that rounds to nothing, and the clock one that leads past its end.
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() && duration <= YEAR => Ok(duration),
        _ => Err(UsageError::BadValue { option, value: value.to_string_lossy().into_owned(), wanted }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &str) -> Result<Command, UsageError> {
        parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        assert_eq!(parse_words(""), Ok(Command::Serve(Options::default())));
    }

    #[test]
    fn every_option_is_understood_in_both_spellings() {
        let expected = Options {
            directory: PathBuf::from("site"),
            address: SocketAddr::from(([0, 0, 0, 0], 80)),
            workers: Some(3),
            max_connections: 7,
            timeouts: Timeouts {
                request: Duration::from_millis(500),
                idle: Duration::from_secs(2),
                write: Duration::from_secs(3),
            },
            log: true,
        };
        let spaced = "--addr 0.0.0.0:80 --workers 3 site --max-connections 7 \
                      --header-timeout 0.5 --idle-timeout 2 --write-timeout 3 --log";
        let equals = "--addr=0.0.0.0:80 --workers=3 --max-connections=7 \
                      --header-timeout=0.5 --idle-timeout=2 --write-timeout=3 --log site";
        assert_eq!(parse_words(equals), parse_words(spaced));
        assert_eq!(parse_words(spaced), Ok(Command::Serve(expected)));
    }

    #[test]
    fn help_wins() {
        assert_eq!(parse_words("site --help"), Ok(Command::Help));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse_words("--wrokers 3"), Err(UsageError::UnknownOption("--wrokers".into())));
        assert_eq!(parse_words("--log=yes"), Err(UsageError::UnknownOption("--log".into())));
        assert_eq!(parse_words("--addr"), Err(UsageError::MissingValue("--addr")));
        assert_eq!(parse_words("a b"), Err(UsageError::SecondDirectory("b".into())));
        for bad in [
            "--workers 0",
            "--workers many",
            "--addr localhost",
            "--idle-timeout -1",
            "--idle-timeout 0",
            "--idle-timeout 1e-30",
            "--idle-timeout 1e18",
            "--idle-timeout nan",
        ] {
            assert!(matches!(parse_words(bad), Err(UsageError::BadValue { .. })), "{bad}");
        }
    }
}
