//! Everything that can happen, in the past tense.
//!
//! One closed enum for the engine's machine, one for the shim's. Whoever learns something sends an event;
//! nobody else changes state.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{CommandIndex, ExecutionId, RequestId};
use super::outcome::{ExitStatus, Survivor};
use super::progress::Reading;
use super::report::{Blocker, Report};
use super::stop::{Origin, Stage, StopRequest};

/// Which executions a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// This one.
    One(ExecutionId),
    /// The whole session, which goes down.
    All,
}

/// A request to stop, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interrupt {
    /// What is to stop.
    pub(crate) scope: Scope,
    /// The stage wanted. None from a person: the next one; none from a program: the first.
    pub(crate) stage: Option<Stage>,
    /// Who asks. Only a person escalates by repeating.
    pub(crate) origin: Origin,
    /// The terminal reported the key as repeating, so it is no press of its own.
    pub(crate) repeat: bool,
    /// Where the answer goes.
    pub(crate) request: Option<RequestId>,
}

/// What the engine's machine is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// Somebody wants something stopped.
    InterruptRequested(Interrupt),
    /// The engine is ready; commands may start.
    SessionStarted,
    /// A stopping execution is to be given more time.
    MoreTimeRequested {
        /// Which.
        id: ExecutionId,
        /// How much.
        by: Duration,
    },
    /// An execution is to stand still.
    PauseRequested {
        /// Which.
        id: ExecutionId,
    },
    /// A paused execution is to go on.
    ResumeRequested {
        /// Which.
        id: ExecutionId,
    },
    /// A command is to run again, if it does not.
    StartRequested {
        /// Which.
        command: CommandIndex,
        /// Where the answer goes.
        request: Option<RequestId>,
    },
    /// A command is to be stopped and then run again.
    RestartRequested {
        /// Which.
        command: CommandIndex,
        /// Who asks.
        origin: Origin,
    },
    /// The session's terminal is being suspended: everything stands still.
    SuspendRequested,
    /// The suspended session goes on.
    ContinueRequested,
    /// No shim could be started for this execution.
    SpawnRefused {
        /// Which.
        id: ExecutionId,
        /// What could not be done, and why.
        message: String,
    },
    /// A shim reported.
    Reported {
        /// Of which execution.
        id: ExecutionId,
        /// What.
        report: Report,
    },
    /// A shim is gone without having reported an outcome.
    ShimLost {
        /// Of which execution.
        id: ExecutionId,
    },
    /// What a lost shim had held was swept.
    Reclaimed {
        /// Of which execution.
        id: ExecutionId,
        /// What could not be ended.
        survivors: Vec<Survivor>,
    },
    /// All output of an execution was read.
    OutputEnded {
        /// Of which execution.
        id: ExecutionId,
    },
    /// An execution's output said how far it is, or no longer does.
    ProgressRead {
        /// Of which execution.
        id: ExecutionId,
        /// What it said.
        reading: Option<Reading>,
    },
    /// Something about an execution's output changed that its row shows.
    OutputNoted {
        /// Of which execution.
        id: ExecutionId,
        /// What it is now.
        note: OutputNote,
    },
    /// Somebody wants the state in sundown's own log.
    DumpRequested,
    /// Somebody has moved the logs of executions away.
    ReopenRequested,
    /// Logs, records and last events are out.
    Flushed,
    /// Every client has let go of its terminal.
    ClientsClosed,
    /// The moment that `deadline()` named has come.
    DeadlineReached,
}

/// Marks that a command's output puts on its row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputNote {
    /// It looks as if it waits for somebody to type: a prompt, or echo switched off.
    pub(crate) wants_input: bool,
    /// It rang the bell since it was last looked at.
    pub(crate) bell: bool,
    /// Where its log is.
    pub(crate) log: Option<String>,
    /// Its log cannot be written, and why.
    pub(crate) log_fault: Option<String>,
}

/// What the shim's machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExecutionEvent {
    /// The engine wants it stopped.
    StopRequested(StopRequest),
    /// The engine is gone.
    EngineLost,
    /// The leader runs.
    Spawned {
        /// Its process id.
        pid: i32,
    },
    /// The leader could not be started.
    SpawnFailed {
        /// 126, 127 or 125.
        code: i32,
        /// What could not be done, and why.
        message: String,
    },
    /// A stage's signal was sent.
    Delivered {
        /// Whose.
        stage: Stage,
        /// To how many who had not had it.
        targets: u32,
        /// Every live process of the tree ignores it.
        ignored_by_all: bool,
    },
    /// The leader was reaped.
    LeaderExited(ExitStatus),
    /// No process of the tree is left.
    TreeEmptied {
        /// How many had left the leader's parentage.
        escaped: u32,
    },
    /// Nobody holds the output open any more.
    OutputClosed,
    /// The tree was looked at, as was asked for.
    Looked(Census),
    /// The current stage is to last longer.
    MoreTimeRequested {
        /// By how much.
        by: Duration,
    },
    /// Everything is to stand still.
    PauseRequested,
    /// Everything is to go on.
    ResumeRequested,
    /// The moment that `deadline()` named has come.
    DeadlineReached,
}

/// What a look at the tree saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Every process that is not a zombie.
    pub(crate) survivors: Vec<Survivor>,
    /// The one that a stop waits for.
    pub(crate) blocker: Option<Blocker>,
    /// Signals that every one of them ignores, as a mask: bit 0 is signal 1. None are, of nobody.
    pub(crate) ignored: u64,
    /// How many ever left the leader's parentage.
    pub(crate) escaped: u32,
}
