//! How large a program is that only says hello from a task, and how long it runs.
//!
//! The programs are `src/bin/hello_*.rs`, built as this one is (optimised), and stripped. `wall` is from the start of
//! the process to its end, so it has the start and the end of a runtime with as many workers as it takes by default.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::failure::{Failure, check};
use crate::foreign;
use crate::target;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "hello",
    about: "a whole program: one task says hello",
    quantities: &[
        Quantity { name: "KiB, stripped", decimals: 0, better: Better::Less },
        Quantity { name: "us of wall time", decimals: 0, better: Better::Less },
    ],
    needs: &["strip"],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: |scale| rust("hello_tasklets", scale) },
        Side { name: "tokio", start: |scale| rust("hello_tokio", scale) },
        Side { name: "smol", start: |scale| rust("hello_smol", scale) },
        Side { name: "may", start: |scale| rust("hello_may", scale) },
        Side { name: "threads", start: |scale| rust("hello_threads", scale) },
        Side { name: "go", start: |scale| program(foreign::built_go("hello")?, scale) },
    ],
};

/// One of this package's programs, stripped.
fn rust(name: &str, scale: Scale) -> Started {
    let built = target::profile()?.join(name);
    let stripped = target::folder("bench-hello")?.join(name);
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(&built).stdin(Stdio::null()).status()?;
    if !status.success() {
        return Err(Failure::new(format!("strip {}: {status}", built.display())));
    }
    program(stripped, scale)
}

/// Runs a program again and again.
fn program(file: PathBuf, scale: Scale) -> Started {
    let bytes = std::fs::metadata(&file)?.len();
    let runs: u32 = scale.pick(50, 5);
    Ok(Box::new(move || {
        let begun = Instant::now();
        for _ in 0..runs {
            let output = Command::new(&file).stdin(Stdio::null()).output()?;
            check("what it says", String::from_utf8_lossy(&output.stdout).trim(), "hello")?;
        }
        Ok(vec![bytes as f64 / 1024.0, begun.elapsed().as_nanos() as f64 / 1e3 / f64::from(runs)])
    }))
}
