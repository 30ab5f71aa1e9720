//! From one drawing to the next: only the cells that changed.

use std::io::{self, Write};

use crossterm::{cursor, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::wire::shim::TerminalSize;

/// What the terminal shows, and the way to the next picture.
#[derive(Debug)]
pub(super) struct Canvas {
    shown: Buffer,
    cursor: Option<(u16, u16)>,
}

impl Canvas {
    /// An empty screen without a cursor.
    pub(super) fn new(size: TerminalSize) -> Self {
        // Colours are decided by us, from the same variables and more.
        crossterm::style::force_color_output(true);
        Self { shown: Buffer::empty(Rect::new(0, 0, size.cols, size.rows)), cursor: None }
    }

    /// An empty buffer to draw the next picture into.
    pub(super) fn blank(&self) -> Buffer {
        Buffer::empty(self.shown.area)
    }

    /// The bytes that make the next picture of the one that is shown; none if they are equal.
    ///
    /// # Errors
    /// None: what is written to is memory.
    pub(super) fn advance(&mut self, next: Buffer, cursor: Option<(u16, u16)>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut backend = CrosstermBackend::new(&mut bytes);
        let changed = self.shown.diff(&next);
        let any = !changed.is_empty();
        // The cursor does not run about while cells are written.
        if any && self.cursor.is_some() {
            queue!(backend, cursor::Hide)?;
        }
        if any {
            backend.draw(changed.into_iter())?;
        }
        match cursor {
            Some((x, y)) if any || self.cursor != cursor => {
                queue!(backend, cursor::MoveTo(x, y), cursor::Show)?;
            }
            None if self.cursor.is_some() && !any => queue!(backend, cursor::Hide)?,
            Some(_) | None => {}
        }
        self.shown = next;
        self.cursor = cursor;
        Write::flush(&mut backend)?;
        Ok(bytes)
    }
}
