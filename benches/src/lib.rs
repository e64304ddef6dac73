//! Side-by-side benchmarks of `tasklets` and its peers.
//!
//! A *workload* (one file each in `workloads/`) is done by several *sides*: `tasklets` and its peers. Each side runs in
//! a child process of its own, because a peer may configure itself once per process, memory is counted per process,
//! and a side that dies must not take the others along. The children of a workload stay alive side by side and do
//! one round each in turn, so that whatever else the machine is doing falls on all of them alike.

#![cfg(target_os = "linux")]

mod failure;
mod machine;
mod measure;
mod options;
mod runtimes;
mod side_main;
mod side_process;
mod table;
mod workload;
mod workloads;

use std::process::ExitCode;

use options::{Command, Plan, USAGE};
use workload::{OURS, Scale};

/// Runs what the command line asks for. Fails if `tasklets` itself failed at a workload, or on a bad command line.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match options::parse(&arguments) {
        Ok(Command::Help) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::List) => {
            for workload in workloads::ALL {
                let sides: Vec<&str> = workload.sides.iter().map(|side| side.name).collect();
                println!("{:<12} {} [{}]", workload.name, workload.about, sides.join(", "));
            }
            ExitCode::SUCCESS
        }
        Ok(Command::Side(side)) => side_main::run(&side),
        Ok(Command::Measure(plan)) => measure(&plan),
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Measures every workload of `plan` and prints its tables as they become known.
fn measure(plan: &Plan) -> ExitCode {
    print!("{}", machine::describe());
    println!(
        "rounds: {}{}, interleaved; `ratio` is the median over that of tasklets",
        plan.rounds,
        if plan.quick { " (quick)" } else { "" }
    );
    let mut ours_failed = false;
    for workload in &plan.workloads {
        println!("\n{}: {}", workload.name, workload.about);
        if let Some(tool) = workload.needs.iter().find(|tool| !machine::has_tool(tool)) {
            println!("  skipped: `{tool}` is not installed");
            continue;
        }
        for &workers in &plan.workers {
            let scale = Scale { workers, quick: plan.quick };
            let outcomes = measure::compare(workload, scale, plan);
            ours_failed |= outcomes.iter().any(|outcome| outcome.side == OURS && outcome.result.is_err());
            print!("{}", table::render(workload, workers, &outcomes));
        }
    }
    if ours_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
