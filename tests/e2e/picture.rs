//! The picture in the README, made from the program's own screen:
//!
//!     SUNDOWN_PICTURE=assets/screen.svg cargo test --test e2e picture

use std::fmt::Write;

use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color, NamedColor};

use crate::harness::*;

const COLS: u16 = 100;
const ROWS: u16 = 26;
/// A cell, in the picture's own units.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d5d8de";

#[test]
fn the_picture_shows_the_demo_while_one_is_being_stopped() {
    let mut tui = Tui::sized(COLS, ROWS, &["demo"]);
    tui.ready();
    tui.tty.wait("tests have failed", |screen| screen.contains("failed (1)"));
    tui.tty.keys(b"5x");
    tui.tty.wait("its shim looks", |screen| screen.contains("SIGTERM in 3 s"));
    let picture = tui.tty.with_term(|term| {
        let cell = |row: u16, column: u16| term.grid()[Line(row.into())][Column(column.into())].clone();
        svg(&cell)
    });
    for name in ["build", "stubborn", "SIGTERM"] {
        assert!(picture.contains(name), "{name} is missing");
    }
    if let Some(path) = std::env::var_os("SUNDOWN_PICTURE") {
        std::fs::write(path, picture).expect("writes");
    }
    tui.tty.keys(b"\x03");
    std::thread::park_timeout(std::time::Duration::from_secs(1));
    tui.tty.keys(b"\x03");
    tui.end();
}

fn svg(cell: &impl Fn(u16, u16) -> Cell) -> String {
    let (width, height) = (f32::from(COLS) * WIDTH + 24.0, f32::from(ROWS) * HEIGHT + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLS {
            let first = cell(row, column);
            let mut text = String::new();
            let start = column;
            while column < COLS && same_look(&cell(row, column), &first) {
                text.push(cell(row, column).c);
                column += 1;
            }
            if !text.trim().is_empty() {
                draw(&mut out, row, start, &text, &first);
            }
        }
    }
    out + "</g>\n</svg>\n"
}

fn same_look(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.flags) == (b.fg, b.bg, b.flags)
}

fn draw(out: &mut String, row: u16, column: u16, text: &str, look: &Cell) {
    let (x, y) = (f32::from(column) * WIDTH + 12.0, f32::from(row) * HEIGHT + 26.0);
    let length = text.chars().count() as f32 * WIDTH;
    let inverse = look.flags.contains(Flags::INVERSE);
    let fill = if inverse { BACKGROUND } else { color(look.fg) };
    if inverse {
        let back = color(look.fg);
        writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{HEIGHT}\" fill=\"{back}\"/>",
            y - 14.0
        )
        .expect("memory");
    }
    let weight = if look.flags.contains(Flags::BOLD) { " font-weight=\"bold\"" } else { "" };
    let faint = if look.flags.contains(Flags::DIM) { " opacity=\"0.55\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" fill=\"{fill}\"{weight}{faint}>{text}</text>"
    )
    .expect("memory");
}

fn color(color: Color) -> &'static str {
    let index = match color {
        Color::Named(NamedColor::Foreground) => return FOREGROUND,
        Color::Named(NamedColor::Background) => return BACKGROUND,
        Color::Named(name) => name as usize,
        Color::Indexed(index) => usize::from(index),
        Color::Spec(_) => return FOREGROUND,
    };
    match index % 8 {
        1 => "#f07178",
        2 => "#9ccc65",
        3 => "#ffcb6b",
        4 => "#82aaff",
        5 => "#c792ea",
        6 => "#5fd3e0",
        _ => FOREGROUND,
    }
}
