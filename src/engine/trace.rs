//! What the engine writes to sundown's own log: every start, every stop with its cause, every end.

use crate::core::effect::Effect;
use crate::core::id::ExecutionId;
use crate::core::view::{RowView, View};

/// Notes an effect before it is carried out.
pub(super) fn effect(effect: &Effect, view: &View) {
    match effect {
        Effect::Spawn { id, .. } => {
            tracing::info!(execution = %id, command = name(view, *id), "starting");
        }
        Effect::Stop { id, request } => tracing::warn!(
            execution = %id,
            command = name(view, *id),
            stage = request.stage.name(),
            cause = ?request.cause,
            origin = %request.origin,
            "cancelling"
        ),
        Effect::Release { id } => finished(view, *id),
        Effect::Reclaim { id } => {
            tracing::error!(execution = %id, command = name(view, *id), "its shim is lost");
        }
        Effect::CloseOutput { id } => {
            tracing::warn!(execution = %id, command = name(view, *id), "giving up on its output");
        }
        Effect::Exit(verdict) => tracing::info!(?verdict, "ending"),
        Effect::Dump => tracing::info!(state = serde_json::to_string(view).unwrap_or_default(), "state"),
        Effect::GrantTime { .. }
        | Effect::Pause { .. }
        | Effect::Resume { .. }
        | Effect::Answer { .. }
        | Effect::ReopenLogs
        | Effect::Flush
        | Effect::CloseClients => tracing::debug!(?effect, "doing"),
    }
}

fn finished(view: &View, id: ExecutionId) {
    if let Some(ending) = row(view, id).and_then(|row| row.ending.as_ref()) {
        let (clean, outcome) = (ending.is_clean(), &ending.outcome);
        tracing::info!(execution = %id, command = name(view, id), %outcome, clean, "finished");
    }
}

fn row(view: &View, id: ExecutionId) -> Option<&RowView> {
    view.rows.iter().map(AsRef::as_ref).find(|row| row.id == id)
}

fn name(view: &View, id: ExecutionId) -> &str {
    row(view, id).map_or("", |row| row.name.as_str())
}
