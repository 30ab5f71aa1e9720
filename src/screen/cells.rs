//! From the emulator's cells to lines of spans.

use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color as TermColor, NamedColor};

use crate::wire::frame::{Color, Line, Span, Style};

/// A row of the grid as a line, without the blanks at its end.
pub(super) fn line(cells: &[Cell]) -> Line {
    let mut spans: Vec<Span> = Vec::new();
    let shown = cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1);
    // A span goes on while style and the one-character-a-cell form do.
    let mut open = false;
    for cell in &cells[..shown] {
        if cell.flags.intersects(Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER) {
            if cell.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER) {
                push(&mut spans, ' ', style(cell), &mut open);
            }
            continue;
        }
        let wide = cell.flags.contains(Flags::WIDE_CHAR);
        let marks = cell.zerowidth().unwrap_or_default();
        if wide || !marks.is_empty() {
            let text = std::iter::once(cell.c).chain(marks.iter().copied()).collect();
            spans.push(Span { text, cells: if wide { 2 } else { 1 }, style: style(cell) });
            open = false;
        } else {
            push(&mut spans, printable(cell.c), style(cell), &mut open);
        }
    }
    Line { spans }
}

fn push(spans: &mut Vec<Span>, c: char, style: Style, open: &mut bool) {
    match spans.last_mut() {
        Some(span) if *open && span.style == style => {
            span.text.push(c);
            span.cells += 1;
        }
        _ => spans.push(Span { text: c.into(), cells: 1, style }),
    }
    *open = true;
}

/// The grid keeps tabs where they were typed; on a screen they are blanks.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

fn is_blank(cell: &Cell) -> bool {
    let bare = !cell
        .flags
        .intersects(Flags::INVERSE | Flags::ALL_UNDERLINES | Flags::STRIKEOUT | Flags::WIDE_CHAR_SPACER);
    matches!(cell.c, ' ' | '\t') && bare && cell.bg == TermColor::Named(NamedColor::Background)
}

fn style(cell: &Cell) -> Style {
    const PAIRS: [(Flags, u16); 6] = [
        (Flags::BOLD, Style::BOLD),
        (Flags::DIM, Style::DIM),
        (Flags::ITALIC, Style::ITALIC),
        (Flags::INVERSE, Style::REVERSE),
        (Flags::HIDDEN, Style::HIDDEN),
        (Flags::STRIKEOUT, Style::STRIKEOUT),
    ];
    let mut flags = PAIRS.iter().filter(|(flag, _)| cell.flags.contains(*flag)).map(|(_, bit)| bit).sum();
    if cell.flags.intersects(Flags::ALL_UNDERLINES) {
        flags |= Style::UNDERLINE;
    }
    if is_dim(cell.fg) {
        flags |= Style::DIM;
    }
    Style {
        foreground: color(cell.fg),
        background: color(cell.bg),
        underline_color: cell.underline_color().map(color),
        flags,
    }
}

const fn is_dim(color: TermColor) -> bool {
    matches!(color, TermColor::Named(name) if name as usize >= NamedColor::DimBlack as usize)
}

fn color(color: TermColor) -> Color {
    match color {
        TermColor::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
        TermColor::Indexed(index) => Color::Indexed(index),
        TermColor::Named(name) => match name as usize {
            index @ 0..=15 => Color::Indexed(index as u8),
            dim if (NamedColor::DimBlack as usize..=NamedColor::DimWhite as usize).contains(&dim) => {
                Color::Indexed((dim - NamedColor::DimBlack as usize) as u8)
            }
            _ => Color::Default,
        },
    }
}
