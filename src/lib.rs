//! sundown starts long commands, shows them live, and knows how to stop them.

mod cli;
pub mod core;
mod engine;
mod error;
mod exit;
mod frontend;
mod log;
mod process;
mod screen;
mod session;
mod signals;
mod wire;

use std::process::ExitCode;

/// The whole program, for its binary: parses the arguments of this process, runs what they say, and returns how
/// to end. If this process was started as one of its own helpers, it is that.
pub fn main() -> ExitCode {
    if let Some(code) = process::run_helper_if_asked() {
        return code;
    }
    cli::main(std::env::args_os())
}
