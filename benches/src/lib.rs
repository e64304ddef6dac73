//! Side-by-side benchmarks of `tasklets` and its peers.
//!
//! A *workload* (one file each in `workloads/`) is done by several *sides*: `tasklets` and its peers. Each side runs in
//! a child process of its own, because a peer may configure itself once per process, memory is counted per process,
//! and a side that dies must not take the others along. The children of a workload stay alive side by side and do
//! one round each in turn, so that whatever else the machine is doing falls on all of them alike.

#![cfg(target_os = "linux")]

mod asynchronous;
mod blocking;
mod cpu;
mod failure;
mod foreign;
mod instructions;
mod machine;
mod measure;
mod migrating;
mod options;
mod report;
mod resident;
mod runtimes;
mod side_main;
mod side_process;
mod table;
mod target;
mod workload;
mod workloads;

use std::io::{self, Write};
use std::process::ExitCode;

pub use instructions::main as count_instructions;
use machine::Machine;
use options::{Command, Plan, USAGE};
use report::{Report, Section};
use workload::{MIGRATING, OURS, Scale, Workload};

/// Runs what the command line asks for. Fails if `tasklets` itself failed at a workload, or on a bad command line.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match options::parse(&arguments) {
        Ok(Command::Help) => print_or_fail(&format!("{USAGE}\n")),
        Ok(Command::List) => {
            let line = |workload: &&Workload| {
                let sides: Vec<&str> = workload.sides.iter().map(|side| side.name).collect();
                format!("{:<24} {} [{}]\n", workload.name, workload.about, sides.join(", "))
            };
            print_or_fail(&workloads::ALL.iter().map(line).collect::<String>())
        }
        Ok(Command::Side(side)) => side_main::run(&side),
        Ok(Command::Load { server, requests }) => match workloads::load(&server, &requests) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Measure(plan)) => measure(plan),
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Prints. Fails if nobody reads it to the end, such as `head`.
fn print_or_fail(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Measures every workload of `plan`, prints its tables as they become known, and leaves a report.
fn measure(plan: Plan) -> ExitCode {
    if cfg!(feature = "migrating") {
        eprintln!("with the feature `migrating` safe tasklets are slower: measure without it");
        return ExitCode::from(2);
    }
    let machine = Machine::describe();
    print!("{machine}");
    println!(
        "rounds: {}{}, interleaved; `ratio` is the median over that of tasklets, `cpu ms` the CPU time of a round",
        plan.rounds,
        if plan.quick { " (quick)" } else { "" }
    );
    if plan.takes_part(MIGRATING) {
        println!("building the program of the sides `{MIGRATING}`, if it is not up to date");
        // Before anything is measured. If it fails, each of the sides says so.
        let _ = migrating::program();
    }
    let mut ours_failed = false;
    let mut sections = Vec::new();
    for &workload in &plan.workloads {
        println!("\n{}: {}", workload.name, workload.about);
        if let Some(tool) = workload.needs.iter().find(|tool| !machine::has_tool(tool)) {
            println!("  skipped: `{tool}` is not installed");
            continue;
        }
        let mut passes = Vec::new();
        for &workers in &plan.workers {
            let scale = Scale { workers, quick: plan.quick };
            let outcomes = measure::compare(workload, scale, &plan);
            ours_failed |= outcomes.iter().any(|outcome| outcome.side == OURS && outcome.result.is_err());
            print!("{}", table::render(workload, workers, &outcomes));
            passes.push((workers, outcomes));
        }
        sections.push(Section { workload, passes });
    }
    match (Report { machine, plan, sections }).write() {
        Ok(written) => println!("\n{written}"),
        Err(why) => {
            eprintln!("\nthe report could not be written: {why}");
            return ExitCode::FAILURE;
        }
    }
    if ours_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
