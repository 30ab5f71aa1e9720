//! Drawing the model: each part into its place, what comes up in front last.

use ratatui::buffer::Buffer;

use super::layout::{LEAST, Layout};
use super::model::{Mode, Model, Target};
use super::theme::Theme;
use super::widgets::pen::Pen;
use super::widgets::{footer, header, list, overlay, screen, stepper};

/// What drawing found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn {
    /// What can be clicked.
    pub(super) targets: Vec<Target>,
    /// Where the cursor is to be, if anywhere.
    pub(super) cursor: Option<(u16, u16)>,
}

/// Draws everything into an empty buffer of the terminal's size.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) -> Drawn {
    let theme = Theme::new(model.look);
    let Some(layout) = model.layout() else {
        draw_too_small(model, theme, buffer);
        return Drawn::default();
    };
    let mut drawn = Drawn::default();
    header::draw(model, theme, layout.header, buffer);
    if layout.list.height > 0 {
        drawn.targets.extend(list::draw(model, theme, layout.list, buffer));
    }
    draw_divider(theme, &layout, buffer);
    drawn.cursor = screen::draw(model, theme, &layout, buffer);
    let (targets, cursor) = footer::draw(model, theme, &layout, buffer);
    drawn.targets.extend(targets);
    drawn.cursor = cursor.or(drawn.cursor);
    if let Some(shutdown) = &model.view.session.shutdown {
        stepper::draw(shutdown, model.now, theme, layout.stepper, buffer);
    }
    match model.mode {
        Mode::Quit => overlay::draw_quit(model, theme, buffer),
        Mode::Help => overlay::draw_help(model, theme, buffer),
        Mode::List | Mode::Focus | Mode::Filter => {}
    }
    drawn
}

fn draw_divider(theme: Theme, layout: &Layout, buffer: &mut Buffer) {
    let (_, down) = theme.rules();
    for y in layout.divider.top()..layout.divider.bottom() {
        for x in layout.divider.left()..layout.divider.right() {
            buffer[(x, y)].set_symbol(down).set_style(theme.faint());
        }
    }
}

/// Says so, and goes on: commands run whatever the window's size is.
fn draw_too_small(model: &Model, theme: Theme, buffer: &mut Buffer) {
    let area = buffer.area;
    let running = model.view.rows.iter().filter(|row| row.ended.is_none()).count();
    let lines = [
        format!("{running} running"),
        format!("needs {}x{}", LEAST.cols, LEAST.rows),
        "too small".to_owned(),
    ];
    for (down, line) in (0..area.height).zip(lines) {
        Pen::new(buffer, area, down).text(&line, theme.warning());
    }
}
