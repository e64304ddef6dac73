//! One side of a workload as a child process, seen from the parent.
//!
//! The child is this program again (`side_main.rs`), or its twin with another feature (`migrating.rs`), or becomes one in another
//! language (`foreign.rs`). They speak in lines:
//!
//! | parent, on the child's stdin | child, on its stdout | meaning |
//! | --- | --- | --- |
//! | | `@side ready` | the side is set up |
//! | `round` | | do one round |
//! | | `@side figures 80 1.5 2` | CPU time of the round in ms, then its figures, one for each quantity |
//! | | `@side failed WHY` | the setup or the round failed |
//!
//! Other lines on stdout are the peers' own and are ignored. A child that ends before it answered has failed too; the
//! reason is then what it left on stderr. The parent kills a child that it is done with: an orderly end is no
//! part of any workload, and a peer that broke down may be unable to give one.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::failure::Failure;
use crate::migrating;
use crate::options::SideCall;
use crate::workload::{MIGRATING, OURS};

/// Starts each line of the protocol on the child's stdout.
pub(crate) const MARK: &str = "@side ";
/// The order to do one round.
pub(crate) const ROUND: &str = "round";
/// The answer of a side that is set up.
pub(crate) const READY: &str = "ready";
/// Starts the answer to a round that went well.
pub(crate) const FIGURES: &str = "figures ";
/// Starts the answer to anything that did not.
pub(crate) const FAILED: &str = "failed ";

/// A side that takes longer over one answer hangs: the slowest round takes some seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// The same for peers in a quick run, whose rounds take a fraction of a second: one that hangs must not use it up.
const QUICK_PATIENCE: Duration = Duration::from_secs(5);

/// What a side tells about one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RoundReport {
    /// CPU time of the side's process, user and system, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// One for each quantity of the workload.
    pub(crate) figures: Vec<f64>,
}

impl RoundReport {
    /// Reads what follows [`FIGURES`].
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().ok().filter(|it| it.is_finite()));
        Some(Self { cpu_ms: numbers.next()??, figures: numbers.collect::<Option<_>>()? })
    }
}

/// A running side. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct SideProcess {
    child: Child,
    orders: ChildStdin,
    /// The protocol's lines, without their mark; disconnected when the child's stdout ends.
    answers: Receiver<String>,
    /// How long an answer may take.
    patience: Duration,
    /// Collects stderr. Taken when a failure needs it.
    complaints: Option<JoinHandle<String>>,
}

impl SideProcess {
    /// Starts the process and waits until the side is set up.
    pub(crate) fn start(call: &SideCall) -> Result<Self, Failure> {
        let program = if call.side == MIGRATING { migrating::program()? } else { std::env::current_exe()? };
        let mut child = Command::new(program)
            .args(call.arguments())
            // The one way to tell smol how many threads it may have.
            .env("SMOL_THREADS", call.scale.workers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three streams were asked to be pipes");
        };
        let (answer, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let marked = line.strip_prefix(MARK);
                if marked.is_some_and(|text| answer.send(text.to_string()).is_err()) {
                    break;
                }
            }
        });
        let complaints = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = BufReader::new(stderr).read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let patience = if call.scale.quick && call.side != OURS { QUICK_PATIENCE } else { PATIENCE };
        let mut side = Self { child, orders, answers, patience, complaints: Some(complaints) };
        match side.answer()?.as_str() {
            READY => Ok(side),
            other => Err(Failure::new(format!("unexpected answer `{other}`"))),
        }
    }

    /// Has one round done.
    pub(crate) fn round(&mut self) -> Result<RoundReport, Failure> {
        // A child that died cannot be written to; `answer` then says why it died.
        let _ = writeln!(self.orders, "{ROUND}");
        let answer = self.answer()?;
        let report = answer.strip_prefix(FIGURES).and_then(RoundReport::parse);
        report.ok_or_else(|| Failure::new(format!("unexpected answer `{answer}`")))
    }

    /// The child's next answer, if it is not a failure.
    fn answer(&mut self) -> Result<String, Failure> {
        match self.answers.recv_timeout(self.patience) {
            Ok(answer) => match answer.strip_prefix(FAILED) {
                Some(why) => Err(Failure::new(why)),
                None => Ok(answer),
            },
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                let seconds = self.patience.as_secs();
                Err(self.obituary(&format!("no answer in {seconds} s")))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(self.obituary(&status))
            }
        }
    }

    /// Why a child that no longer runs failed: what it said on stderr, and how it ended.
    fn obituary(&mut self, end: &str) -> Failure {
        let said = self.complaints.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        match cause(&said) {
            Some(cause) => Failure::new(format!("{cause} ({end})")),
            None => Failure::new(end),
        }
    }
}

impl Drop for SideProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line of a program's stderr that tells most: the first panic's message, or else the first line.
fn cause(said: &str) -> Option<&str> {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next();
    lines.find(|line| line.contains(" panicked at ")).and_then(|_| lines.next()).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_its_cpu_time_and_its_figures() {
        assert_eq!(RoundReport::parse("80 1.5 2"), Some(RoundReport { cpu_ms: 80.0, figures: vec![1.5, 2.0] }));
        for wrong in ["", "80 x", "80 NaN"] {
            assert_eq!(RoundReport::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_panic_is_the_cause() {
        let said = "warning\nthread 'a' panicked at src/x.rs:1:1:\nno memory\nthread 'b' panicked at y:\nother";
        assert_eq!(cause(said), Some("no memory"));
    }

    #[test]
    fn without_a_panic_the_first_line_is() {
        assert_eq!(cause("\nout of stacks\nmore\n"), Some("out of stacks"));
        assert_eq!(cause(""), None);
    }
}
