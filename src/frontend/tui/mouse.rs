//! Mouse reports for commands that want them.

use terminput::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind, ScrollDirection};

use crate::wire::frame::{InputModes, MouseMode};

/// A mouse event at a cell of the command's own screen, as the command wants it told; none if it does not.
pub(super) fn encode(event: &MouseEvent, column: u16, row: u16, modes: InputModes) -> Option<Vec<u8>> {
    let (code, released) = code(event.kind, modes.mouse)?;
    let held = [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CTRL, 16)];
    let code: u8 =
        code + held.iter().filter(|(key, _)| event.modifiers.contains(*key)).map(|(_, n)| n).sum::<u8>();
    let (x, y) = (column + 1, row + 1);
    if modes.sgr_mouse {
        let end = if released { 'm' } else { 'M' };
        return Some(format!("\x1b[<{code};{x};{y}{end}").into_bytes());
    }
    // The old form says a release without its button, and cannot say far places.
    let code = if released { code & !3 | 3 } else { code };
    let cell = |n: u16| u8::try_from(n + 32).ok();
    Some(vec![0x1b, b'[', b'M', code + 32, cell(x)?, cell(y)?])
}

/// The number of an event, and whether it is a release.
fn code(kind: MouseEventKind, wanted: MouseMode) -> Option<(u8, bool)> {
    match kind {
        MouseEventKind::Down(pressed) => Some((button(pressed)?, false)),
        MouseEventKind::Up(pressed) => Some((button(pressed)?, true)),
        MouseEventKind::Drag(pressed) if wanted >= MouseMode::Drag => Some((button(pressed)? + 32, false)),
        MouseEventKind::Moved if wanted >= MouseMode::Motion => Some((35, false)),
        MouseEventKind::Drag(_) | MouseEventKind::Moved => None,
        MouseEventKind::Scroll(ScrollDirection::Up) => Some((64, false)),
        MouseEventKind::Scroll(ScrollDirection::Down) => Some((65, false)),
        MouseEventKind::Scroll(ScrollDirection::Left) => Some((66, false)),
        MouseEventKind::Scroll(ScrollDirection::Right) => Some((67, false)),
    }
}

const fn button(button: MouseButton) -> Option<u8> {
    match button {
        MouseButton::Left => Some(0),
        MouseButton::Middle => Some(1),
        MouseButton::Right => Some(2),
        MouseButton::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(kind: MouseEventKind, sgr_mouse: bool) -> Option<Vec<u8>> {
        let event = MouseEvent { kind, column: 0, row: 0, modifiers: KeyModifiers::CTRL };
        let modes = InputModes { mouse: MouseMode::Clicks, sgr_mouse, ..InputModes::default() };
        encode(&event, 4, 2, modes)
    }

    #[test]
    fn events_are_told_in_the_form_that_is_wanted() {
        let down = MouseEventKind::Down(MouseButton::Left);
        assert_eq!(encoded(down, true).as_deref(), Some(&b"\x1b[<16;5;3M"[..]));
        let up = MouseEventKind::Up(MouseButton::Left);
        assert_eq!(encoded(up, true).as_deref(), Some(&b"\x1b[<16;5;3m"[..]));
        assert_eq!(encoded(up, false).as_deref(), Some(&b"\x1b[M3%#"[..]));
        assert_eq!(encoded(MouseEventKind::Moved, true), None, "it wants clicks only");
    }
}
