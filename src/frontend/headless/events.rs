//! Events as JSON, one a line: the session for programs.
//!
//! Owns the shape of each event. What a program reads keeps its meaning within a version; fields may be added.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::core::outcome::{Ending, StageRecord};
use crate::core::progress::Reading;
use crate::core::shutdown::Phase;
use crate::core::time::Elapsed;
use crate::core::view::{RowView, View};
use crate::engine::Ended;

/// The version of all events.
const VERSION: u32 = 1;

/// Makes events of what changes between two views.
#[derive(Debug, Default)]
pub(super) struct Events {
    before: Option<Arc<View>>,
    /// Stages said already, for each row's execution.
    stages: Vec<usize>,
}

impl Events {
    /// What happened until this view, but for rows that have ended: their output comes first.
    pub(super) fn of_view(&mut self, view: &Arc<View>, at: Elapsed) -> Vec<Value> {
        let mut events = Vec::new();
        self.stages.resize(view.rows.len(), 0);
        for (n, row) in view.rows.iter().enumerate() {
            let before = self.before.as_ref().and_then(|before| before.rows.get(n));
            let same = before.filter(|before| before.id == row.id);
            if same.is_none() {
                self.stages[n] = 0;
            }
            if row.started.is_some() && same.is_none_or(|before| before.started.is_none()) {
                events.push(started(row));
            }
            if let Some(stop) = &row.stop
                && same.and_then(|before| before.stop.as_ref()).map(|before| before.request)
                    != Some(stop.request)
            {
                self.stages[n] += 1;
                let request = &stop.request;
                let detail = json!({
                    "stage": request.stage, "cause": request.cause, "origin": request.origin,
                    "next_at_ms": stop.until.map(Elapsed::as_millis),
                });
                events.push(of_row("stage", row, at, &detail));
            }
            if row.progress.is_some() && same.map(|before| &before.progress) != Some(&row.progress) {
                let reading = row.progress.as_ref().map(|progress| of_reading(&progress.reading));
                events.push(of_row("progress", row, at, &json!({ "progress": reading })));
            }
        }
        let phase = |view: &View| view.session.phase;
        // A session that is there is running: that needs no event.
        if self.before.as_deref().map_or(Phase::Running, phase) != phase(view) {
            events.push(event("phase", at, &json!({ "phase": phase(view) })));
        }
        self.before = Some(Arc::clone(view));
        events
    }

    /// That a row has ended; with the stages that passed between two views.
    pub(super) fn finished(&self, n: usize, row: &RowView, ending: &Ending) -> Vec<Value> {
        let said = self.stages.get(n).copied().unwrap_or(0);
        let late = |record: &StageRecord| {
            of_row(
                "stage",
                row,
                record.start,
                &json!({ "stage": record.stage, "signal": record.signal.to_string() }),
            )
        };
        let mut events: Vec<Value> = ending.stages.iter().skip(said).map(late).collect();
        let detail = json!({
            "outcome": ending.outcome, "status": ending.status, "stages": ending.stages,
            "leaked": ending.leaked, "escaped": ending.escaped,
            "output_truncated": ending.output_truncated, "survivors": ending.survivors,
            "duration_ms": duration_ms(row), "log": row.note.log,
        });
        events.push(of_row("finished", row, row.ended.unwrap_or_default(), &detail));
        events
    }

    /// The end of all.
    pub(super) fn summary(ended: &Ended) -> Value {
        let survivors: Vec<_> =
            ended.view.rows.iter().filter_map(|row| row.ending.as_ref()).flat_map(|e| &e.survivors).collect();
        let unfinished = ended.view.rows.iter().filter(|row| row.ending.is_none()).count();
        event(
            "summary",
            ended.at,
            &json!({ "verdict": ended.verdict, "left": survivors.len(), "survivors": survivors, "unfinished": unfinished }),
        )
    }
}

/// Output of a row; what is not UTF-8 is replaced, and the log has it as it was.
pub(super) fn output(row: &RowView, at: Elapsed, offset: u64, bytes: &[u8]) -> Value {
    let detail = json!({ "offset": offset, "bytes": bytes.len(), "text": String::from_utf8_lossy(bytes) });
    of_row("output", row, at, &detail)
}

fn of_reading(reading: &Reading) -> Value {
    json!({
        "source": reading.source, "percent": reading.fraction.map(|fraction| (fraction * 1000.0).round() / 10.0),
        "n": reading.done, "m": reading.total, "unit": reading.unit,
        "eta_s": reading.eta.map(|eta| eta.as_secs_f64()), "rate": reading.rate, "phase": reading.phase,
        "mood": reading.mood,
    })
}

fn started(row: &RowView) -> Value {
    let detail = json!({ "line": row.line, "run": row.runs });
    of_row("started", row, row.started.unwrap_or_default(), &detail)
}

fn duration_ms(row: &RowView) -> Option<u64> {
    u64::try_from(row.ended?.since(row.started?).as_millis()).ok()
}

fn of_row(name: &str, row: &RowView, at: Elapsed, detail: &Value) -> Value {
    let mut value = event(name, at, detail);
    value["command"] = json!(row.name);
    value["id"] = json!(row.id);
    value
}

fn event(name: &str, at: Elapsed, detail: &impl Serialize) -> Value {
    let mut value = json!(detail);
    value["v"] = json!(VERSION);
    value["event"] = json!(name);
    value["at_ms"] = json!(at.as_millis());
    value
}
