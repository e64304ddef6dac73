//! Every benchmark, started by one command. `cargo bench -p tasklets-benches -- --help` lists the options.

use std::process::ExitCode;

fn main() -> ExitCode {
    tasklets_benches::main()
}
