//! Instructions of the hot paths: `cargo run --profile bench -p tasklets-benches --bin instructions -- [--save]`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tasklets_benches::count_instructions()
}
