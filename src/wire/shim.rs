//! What an engine and a shim say to each other.
//!
//! Both are the same binary, so there is no version to agree on: a shim lives no longer than its engine but to
//! stop what it holds.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::command::CommandSpec;
use crate::core::report::Report;
use crate::core::stop::StopRequest;

/// The size of a terminal, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TerminalSize {
    /// Columns.
    pub(crate) cols: u16,
    /// Rows.
    pub(crate) rows: u16,
}

impl TerminalSize {
    /// The smallest size a command's terminal may have: below it, emulators fail (CRATES 1).
    pub(crate) const LEAST: Self = Self { cols: 2, rows: 1 };

    /// This size, or the least one where it is smaller.
    #[must_use]
    pub(crate) fn at_least_least(self) -> Self {
        Self { cols: self.cols.max(Self::LEAST.cols), rows: self.rows.max(Self::LEAST.rows) }
    }
}

impl Default for TerminalSize {
    /// 80x24: what programs expect where nobody looks.
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

/// All that a shim needs to start and stop one execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// What to run, and how to stop it.
    pub(crate) command: CommandSpec,
    /// Variables set beside the inherited ones and the command's own.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// The session's epoch: `CLOCK_MONOTONIC`, whole nanoseconds.
    pub(crate) epoch_ns: u64,
    /// The size of the command's terminal.
    pub(crate) size: TerminalSize,
    /// The soft limit of open files that the command is to have, if the engine raised its own.
    pub(crate) nofile: Option<u64>,
    /// A descriptor of the execution's log comes with this message: if the engine dies, the shim goes on
    /// writing there.
    pub(crate) log_attached: bool,
}

/// From the engine to a shim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToShim {
    /// Start. The first message, sent once.
    Start(Box<Start>),
    /// Be at this stage or further.
    Stop(StopRequest),
    /// Prolong the current stage.
    GrantTime(Duration),
    /// Stand still.
    Pause,
    /// Go on.
    Resume,
    /// The engine has read everything; end.
    Release,
}

/// From a shim to the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromShim {
    /// The command's output comes with this message: one descriptor of a terminal's master, or two of pipes,
    /// standard output first.
    Output,
    /// News of the execution.
    Report(Report),
}
