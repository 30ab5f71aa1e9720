//! What comes up in front: the question before leaving, and the page of help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::core::view::RowState;
use crate::frontend::tui::keymap;
use crate::frontend::tui::model::Model;
use crate::frontend::tui::theme::Theme;

type Text = Vec<Vec<(String, Style)>>;

/// Asks whether to stop all.
pub(in crate::frontend::tui) fn draw_quit(model: &Model, theme: Theme, buffer: &mut Buffer) {
    let running = model.view.rows.iter().filter(|row| row.state != RowState::Finished).count();
    let what = if running == 1 { "the command that runs".into() } else { format!("all {running} commands") };
    let text = vec![
        vec![(format!("Stop {what} and leave?"), theme.strong())],
        Vec::new(),
        vec![
            ("Enter".into(), theme.accent()),
            (" stop all   ".into(), theme.plain()),
            ("Esc".into(), theme.accent()),
            (" cancel".into(), theme.plain()),
        ],
    ];
    draw_box("quit", &text, theme, buffer);
}

/// Says what every key does.
pub(in crate::frontend::tui) fn draw_help(model: &Model, theme: Theme, buffer: &mut Buffer) {
    let keys = keymap::PAGE.iter().flat_map(|(_, keys)| keys.iter()).map(|(key, _)| key.width()).max();
    let column = keys.unwrap_or(0) + 2;
    let roomy = usize::from(model.size.rows)
        >= keymap::PAGE.iter().map(|(_, keys)| keys.len() + 2).sum::<usize>() + 2;
    let mut text: Text = Vec::new();
    for (group, keys) in keymap::PAGE {
        if roomy {
            if !text.is_empty() {
                text.push(Vec::new());
            }
            text.push(vec![((*group).into(), theme.strong())]);
        }
        for (key, does) in *keys {
            let key = if model.look.ascii {
                key.replace('↑', "Up").replace('↓', "Down")
            } else {
                (*key).into()
            };
            let gap = " ".repeat(column.saturating_sub(key.width()).max(1));
            text.push(vec![(format!("{key}{gap}"), theme.accent()), ((*does).into(), theme.plain())]);
        }
    }
    draw_box("keys; any key closes this", &text, theme, buffer);
}

fn draw_box(title: &str, text: &Text, theme: Theme, buffer: &mut Buffer) {
    let screen = buffer.area;
    let widest = text.iter().map(|line| line.iter().map(|(part, _)| part.width()).sum::<usize>()).max();
    let width = (widest.unwrap_or(0).max(title.width() + 2) as u16 + 4).min(screen.width);
    let height = (text.len() as u16 + 2).min(screen.height);
    let area = Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    draw_border(title, area, theme, buffer);
    let inner = Rect::new(area.x + 2, area.y + 1, width.saturating_sub(4), height.saturating_sub(2));
    for (down, line) in (0..inner.height).zip(text) {
        let mut pen = Pen::new(buffer, inner, down);
        for (part, style) in line {
            pen.text(part, *style);
        }
    }
}

fn draw_border(title: &str, area: Rect, theme: Theme, buffer: &mut Buffer) {
    let (across, down) = theme.rules();
    let corners = [theme.mark("╭", "+"), theme.mark("╮", "+"), theme.mark("╰", "+"), theme.mark("╯", "+")];
    let style = theme.accent();
    for (y, left, right) in
        [(area.top(), corners[0], corners[1]), (area.bottom() - 1, corners[2], corners[3])]
    {
        let mut pen = Pen::new(buffer, Rect { y, height: 1, ..area }, 0);
        pen.text(left, style).reserve(1).fill(across, style);
        buffer[(area.right() - 1, y)].set_symbol(right).set_style(style);
    }
    for y in area.top() + 1..area.bottom() - 1 {
        for x in [area.left(), area.right() - 1] {
            buffer[(x, y)].set_symbol(down).set_style(style);
        }
    }
    let title_area = Rect { x: area.x + 2, width: area.width.saturating_sub(4), height: 1, ..area };
    Pen::new(buffer, title_area, 0).text(" ", style).text(title, style).text(" ", style);
}
