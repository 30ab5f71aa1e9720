//! Colours and marks, for light and dark terminals, for none and for ASCII.
//!
//! Owns the choice of each: only the sixteen colours that a person has chosen for their terminal, and never a
//! background of our own. Without colours, weight says what colour would.

use ratatui::style::{Color, Modifier, Style};

use crate::core::stop::Stage;
use crate::core::view::{RowState, RowView};
use crate::frontend::Look;
use crate::frontend::text::{self, EndKind};

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    look: Look,
}

impl Theme {
    pub(super) const fn new(look: Look) -> Self {
        Self { look }
    }

    fn colored(self, color: Color, without: Modifier) -> Style {
        if self.look.color { Style::new().fg(color) } else { Style::new().add_modifier(without) }
    }

    /// As it is.
    pub(super) const fn plain(self) -> Style {
        Style::new()
    }

    /// What matters less.
    pub(super) const fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What matters more.
    pub(super) const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn good(self) -> Style {
        self.colored(Color::Green, Modifier::empty())
    }

    pub(super) fn bad(self) -> Style {
        self.colored(Color::Red, Modifier::BOLD)
    }

    pub(super) fn warning(self) -> Style {
        self.colored(Color::Yellow, Modifier::BOLD)
    }

    /// What is chosen, or has the keyboard.
    pub(super) fn accent(self) -> Style {
        self.colored(Color::Cyan, Modifier::BOLD)
    }

    /// One of two forms of a mark.
    pub(super) const fn mark(self, mark: &'static str, ascii: &'static str) -> &'static str {
        if self.look.ascii { ascii } else { mark }
    }

    /// The mark of a row's state, and its style.
    pub(super) fn state(self, row: &RowView) -> (&'static str, Style) {
        if row.paused {
            return (self.mark("‖", "="), self.warning());
        }
        match row.state {
            RowState::Queued => (self.mark("·", "."), self.faint()),
            RowState::Starting => (self.mark("○", "o"), self.faint()),
            RowState::Running => (self.mark("●", "*"), self.good()),
            RowState::Draining => (self.mark("◇", "~"), self.warning()),
            RowState::Stopping => {
                let killing = row.stop.as_ref().is_some_and(|stop| stop.request.stage == Stage::Kill);
                (self.mark("◆", "!"), if killing { self.bad() } else { self.warning() })
            }
            RowState::Finished => match row.ending.as_ref().map(|ending| text::end_kind(&ending.outcome)) {
                Some(EndKind::Good) => (self.mark("✓", "+"), self.good()),
                Some(EndKind::Stopped) => (self.mark("■", "-"), self.warning()),
                Some(EndKind::Bad) | None => (self.mark("✗", "x"), self.bad()),
            },
        }
    }

    /// One more thing to know of a row: the most pressing one.
    pub(super) fn note(self, row: &RowView) -> Option<(&'static str, Style)> {
        if row.note.wants_input {
            Some(("?", self.warning().add_modifier(Modifier::REVERSED)))
        } else if row.restarting {
            Some((self.mark("↻", "r"), self.accent()))
        } else if row.note.log_fault.is_some() {
            Some(("!", self.bad()))
        } else if row.ending.as_ref().is_some_and(|ending| ending.leaked > 0) {
            Some(("!", self.warning()))
        } else if row.note.bell {
            Some((self.mark("♪", "b"), self.warning()))
        } else {
            None
        }
    }

    /// The done and the undone cells of a bar.
    pub(super) const fn bar(self) -> (&'static str, &'static str) {
        if self.look.ascii { ("=", "-") } else { ("━", "─") }
    }

    /// The cells of a bar whose length nobody knows, one a second.
    pub(super) const fn busy(self) -> &'static [&'static str] {
        if self.look.ascii {
            &["-", "\\", "|", "/"]
        } else {
            &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
        }
    }

    /// A line from left to right, and one from top to bottom.
    pub(super) const fn rules(self) -> (&'static str, &'static str) {
        if self.look.ascii { ("-", "|") } else { ("─", "│") }
    }

    /// Between things of one kind.
    pub(super) const fn dot(self) -> &'static str {
        self.mark("·", "-")
    }
}
