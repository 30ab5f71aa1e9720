//! The bottom: what matters now, and the keys that work now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::core::shutdown::Level;
use crate::core::view::{RowState, RowView};
use crate::frontend::text::{self, EndKind};
use crate::frontend::tui::keymap::{self, Hint};
use crate::frontend::tui::layout::Layout;
use crate::frontend::tui::model::{Clicked, Mode, Model, Target};
use crate::frontend::tui::theme::Theme;

/// Draws both; returns what can be clicked, and where the cursor is if a line is being typed.
pub(in crate::frontend::tui) fn draw(
    model: &Model,
    theme: Theme,
    layout: &Layout,
    buffer: &mut Buffer,
) -> (Vec<Target>, Option<(u16, u16)>) {
    let one_line = layout.message.height == 0;
    if model.mode == Mode::Filter {
        let area = if one_line { layout.keys } else { layout.message };
        let cursor = draw_filter(model, theme, area, buffer);
        let targets = if one_line { Vec::new() } else { draw_keys(model, theme, layout.keys, buffer) };
        return (targets, Some(cursor));
    }
    let message = message(model, theme);
    if one_line {
        // What matters takes the place of what is possible, for as long as it matters.
        if let Some((text, style)) = message.filter(|_| model.message.is_some()) {
            Pen::new(buffer, layout.keys, 0).skip(1).text(&text, style);
            return (Vec::new(), None);
        }
    } else if let Some((text, style)) = message {
        let cells = layout.message.width.saturating_sub(2);
        Pen::new(buffer, layout.message, 0).skip(1).column(&text, cells, style, theme.mark("…", "~"));
    }
    (draw_keys(model, theme, layout.keys, buffer), None)
}

fn draw_filter(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) -> (u16, u16) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1).text("show only ", theme.accent()).text(&model.filter, theme.strong());
    (pen.x().min(area.right().saturating_sub(1)), area.y)
}

/// The one thing that matters most now.
fn message(model: &Model, theme: Theme) -> Option<(String, Style)> {
    if let Some((text, _)) = &model.message {
        return Some((text.clone(), theme.warning()));
    }
    let rows = || model.view.rows.iter();
    if let Some(row) = rows().find(|row| row.note.wants_input) {
        let how = if row.command == model.selected { "Enter lets you type" } else { "choose it, then Enter" };
        return Some((format!("{} may be waiting for somebody to type: {how}", row.name), theme.warning()));
    }
    if let Some(row) = rows().find(|row| row.note.log_fault.is_some()) {
        let fault = row.note.log_fault.as_deref().unwrap_or_default();
        return Some((format!("{}: could not {fault}; it goes on without a log", row.name), theme.bad()));
    }
    if let Some(text) = all_over(model) {
        return Some(text).map(|text| (text, theme.strong()));
    }
    if !model.filter.is_empty() {
        let shown = model.shown().len();
        return Some((
            format!("showing {shown} of {} for '{}'", model.view.rows.len(), model.filter),
            theme.accent(),
        ));
    }
    let failed = rows().filter(|row| is_bad(row)).max_by_key(|row| row.ended)?;
    let ending = failed.ending.as_ref().map(text::ending).unwrap_or_default();
    let ago = failed.ended.map(|ended| text::clock(model.now.since(ended))).unwrap_or_default();
    Some((format!("{} {ending}, {ago} ago", failed.name), theme.bad()))
}

fn is_bad(row: &RowView) -> bool {
    row.ending.as_ref().is_some_and(|ending| text::end_kind(&ending.outcome) == EndKind::Bad)
}

/// What there is to say when nothing runs any more.
fn all_over(model: &Model) -> Option<String> {
    let rows = &model.view.rows;
    let over = rows.iter().all(|row| row.state == RowState::Finished);
    if !over || model.view.session.shutdown.is_some() {
        return None;
    }
    let bad = rows.iter().filter(|row| is_bad(row)).count();
    Some(match bad {
        0 => "all have ended; q leaves".into(),
        _ => format!("all have ended, {bad} not well; q leaves"),
    })
}

/// The hints that are possible now, the most useful first.
fn hints(model: &Model) -> Vec<Hint> {
    use keymap::*;
    if model.mode == Mode::Focus {
        return Vec::new();
    }
    let mut hints = Vec::new();
    if let Some(row) = model.row() {
        match row.state {
            RowState::Queued => hints.push(INTERRUPT),
            RowState::Starting | RowState::Running => {
                hints.extend([INTERRUPT, KILL, FOCUS, if row.paused { RESUME } else { PAUSE }, RESTART]);
            }
            RowState::Stopping => {
                let has_next = row.stop.as_ref().is_some_and(|stop| stop.until.is_some());
                hints.extend(if has_next { [NEXT_STAGE, KILL, MORE_TIME].as_slice() } else { &[KILL] });
            }
            RowState::Draining => {}
            RowState::Finished if model.view.session.shutdown.is_none() => hints.push(START),
            RowState::Finished => {}
        }
    }
    hints.push(if model.zoom { UNZOOM } else { ZOOM });
    if model.back > 0 {
        hints.push(BOTTOM);
    }
    if !model.filter.is_empty() {
        hints.push(SHOW_ALL);
    }
    match model.view.session.shutdown.as_ref().map(|shutdown| shutdown.level) {
        None => hints.push(QUIT),
        Some(Level::Graceful) => hints.insert(0, KILL_ALL),
        Some(Level::Kill | Level::Leave) => hints.insert(0, LEAVE),
    }
    hints.push(HELP);
    hints
}

fn draw_keys(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) -> Vec<Target> {
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    if model.mode == Mode::Focus {
        let name = model.row().map(|row| row.name.as_str()).unwrap_or_default();
        pen.text(&format!("every key goes to {name}; "), theme.plain());
        pen.text("Ctrl-a", theme.accent()).text(" leaves", theme.plain());
        return Vec::new();
    }
    let mut targets = Vec::new();
    let hints = hints(model);
    // Help stays at hand however little room there is.
    let (help, others) =
        hints.split_last().map_or((None, hints.as_slice()), |(help, rest)| (Some(help), rest));
    let help_width = help.map_or(0, |help| width(help, model) + 2);
    for hint in others {
        if pen.left() < width(hint, model) + 2 + help_width {
            break;
        }
        targets.push(draw_hint(hint, model, theme, area, &mut pen));
    }
    targets.extend(help.map(|help| draw_hint(help, model, theme, area, &mut pen)));
    targets
}

fn key_of(hint: &Hint, model: &Model) -> &'static str {
    if model.look.ascii { hint.ascii } else { hint.key }
}

fn width(hint: &Hint, model: &Model) -> u16 {
    (key_of(hint, model).width() + 1 + hint.does.width()) as u16
}

fn draw_hint(hint: &Hint, model: &Model, theme: Theme, area: Rect, pen: &mut Pen<'_>) -> Target {
    let x = pen.x();
    pen.text(key_of(hint, model), theme.accent()).text(" ", theme.plain()).text(hint.does, theme.plain());
    let target = Rect { x, width: pen.x() - x, ..area };
    pen.skip(2);
    Target { area: target, does: Clicked::Do(hint.command) }
}
