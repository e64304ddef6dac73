//! The sides whose tasklets may change threads: all of this package again, built with the feature `migrating`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tasklets_benches::main()
}
