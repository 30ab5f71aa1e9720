//! What was asked to run.
//!
//! Owns the static description of a command. Knows nothing of its executions.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stop::Ladder;

/// What is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Program {
    /// A line for `/bin/sh -c`.
    Shell(OsString),
    /// A program and its arguments; the program is looked up in `PATH`.
    Argv(Vec<OsString>),
}

impl Program {
    /// As a person would type it, in one line, for screens and records; not for a shell. Of a script, its first
    /// line: what a comment there says, without its mark.
    pub(crate) fn display(&self) -> String {
        let text = match self {
            Self::Shell(line) => line.to_string_lossy().into_owned(),
            Self::Argv(argv) => argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
        };
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        first.strip_prefix("# ").unwrap_or(first).to_owned()
    }
}

/// What becomes of processes that outlive their leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterExit {
    /// They are stopped after the leak grace.
    #[default]
    Stop,
    /// The execution runs until they are gone, too.
    Wait,
    /// They are counted and left alone.
    Leave,
}

/// How one execution is supervised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExecutionPolicy {
    /// How it is stopped.
    pub(crate) ladder: Ladder,
    /// How long it may run, not counting pauses.
    pub(crate) timeout: Option<Duration>,
    /// What becomes of what outlives its leader.
    pub(crate) after_exit: AfterExit,
}

/// One command of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommandSpec {
    /// Its name on screen, in logs and in requests. Unique in the session.
    pub(crate) name: String,
    /// What is executed.
    pub(crate) program: Program,
    /// Where; the session's own directory if none.
    pub(crate) cwd: Option<OsString>,
    /// Variables set beside the inherited ones.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// On a terminal of its own; with pipes otherwise.
    pub(crate) tty: bool,
    /// How it is stopped, and for how long it may run.
    pub(crate) policy: ExecutionPolicy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_in_one_line() {
        let shell = |line: &str| Program::Shell(line.into()).display();
        assert_eq!(shell("make -j8"), "make -j8");
        assert_eq!(shell("\n# Backs up.\nset -e\ntar c /"), "Backs up.");
        assert_eq!(Program::Argv(vec!["ls".into(), "-l".into()]).display(), "ls -l");
    }
}
