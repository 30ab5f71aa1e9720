//! What a shim tells the engine.
//!
//! Owns the words between the two machines: the engine mirrors them and decides nothing of it again.

use serde::{Deserialize, Serialize};

use super::outcome::{Ending, ExitStatus};
use super::stop::{Stage, StopRequest};
use super::time::Elapsed;

/// News of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The leader runs.
    Started {
        /// Its process id, which is also its session and group.
        pid: i32,
    },
    /// A stage began.
    StageEntered {
        /// Why and by whom; with the stage.
        request: StopRequest,
        /// The stage after it, which may not be the next one of all: some are skipped.
        next: Option<Stage>,
        /// When that begins by itself.
        until: Option<Elapsed>,
    },
    /// The clock of the current stage was moved.
    StageExtended {
        /// When the next one begins by itself.
        until: Option<Elapsed>,
    },
    /// Who a stop waits for.
    Waiting(Blocker),
    /// Everything is stopped by SIGSTOP, all clocks stand still.
    Paused,
    /// Everything goes on; the stage's new end, if one is running.
    Resumed {
        /// When the next stage begins by itself.
        until: Option<Elapsed>,
    },
    /// The leader ended; its tree or its output has not yet.
    LeaderExited(ExitStatus),
    /// It is over.
    Finished(Ending),
}

/// A process that a stop waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocker {
    /// Its process id.
    pub(crate) pid: i32,
    /// Its name.
    pub(crate) name: String,
    /// How many processes are left in all.
    pub(crate) alive: u32,
}
