//! The selected command: a line about it, and its live screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::core::view::{RowState, RowView};
use crate::frontend::text;
use crate::frontend::tui::layout::Layout;
use crate::frontend::tui::model::{Mode, Model};
use crate::frontend::tui::theme::Theme;
use crate::wire::frame::{self, Line, Span};

/// Draws both; returns where the cursor is, if the command has the keyboard and shows one.
pub(in crate::frontend::tui) fn draw(
    model: &Model,
    theme: Theme,
    layout: &Layout,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    let row = model.row()?;
    draw_title(model, theme, row, layout.title, buffer);
    let Some(frame) = model.current_frame() else {
        draw_nothing(theme, row, layout.screen, buffer);
        return None;
    };
    for (down, line) in (0..layout.screen.height).zip(&frame.lines) {
        draw_line(line, layout.screen, down, model.look.color, buffer);
    }
    let (column, line) = frame.cursor.filter(|_| model.mode == Mode::Focus)?;
    let inside = column < layout.screen.width && line < layout.screen.height;
    inside.then_some((layout.screen.x + column, layout.screen.y + line))
}

/// Before there is a screen: why.
fn draw_nothing(theme: Theme, row: &RowView, area: Rect, buffer: &mut Buffer) {
    let says = match row.state {
        RowState::Queued => "waits for its turn",
        RowState::Starting => "starting",
        RowState::Finished if row.started.is_none() => "was never started",
        RowState::Running | RowState::Stopping | RowState::Draining | RowState::Finished => "",
    };
    Pen::new(buffer, area, 0).skip(1).text(says, theme.faint());
}

/// A rule with what is to be known written into it.
fn draw_title(model: &Model, theme: Theme, row: &RowView, area: Rect, buffer: &mut Buffer) {
    let focused = model.mode == Mode::Focus;
    let rule = if focused { theme.accent() } else { theme.faint() };
    let (line, _) = theme.rules();
    let right = right_of_title(model, theme, row);
    let mut pen = Pen::new(buffer, area, 0);
    let reserved = if right.is_empty() { 0 } else { right.width() as u16 + 3 };
    let reserved = if reserved + 12 > area.width { 0 } else { reserved };
    pen.reserve(reserved);
    pen.text(line, rule).text(" ", rule);
    pen.text(&row.name, if focused { theme.accent() } else { theme.strong() }).text(" ", rule);
    let says = about(model, theme, row);
    let room = pen.left().saturating_sub(2);
    if !says.is_empty() && room > 6 {
        let cells = (says.width() as u16).min(room);
        pen.column(&says, cells, theme.faint(), theme.mark("…", "~")).text(" ", rule);
    }
    pen.fill(line, rule);
    if reserved > 0 {
        let end = Rect { x: area.right() - reserved, width: reserved, ..area };
        let style = if focused { theme.accent() } else { theme.faint() };
        Pen::new(buffer, end, 0).text(" ", rule).text(&right, style).text(" ", rule).text(line, rule);
    }
}

/// What it runs; when it is stopping or over, that.
fn about(model: &Model, theme: Theme, row: &RowView) -> String {
    if let Some(ending) = &row.ending {
        return text::ending(ending);
    }
    let Some(stop) = &row.stop else {
        let phase = row.progress.as_ref().and_then(|progress| progress.reading.phase.as_deref());
        return phase
            .map_or_else(|| row.line.clone(), |phase| format!("{phase} {} {}", theme.dot(), row.line));
    };
    let next = match super::list::next_stage(stop, model.now) {
        Some((name, seconds)) => format!("{name} in {seconds} s, "),
        None => String::new(),
    };
    let waits = stop.waiting.as_ref().map_or_else(String::new, |blocker| {
        let more = if blocker.alive > 1 { format!(" and {} more", blocker.alive - 1) } else { String::new() };
        format!("waiting for pid {} {}{more}, ", blocker.pid, blocker.name)
    });
    format!("{next}{waits}{} asked by {}", stop.request.stage, stop.request.origin)
}

fn right_of_title(model: &Model, theme: Theme, row: &RowView) -> String {
    match (model.mode == Mode::Focus, model.current_frame()) {
        (true, _) => "Ctrl-a leaves".into(),
        (false, Some(frame)) if frame.back > 0 => {
            format!("{} {} of {} lines back", theme.mark("↑", "^"), frame.back, frame.history)
        }
        (false, _) => row.pid.map(|pid| format!("pid {pid}")).unwrap_or_default(),
    }
}

fn draw_line(line: &Line, area: Rect, down: u16, color: bool, buffer: &mut Buffer) {
    let (mut x, y, right) = (area.x, area.y + down, area.right());
    for span in &line.spans {
        let style = style(&span.style, color);
        for (symbol, cells) in symbols(span) {
            if x + cells > right {
                return;
            }
            buffer[(x, y)].set_symbol(symbol).set_style(style);
            for covered in 1..cells {
                buffer[(x + covered, y)].set_symbol("").set_style(style);
            }
            x += cells;
        }
    }
}

/// What each cell of a span shows, and how many cells that takes.
fn symbols(span: &Span) -> impl Iterator<Item = (&str, u16)> {
    let single = span.cells > 1 && span.text.chars().count() == usize::from(span.cells);
    let per_cell = single || span.cells == 1 && span.text.chars().count() == 1;
    let whole = (!per_cell).then_some((span.text.as_str(), span.cells));
    let ends = span.text.char_indices().map(|(at, c)| (&span.text[at..at + c.len_utf8()], 1));
    ends.filter(move |_| per_cell).chain(whole)
}

/// The command's own style in ours. Without colours, weight and reversal are left.
fn style(style: &frame::Style, color: bool) -> Style {
    const PAIRS: [(u16, Modifier); 7] = [
        (frame::Style::BOLD, Modifier::BOLD),
        (frame::Style::DIM, Modifier::DIM),
        (frame::Style::ITALIC, Modifier::ITALIC),
        (frame::Style::UNDERLINE, Modifier::UNDERLINED),
        (frame::Style::REVERSE, Modifier::REVERSED),
        (frame::Style::HIDDEN, Modifier::HIDDEN),
        (frame::Style::STRIKEOUT, Modifier::CROSSED_OUT),
    ];
    let modifiers = PAIRS.iter().filter(|(flag, _)| style.has(*flag)).map(|(_, modifier)| *modifier);
    let mut drawn = Style::new().add_modifier(modifiers.fold(Modifier::empty(), |all, one| all | one));
    if color {
        drawn = drawn.fg(cell_color(style.foreground)).bg(cell_color(style.background));
        if let Some(underline) = style.underline_color {
            drawn = drawn.underline_color(cell_color(underline));
        }
    }
    drawn
}

const fn cell_color(color: frame::Color) -> Color {
    match color {
        frame::Color::Default => Color::Reset,
        frame::Color::Indexed(index) => Color::Indexed(index),
        frame::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
