//! The command line: what may be said, and what is done about it.
//!
//! Owns the verbs, one file each. Knows nothing of how a session works.

mod demo;
mod launch;
mod meaning;
mod names;
mod run;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit;

/// Run, watch and stop long commands in a terminal.
#[derive(Debug, Parser)]
#[command(name = "sundown", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 all succeeded; the command's own, 126 or 127 with a single command;
1 one of several failed, was interrupted or skipped; 2 usage; 3 stopped, but not clean;
124 timeout; 125 sundown's own failure; ended by a signal, that signal (130, 143, 129 in a shell).")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run shell lines in parallel, or (after --) one program with its arguments
    Run(run::Run),
    /// See what sundown does: a build, a download, a stubborn one, a leaky one, and more
    Demo(demo::Demo),
}

/// Does what the arguments say.
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and succeeds; a reader that is gone has had enough of it.
            let _unread = error.print();
            return if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let done = match cli.verb {
        Verb::Run(run) => run.run(),
        Verb::Demo(demo) => demo.run(),
    };
    match done {
        Ok(verdict) => exit::with(verdict),
        Err(error) => {
            eprintln!("sundown: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
