//! The list: a row a command, with what matters of it now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, fitting};
use crate::core::progress::Mood;
use crate::core::stop::{Signal, Stage};
use crate::core::time::Elapsed;
use crate::core::view::{RowState, RowView, StopView};
use crate::frontend::text;
use crate::frontend::tui::model::{Clicked, Model, Target};
use crate::frontend::tui::theme::Theme;

/// A name takes at most three tenths of a row, and these many cells.
const LONGEST_NAME: u16 = 20;
/// A shorter bar says nothing that the percentage does not.
const SHORTEST_BAR: u16 = 3;
/// Elapsed time, up to `59:59`.
const TIME: u16 = 6;
/// Time left, as `~12:03`.
const LEFT: u16 = 7;
/// `100%` and a blank.
const PERCENT: u16 = 5;
/// A row wide enough for time left, too.
const WITH_LEFT: u16 = 36;

/// Draws it; returns what can be clicked.
pub(in crate::frontend::tui) fn draw(
    model: &Model,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Vec<Target> {
    let rows = model.shown();
    let selected = rows.iter().position(|row| row.command == model.selected).unwrap_or(0);
    let height = usize::from(area.height);
    // The selected row stays in sight, with what is before it.
    let first = (selected + 1).saturating_sub(height.saturating_sub(usize::from(rows.len() > height)));
    let longest = rows.iter().map(|row| row.name.width()).max().unwrap_or(0) as u16;
    let name_width = longest.clamp(4, LONGEST_NAME).min((area.width * 3 / 10).max(8));
    let mut targets = Vec::new();
    for (down, row) in rows.iter().skip(first).take(height).enumerate() {
        let hidden = rows.len() - (first + down);
        let line = Rect { y: area.y + down as u16, height: 1, ..area };
        if down + 1 == height && hidden > 1 {
            let arrow = theme.mark("↓", "v");
            Pen::new(buffer, line, 0).text(&format!("  {arrow} {hidden} more"), theme.faint());
            break;
        }
        draw_row(model, theme, row, line, name_width, buffer);
        targets.push(Target { area: line, does: Clicked::Select(row.command) });
    }
    if rows.is_empty() {
        Pen::new(buffer, area, 0).text("  nothing matches the filter", theme.faint());
    }
    targets
}

fn draw_row(model: &Model, theme: Theme, row: &RowView, line: Rect, name_width: u16, buffer: &mut Buffer) {
    let selected = row.command == model.selected;
    let mut pen = Pen::new(buffer, line, 0);
    pen.text(if selected { theme.mark("▸", ">") } else { " " }, theme.accent());
    let (mark, style) = theme.state(row);
    pen.text(mark, style);
    match theme.note(row) {
        Some((note, style)) => pen.text(note, style),
        None => pen.text(" ", theme.plain()),
    };
    let name = if selected { theme.strong() } else { theme.plain() };
    let name = if row.state == RowState::Queued { name.patch(theme.faint()) } else { name };
    pen.column(&row.name, name_width, name, theme.mark("…", "~")).skip(1);
    match (&row.state, &row.stop) {
        (RowState::Finished, _) => draw_ended(theme, row, &mut pen),
        (RowState::Queued, _) => {
            pen.text("waits for its turn", theme.faint());
        }
        (_, Some(stop)) => draw_stop(theme, stop, model.now, &mut pen),
        (RowState::Draining, None) => {
            let texts = ["ended, its tree or output not yet", "tree or output not yet", "draining"];
            pen.text(fitting(&texts.map(ToOwned::to_owned), pen.left()), theme.warning());
        }
        (RowState::Starting | RowState::Running | RowState::Stopping, None) => {
            draw_running(theme, row, model.now, line.width, &mut pen);
        }
    }
}

fn draw_ended(theme: Theme, row: &RowView, pen: &mut Pen<'_>) {
    let Some(ending) = &row.ending else { return };
    let took = match (row.started, row.ended) {
        (Some(started), Some(ended)) => text::took(ended.since(started)),
        _ => String::new(),
    };
    let (_, style) = theme.state(row);
    let mut texts = vec![text::ending(ending), ending.outcome.to_string()];
    if ending.leaked > 0 {
        texts.insert(1, format!("{}, {} more ended", ending.outcome, ending.leaked));
    }
    let room = pen.left().saturating_sub(took.width() as u16 + 1);
    pen.column(fitting(&texts, room), room, style, theme.mark("…", "~")).skip(1);
    pen.text(&took, theme.faint());
}

fn draw_stop(theme: Theme, stop: &StopView, now: Elapsed, pen: &mut Pen<'_>) {
    let style = if stop.request.stage == Stage::Kill { theme.bad() } else { theme.warning() };
    let next = next_stage(stop, now);
    let (short, long) = match &next {
        Some((name, seconds)) => (format!("{name} {seconds}s"), format!("{name} in {seconds} s")),
        None if stop.request.stage == Stage::Kill => ("killing".into(), "killing".into()),
        None => (stop.request.stage.to_string(), format!("{}, for as long as it takes", stop.request.stage)),
    };
    let dot = theme.dot();
    let mut texts = Vec::new();
    if let Some(blocker) = &stop.waiting {
        let more = if blocker.alive > 1 { format!(" +{}", blocker.alive - 1) } else { String::new() };
        let arrow = theme.mark("→", "->");
        texts.push(format!(
            "{} {arrow} {long} {dot} {} {}{more}",
            stop.request.stage, blocker.pid, blocker.name
        ));
        texts.push(format!("{long} {dot} {} {}{more}", blocker.pid, blocker.name));
        texts.push(format!("{short} {dot} {} {}{more}", blocker.pid, blocker.name));
        texts.push(format!("{short} {dot} {}", blocker.pid));
    }
    texts.push(format!("{} {dot} {long}", stop.request.stage));
    texts.push(short);
    pen.text(fitting(&texts, pen.left()), style);
}

/// What comes next by itself, and in how many seconds.
pub(super) fn next_stage(stop: &StopView, now: Elapsed) -> Option<(String, u64)> {
    let name = match stop.next? {
        Stage::Interrupt => Signal::INT,
        Stage::Terminate => Signal::TERM,
        Stage::Kill => Signal::KILL,
    };
    Some((name.to_string(), text::seconds_left(stop.until?.since(now))))
}

fn draw_running(theme: Theme, row: &RowView, now: Elapsed, width: u16, pen: &mut Pen<'_>) {
    let with_left = width >= WITH_LEFT;
    let bar = pen.left().saturating_sub(TIME + 1 + PERCENT + if with_left { LEFT } else { 0 }).min(24);
    draw_progress(theme, row, now, bar, pen);
    let elapsed = row.started.map(|started| text::clock(now.since(started)));
    pen.right_column(&elapsed.unwrap_or_default(), TIME, theme.plain());
    if with_left {
        let left = row.progress.as_ref().and_then(|progress| progress.eta_at);
        let left = left.map(|at| format!("~{}", text::clock(at.since(now))));
        pen.right_column(&left.unwrap_or_default(), LEFT, theme.faint());
    }
}

/// A bar and what it says, or that nobody knows.
fn draw_progress(theme: Theme, row: &RowView, now: Elapsed, cells: u16, pen: &mut Pen<'_>) {
    let Some(progress) = &row.progress else {
        pen.column(if row.paused { "paused" } else { "" }, cells + PERCENT, theme.warning(), "");
        return;
    };
    let style = match progress.reading.mood {
        Mood::Normal => theme.accent(),
        Mood::Error => theme.bad(),
        Mood::Warning => theme.warning(),
    };
    match progress.reading.fraction {
        Some(fraction) => {
            draw_bar(theme, fraction, cells, style, pen);
            pen.right_column(&format!("{:.0}%", (fraction * 100.0).floor()), PERCENT, theme.plain());
        }
        None => {
            let frames = theme.busy();
            let frame = frames[now.since_epoch().as_secs() as usize % frames.len()];
            let says =
                progress.reading.rate.as_deref().or(progress.reading.phase.as_deref()).unwrap_or_default();
            pen.text(frame, style).skip(1);
            pen.column(says, (cells + PERCENT).saturating_sub(2), theme.faint(), theme.mark("…", "~"));
        }
    }
}

fn draw_bar(theme: Theme, fraction: f64, cells: u16, style: Style, pen: &mut Pen<'_>) {
    if cells < SHORTEST_BAR {
        pen.skip(cells);
        return;
    }
    let (done, undone) = theme.bar();
    // A full bar is for what is done: up to then, a cell is missing.
    let full = (fraction.clamp(0.0, 1.0) * f64::from(cells)).floor() as u16;
    for cell in 0..cells {
        if cell < full {
            pen.text(done, style)
        } else {
            pen.text(undone, theme.faint())
        };
    }
}
