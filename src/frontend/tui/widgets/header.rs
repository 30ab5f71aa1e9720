//! The session in one line: its name, how many commands are where, how long it has been going on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::core::view::{RowState, RowView};
use crate::frontend::text::{self, EndKind};
use crate::frontend::tui::model::Model;
use crate::frontend::tui::theme::Theme;

/// Draws it: the clock always, then the counts that matter most, then its name.
pub(in crate::frontend::tui) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let clock = text::clock(model.now.since_epoch());
    let counts = counts(model, theme);
    let long: Vec<(String, Style)> =
        counts.iter().map(|(n, mark, word, style)| (format!("{mark} {n} {word}"), *style)).collect();
    let mut short: Vec<(String, Style)> =
        counts.iter().map(|(n, mark, _, style)| (format!("{mark}{n}"), *style)).collect();
    let room = usize::from(area.width).saturating_sub(clock.len() + 2);
    let titles =
        [format!(" sundown {} {}", theme.dot(), model.view.session.name), " sundown".into(), String::new()];
    let title = titles.iter().find(|title| title.width() + width(&short) <= room).map_or("", String::as_str);
    while width(&short) > room {
        // The last one is the one that matters least.
        short.pop();
    }
    let parts = if title.width() + width(&long) <= room { long } else { short };
    let mut pen = Pen::new(buffer, area, 0);
    pen.text(title, theme.strong());
    let blank = usize::from(pen.left()).saturating_sub(width(&parts) + clock.len() + 1);
    pen.skip(blank as u16);
    for (text, style) in &parts {
        pen.text(text, *style).skip(2);
    }
    pen.text(&clock, theme.faint());
}

/// The cells that parts take, with what is between them.
fn width(parts: &[(String, Style)]) -> usize {
    parts.iter().map(|(text, _)| text.width() + 2).sum()
}

/// How many rows are in each state that any is in, with mark and word.
fn counts(model: &Model, theme: Theme) -> Vec<(usize, &'static str, &'static str, Style)> {
    let kind_of = |row: &RowView| row.ending.as_ref().map(|ending| text::end_kind(&ending.outcome));
    let in_state = |states: &[RowState]| model.view.rows.iter().filter(|r| states.contains(&r.state)).count();
    let ended = |kind| model.view.rows.iter().filter(|row| kind_of(row) == Some(kind)).count();
    let all = [
        (ended(EndKind::Bad), theme.mark("✗", "x"), "failed", theme.bad()),
        (
            in_state(&[RowState::Stopping, RowState::Draining]),
            theme.mark("◆", "!"),
            "stopping",
            theme.warning(),
        ),
        (in_state(&[RowState::Starting, RowState::Running]), theme.mark("●", "*"), "running", theme.good()),
        (in_state(&[RowState::Queued]), theme.mark("·", "."), "queued", theme.faint()),
        (ended(EndKind::Stopped), theme.mark("■", "-"), "stopped", theme.warning()),
        (ended(EndKind::Good), theme.mark("✓", "+"), "done", theme.good()),
    ];
    all.into_iter().filter(|(count, ..)| *count > 0).collect()
}
