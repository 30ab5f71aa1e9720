//! Where things are on the screen.
//!
//! Owns the division of the terminal, from 500x300 down to where it says that it is too small. The size of the
//! commands' terminals depends on the window and the zoom alone, so that they are not resized when something
//! comes up in front of them.

use ratatui::layout::Rect;

use crate::wire::shim::TerminalSize;

/// Below this, nothing useful fits.
pub(super) const LEAST: TerminalSize = TerminalSize { cols: 20, rows: 4 };
/// From this width on, list and screen are side by side.
const SIDE_BY_SIDE: u16 = 72;
/// From this height on, there is a line for what matters beside the one for keys;
const WITH_MESSAGE: u16 = 14;
/// from this on, one for the session.
const WITH_HEADER: u16 = 8;
/// From this on, the way down has two lines.
const TALL_STEPPER: u16 = 12;

/// The places of everything; an empty rectangle is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) header: Rect,
    pub(super) list: Rect,
    /// Between list and screen, when they are side by side.
    pub(super) divider: Rect,
    pub(super) title: Rect,
    pub(super) screen: Rect,
    pub(super) message: Rect,
    pub(super) keys: Rect,
    /// Above the message, in front of list and screen, during a shutdown.
    pub(super) stepper: Rect,
}

impl Layout {
    /// Divides a terminal among `commands` rows and a screen; none if it is too small.
    pub(super) fn of(size: TerminalSize, commands: usize, zoom: bool) -> Option<Self> {
        let (cols, rows) = (size.cols, size.rows);
        if cols < LEAST.cols || rows < LEAST.rows {
            return None;
        }
        let row = |y: u16, height: u16| Rect::new(0, y, cols, height);
        let header = row(0, u16::from(rows >= WITH_HEADER));
        let keys = row(rows - 1, 1);
        let message = row(rows.saturating_sub(2), u16::from(rows >= WITH_MESSAGE));
        let body = row(header.height, rows - header.height - keys.height - message.height);
        let stepper_height = if rows >= TALL_STEPPER { 2 } else { 1 };
        let stepper = row(body.bottom() - stepper_height, stepper_height);
        let layout = Self { header, keys, message, stepper, ..Self::default() };
        Some(if zoom {
            let (title, screen) = split_title(body);
            Self { title, screen, ..layout }
        } else if cols >= SIDE_BY_SIDE {
            side_by_side(layout, body)
        } else {
            stacked(layout, body, commands)
        })
    }

    /// The size that the commands' terminals are to have.
    pub(super) fn terminal_size(&self) -> TerminalSize {
        TerminalSize { cols: self.screen.width, rows: self.screen.height }.at_least_least()
    }
}

fn side_by_side(layout: Layout, body: Rect) -> Layout {
    let width = (body.width * 2 / 5).clamp(37, 56);
    // A blank column keeps what stands at a row's end apart from the divider.
    let list = Rect { width: width - 1, ..body };
    let divider = Rect { x: width, width: 1, ..body };
    let right = Rect { x: width + 1, width: body.width - width - 1, ..body };
    let (title, screen) = split_title(right);
    Layout { list, divider, title, screen, ..layout }
}

/// The list gets what it needs, but leaves half to the screen.
fn stacked(layout: Layout, body: Rect, commands: usize) -> Layout {
    let needed = u16::try_from(commands).unwrap_or(u16::MAX);
    let height = needed.min((body.height / 2).max(body.height.saturating_sub(8))).max(1);
    let list = Rect { height, ..body };
    let below = Rect { y: body.y + height, height: body.height - height, ..body };
    let (title, screen) = split_title(below);
    Layout { list, title, screen, ..layout }
}

fn split_title(area: Rect) -> (Rect, Rect) {
    let title = Rect { height: area.height.min(1), ..area };
    let screen = Rect { y: area.y + title.height, height: area.height - title.height, ..area };
    (title, screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_within_any_terminal() {
        for cols in [1, 2, 19, 20, 40, 71, 72, 80, 120, 500] {
            for rows in [1, 3, 4, 7, 8, 10, 13, 14, 24, 36, 300] {
                for (commands, zoom) in [(1, false), (8, false), (500, false), (8, true)] {
                    let size = TerminalSize { cols, rows };
                    let Some(layout) = Layout::of(size, commands, zoom) else {
                        assert!(cols < LEAST.cols || rows < LEAST.rows);
                        continue;
                    };
                    let Layout { header, list, divider, title, screen, message, keys, stepper } = layout;
                    for area in [header, list, divider, title, screen, message, keys, stepper] {
                        assert!(area.right() <= cols && area.bottom() <= rows, "{size:?} {layout:?}");
                    }
                    assert!(keys.height == 1 && (zoom || list.height > 0), "{size:?} {layout:?}");
                }
            }
        }
    }

    #[test]
    fn a_small_terminal_still_shows_list_and_screen() {
        let layout = Layout::of(TerminalSize { cols: 40, rows: 10 }, 8, false).expect("it fits");
        assert_eq!((layout.list.height, layout.screen.height), (4, 3));
        let layout = Layout::of(TerminalSize { cols: 80, rows: 24 }, 8, false).expect("it fits");
        assert_eq!((layout.list.width, layout.screen.width, layout.screen.height), (36, 42, 20));
    }
}
