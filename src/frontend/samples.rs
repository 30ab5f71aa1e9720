//! Views to draw in tests.

use std::sync::Arc;

use crate::core::event::OutputNote;
use crate::core::id::{CommandIndex, ExecutionId};
use crate::core::shutdown::Phase;
use crate::core::time::Elapsed;
use crate::core::view::{RowState, RowView, SessionView, Suspend, View};

/// A running command.
pub(crate) fn row(name: &str) -> RowView {
    RowView {
        command: CommandIndex(0),
        name: name.into(),
        line: format!("run {name}"),
        id: ExecutionId::from_bits(1),
        runs: 1,
        state: RowState::Running,
        since: Elapsed::ZERO,
        pid: Some(100),
        started: Some(Elapsed::ZERO),
        ended: None,
        paused: false,
        restarting: false,
        progress: None,
        stop: None,
        note: OutputNote::default(),
        ending: None,
    }
}

/// A session of these rows, each with its place and an id of its own.
pub(crate) fn view(rows: impl IntoIterator<Item = RowView>) -> View {
    let session = SessionView {
        name: "test".into(),
        phase: Phase::Running,
        shutdown: None,
        suspend: Suspend::Off,
        id_length: 4,
    };
    let placed = |(n, row): (u32, RowView)| {
        Arc::new(RowView { command: CommandIndex(n), id: ExecutionId::from_bits((n + 1).into()), ..row })
    };
    View { session, rows: (0..).zip(rows).map(placed).collect() }
}
