//! One side of a workload as a child process, seen from the child. The protocol is in `side_process.rs`.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use crate::cpu;
use crate::failure::Failure;
use crate::options::SideCall;
use crate::side_process::{FAILED, FIGURES, MARK, READY, ROUND};
use crate::workload::Started;
use crate::workloads;

/// Sets the side up and does rounds until the parent hangs up.
pub(crate) fn run(call: &SideCall) -> ExitCode {
    let mut round = match start(call) {
        Ok(round) => round,
        Err(why) => fail(&why),
    };
    answer(READY);
    for line in std::io::stdin().lock().lines() {
        if !line.is_ok_and(|line| line == ROUND) {
            break;
        }
        let before = cpu::spent();
        match round() {
            Ok(figures) => {
                let cpu_ms = (cpu::spent() - before).as_secs_f64() * 1e3;
                let numbers: Vec<String> = [cpu_ms].iter().chain(&figures).map(f64::to_string).collect();
                answer(&format!("{FIGURES}{}", numbers.join(" ")));
            }
            Err(why) => fail(&why),
        }
    }
    ExitCode::SUCCESS
}

/// Finds the side and sets it up.
fn start(call: &SideCall) -> Started {
    let workload = workloads::find(&call.workload);
    let side = workload.and_then(|workload| workload.sides.iter().find(|side| side.name == call.side));
    let side = side.ok_or_else(|| Failure::new(format!("no side `{}` in `{}`", call.side, call.workload)))?;
    (side.start)(call.scale)
}

/// Sends one line to the parent. If the parent is gone, so is the reason to speak.
fn answer(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{MARK}{text}").and_then(|()| stdout.flush());
}

/// Sends the reason and ends the process, whatever state the side's runtime is in.
fn fail(why: &Failure) -> ! {
    answer(&format!("{FAILED}{why}"));
    std::process::exit(1)
}
