//! The `sundown` binary: chooses what this process is, and ends as that says.

use std::process::ExitCode;

fn main() -> ExitCode {
    sundown::main()
}
