//! Writing text into cells, from left to right, without ever leaving the line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A place to write on, in one row.
pub(in crate::frontend::tui) struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    right: u16,
}

impl<'a> Pen<'a> {
    /// Writes in the row of `area` that is `down` below its top.
    pub(in crate::frontend::tui) fn new(buffer: &'a mut Buffer, area: Rect, down: u16) -> Self {
        let right = if down < area.height { area.right() } else { area.x };
        Self { buffer, x: area.x, y: area.y + down, right }
    }

    /// Cells left.
    pub(in crate::frontend::tui) const fn left(&self) -> u16 {
        self.right.saturating_sub(self.x)
    }

    /// Where it is.
    pub(in crate::frontend::tui) const fn x(&self) -> u16 {
        self.x
    }

    /// Writes as much of the text as fits; control characters are blanks.
    pub(in crate::frontend::tui) fn text(&mut self, text: &str, style: Style) -> &mut Self {
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            let width = c.width().unwrap_or(0) as u16;
            if width == 0 || width > self.left() {
                continue;
            }
            let mut symbol = [0; 4];
            self.buffer[(self.x, self.y)].set_symbol(c.encode_utf8(&mut symbol)).set_style(style);
            for covered in 1..width {
                self.buffer[(self.x + covered, self.y)].set_symbol("").set_style(style);
            }
            self.x += width;
        }
        self
    }

    /// Writes the text within so many cells: cut with a mark, or filled up.
    pub(in crate::frontend::tui) fn column(
        &mut self,
        text: &str,
        cells: u16,
        style: Style,
        cut: &str,
    ) -> &mut Self {
        let end = self.x.saturating_add(cells).min(self.right);
        let (right, fits) = (self.right, text.width() <= usize::from(cells));
        let mark = if fits { "" } else { cut };
        self.right = end.saturating_sub(mark.width() as u16).max(self.x);
        self.text(text, style);
        self.right = end;
        self.text(mark, style);
        self.x = end;
        self.right = right;
        self
    }

    /// Writes the text at the right end of so many cells.
    pub(in crate::frontend::tui) fn right_column(
        &mut self,
        text: &str,
        cells: u16,
        style: Style,
    ) -> &mut Self {
        let end = self.x.saturating_add(cells).min(self.right);
        self.x = end.saturating_sub(text.width() as u16).max(self.x);
        let right = std::mem::replace(&mut self.right, end);
        self.text(text, style);
        self.right = right;
        self.x = end;
        self
    }

    /// Goes on so many cells.
    pub(in crate::frontend::tui) fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.right);
        self
    }

    /// Fills what is left with a mark of one cell.
    pub(in crate::frontend::tui) fn fill(&mut self, mark: &str, style: Style) {
        while self.left() > 0 {
            self.text(mark, style);
        }
    }

    /// Narrows what can be written on by so many cells at the right.
    pub(in crate::frontend::tui) fn reserve(&mut self, cells: u16) -> &mut Self {
        self.right = self.right.saturating_sub(cells).max(self.x);
        self
    }
}

/// The longest of the texts that fits into so many cells; the last one if none does.
pub(in crate::frontend::tui) fn fitting(texts: &[String], cells: u16) -> &str {
    let fits = |text: &&String| text.width() <= usize::from(cells);
    texts.iter().find(fits).or(texts.last()).map_or("", String::as_str)
}
