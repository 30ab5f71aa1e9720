//! A picture of a command's terminal: text and styles, never its bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shim::TerminalSize;
use crate::core::id::ExecutionId;

/// What a client sees of one execution's terminal at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Whose.
    pub(crate) id: ExecutionId,
    /// The size of the terminal.
    pub(crate) size: TerminalSize,
    /// Its rows, from the top. Rows that did not change are shared with the frame before.
    pub(crate) lines: Vec<Arc<Line>>,
    /// Column and row of the cursor, if it is shown.
    pub(crate) cursor: Option<(u16, u16)>,
    /// How many lines there are above the first when nothing is scrolled back.
    pub(crate) history: usize,
    /// How many lines this frame is scrolled back.
    pub(crate) back: usize,
    /// What its program wants of keys and mouse.
    pub(crate) modes: InputModes,
}

/// A row of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// From the left; what follows the last one is blank.
    pub(crate) spans: Vec<Span>,
}

impl Line {
    /// Its text, without styles.
    pub(crate) fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Cells of one style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// Either a character a cell, or the content of one cell: a wide character, or one with combining marks.
    pub(crate) text: String,
    /// How many cells it takes.
    pub(crate) cells: u16,
    /// How they look.
    pub(crate) style: Style,
}

/// How cells look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Style {
    /// The letters.
    pub(crate) foreground: Color,
    /// What is behind them.
    pub(crate) background: Color,
    /// The underline, where it has a colour of its own.
    pub(crate) underline_color: Option<Color>,
    /// A sum of the constants below.
    pub(crate) flags: u16,
}

impl Style {
    /// Heavier.
    pub(crate) const BOLD: u16 = 1;
    /// Fainter.
    pub(crate) const DIM: u16 = 1 << 1;
    /// Slanted.
    pub(crate) const ITALIC: u16 = 1 << 2;
    /// With a line below, of any kind.
    pub(crate) const UNDERLINE: u16 = 1 << 3;
    /// Foreground and background exchanged.
    pub(crate) const REVERSE: u16 = 1 << 4;
    /// Not shown.
    pub(crate) const HIDDEN: u16 = 1 << 5;
    /// With a line through it.
    pub(crate) const STRIKEOUT: u16 = 1 << 6;

    /// True if the flag is in the sum.
    pub(crate) const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// A colour, as the program named it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of 256.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// What a program wants of keys, pastes and the mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputModes {
    /// Cursor keys in their application form.
    pub(crate) application_cursor: bool,
    /// Pastes in brackets.
    pub(crate) bracketed_paste: bool,
    /// Clicks, wheel, motion.
    pub(crate) mouse: MouseMode,
    /// Mouse reports in the SGR form.
    pub(crate) sgr_mouse: bool,
    /// It has the screen to itself, and no history.
    pub(crate) alternate_screen: bool,
}

/// Which mouse events a program wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum MouseMode {
    /// None.
    #[default]
    Off,
    /// Presses, releases, and the wheel.
    Clicks,
    /// Also motion while a button is down.
    Drag,
    /// Also any motion.
    Motion,
}
