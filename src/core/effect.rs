//! Everything that can be done, in the imperative.
//!
//! One closed enum for the engine's machine, one for the shim's. The shells carry them out in order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{CommandIndex, ExecutionId, RequestId};
use super::outcome::{Outcome, Verdict};
use super::report::Report;
use super::stop::{Signal, Stage, StopRequest};

/// What the engine is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start a shim for this execution.
    Spawn {
        /// The new execution.
        id: ExecutionId,
        /// What it runs.
        command: CommandIndex,
    },
    /// Raise the level of an execution's interrupt sender.
    Stop {
        /// Which.
        id: ExecutionId,
        /// To what.
        request: StopRequest,
    },
    /// Prolong the current stage.
    GrantTime {
        /// Of which execution.
        id: ExecutionId,
        /// By how much.
        by: Duration,
    },
    /// Make an execution stand still.
    Pause {
        /// Which.
        id: ExecutionId,
    },
    /// Let a paused execution go on.
    Resume {
        /// Which.
        id: ExecutionId,
    },
    /// Let the shim of a finished execution go.
    Release {
        /// Which.
        id: ExecutionId,
    },
    /// Stop reading an execution's output.
    CloseOutput {
        /// Which.
        id: ExecutionId,
    },
    /// Kill the shim if it still is there, and sweep what it held.
    Reclaim {
        /// Of which execution.
        id: ExecutionId,
    },
    /// Answer a request.
    Answer {
        /// Which.
        request: RequestId,
        /// What.
        answer: Answer,
    },
    /// Write the state to sundown's own log.
    Dump,
    /// Open the logs of executions again, under their names.
    ReopenLogs,
    /// Write out logs, records and last events.
    Flush,
    /// Tell every client to let go of its terminal.
    CloseClients,
    /// End, in this way.
    Exit(Verdict),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It is being done; for a stop, the stage it is at.
    Accepted {
        /// The stage, if it is stopping.
        stage: Option<Stage>,
    },
    /// No execution or command of this session.
    ExecutionNotFound,
    /// It has ended, like this.
    AlreadyFinished {
        /// How.
        outcome: Outcome,
    },
    /// It runs already.
    AlreadyRunning,
    /// The session is going down and starts nothing.
    ShuttingDown,
}

/// What the shim is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExecutionEffect {
    /// Send a stage's signal to whom it is for and who has not had it, and say with `Delivered` how that went.
    Deliver {
        /// The stage.
        stage: Stage,
        /// The signal.
        signal: Signal,
    },
    /// Send SIGKILL to everything, again and again, until nothing is left.
    Sweep,
    /// Stop every process of the tree.
    Pause,
    /// Continue every process of the tree.
    Resume,
    /// Look at the tree, and say with `Looked` what was seen.
    Look,
    /// Give up on the output.
    CloseOutput,
    /// Tell the engine.
    Report(Report),
}
