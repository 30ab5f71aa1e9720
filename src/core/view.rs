//! What a client may see of a session.
//!
//! Owns the shape of the picture, never its look: clients draw it. Rows are shared, so that publishing a view
//! costs a pointer for each row that did not change.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::OutputNote;
use super::id::{CommandIndex, ExecutionId};
use super::outcome::{Ending, ShutdownCause};
use super::progress::Progress;
use super::report::Blocker;
use super::shutdown::{Level, Phase};
use super::stop::{Stage, StopRequest};
use super::time::Elapsed;

/// A session, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// The session as a whole.
    pub(crate) session: SessionView,
    /// A row a command, in the order given.
    pub(crate) rows: Vec<Arc<RowView>>,
}

/// The session as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionView {
    /// Its name, for people.
    pub(crate) name: String,
    /// Where it is on its way down.
    pub(crate) phase: Phase,
    /// The way down, once it began.
    pub(crate) shutdown: Option<ShutdownView>,
    /// Whether it stands still for its suspended terminal.
    pub(crate) suspend: Suspend,
    /// How many characters of an execution id tell all of them apart.
    pub(crate) id_length: usize,
}

/// A shutdown under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShutdownView {
    /// Why.
    pub(crate) cause: ShutdownCause,
    /// How hard.
    pub(crate) level: Level,
    /// When each phase on the way began; none for those to come. In order.
    pub(crate) phases: Vec<(Phase, Option<Elapsed>)>,
    /// Executions that it found active,
    pub(crate) to_drain: u32,
    /// and those of them that are over.
    pub(crate) drained: u32,
    /// When everything left is killed.
    pub(crate) kill_at: Option<Elapsed>,
}

/// Whether the session stands still because its terminal is being suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Suspend {
    /// It goes on.
    Off,
    /// Not everything stands still yet.
    Pending,
    /// Everything stands still.
    Ready,
}

/// Where the latest execution of a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowState {
    /// It waits for a place among the jobs.
    Queued,
    /// It is being spawned.
    Starting,
    /// It runs.
    Running,
    /// It is on its ladder.
    Stopping,
    /// Its leader is gone; its tree or its output is not.
    Draining,
    /// It is over.
    Finished,
}

/// A command and its latest execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RowView {
    /// Which command.
    pub(crate) command: CommandIndex,
    /// Its name.
    pub(crate) name: String,
    /// What it runs, as a person would type it.
    pub(crate) line: String,
    /// The latest execution; it has its id from when it is queued.
    pub(crate) id: ExecutionId,
    /// How many executions there have been, this one included.
    pub(crate) runs: u32,
    /// Where it is.
    pub(crate) state: RowState,
    /// When it got there.
    pub(crate) since: Elapsed,
    /// The leader's process id, while it is known.
    pub(crate) pid: Option<i32>,
    /// When it was started.
    pub(crate) started: Option<Elapsed>,
    /// When it was over.
    pub(crate) ended: Option<Elapsed>,
    /// It stands still.
    pub(crate) paused: bool,
    /// It runs again as soon as it is over.
    pub(crate) restarting: bool,
    /// How far it is.
    pub(crate) progress: Option<Progress>,
    /// Its stop, while it is on its ladder.
    pub(crate) stop: Option<StopView>,
    /// Marks.
    pub(crate) note: OutputNote,
    /// How it ended.
    pub(crate) ending: Option<Ending>,
}

/// A stop under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StopView {
    /// The stage it is at, why, and who asked.
    pub(crate) request: StopRequest,
    /// The stage after it.
    pub(crate) next: Option<Stage>,
    /// When that begins by itself.
    pub(crate) until: Option<Elapsed>,
    /// Who is waited for.
    pub(crate) waiting: Option<Blocker>,
}

impl View {
    /// How many rows are in a state.
    #[cfg(test)]
    pub(crate) fn count(&self, state: RowState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// The share done of the whole session, 0 to 1: a command whose progress nobody knows counts as 0 until it
    /// is over. None if nothing at all is known.
    pub(crate) fn fraction(&self) -> Option<f64> {
        let known = |row: &Arc<RowView>| match (row.state, &row.progress) {
            (RowState::Finished, _) => Some(1.0),
            (_, Some(progress)) => progress.reading.fraction,
            (_, None) => None,
        };
        let fractions: Vec<_> = self.rows.iter().filter_map(known).collect();
        let share = fractions.iter().sum::<f64>() / self.rows.len() as f64;
        (!fractions.is_empty()).then_some(share)
    }
}
