//! Which key means what. The only place that names keys.

use terminput::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for while the list has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Up or down the list by so many.
    Move(i32),
    /// The command at this place, from 0.
    Pick(usize),
    /// Give the keyboard to the command.
    Focus,
    /// The same, and a Ctrl-a with it.
    FocusWithPrefix,
    /// Interrupt, and while stopping, the next stage.
    Interrupt,
    /// Kill now.
    Kill,
    /// More time for the current stage.
    MoreTime,
    /// Stand still, or go on.
    Pause,
    /// Run again.
    Start,
    /// Stop, and run again.
    Restart,
    /// The command's screen alone, or the list beside it again.
    Zoom,
    /// Scroll by so many pages; up is negative.
    Scroll(i32),
    /// To the oldest line.
    Top,
    /// To the newest.
    Bottom,
    /// Show only some.
    Filter,
    /// Say what the keys do.
    Help,
    /// Leave, after asking.
    Quit,
    /// The press that stops everything, and again.
    Stop,
    /// Back to the shell for a while.
    Suspend,
    /// Close what is open, show everything again.
    Cancel,
}

/// A key as help and hints name it, and what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint {
    pub(super) key: &'static str,
    pub(super) ascii: &'static str,
    pub(super) does: &'static str,
    pub(super) command: Command,
}

const fn hint(key: &'static str, ascii: &'static str, does: &'static str, command: Command) -> Hint {
    Hint { key, ascii, does, command }
}

/// Hints for what is possible now; `hints.rs` chooses among them.
pub(super) const INTERRUPT: Hint = hint("x", "x", "interrupt", Command::Interrupt);
pub(super) const NEXT_STAGE: Hint = hint("x", "x", "next stage", Command::Interrupt);
pub(super) const KILL: Hint = hint("X", "X", "kill", Command::Kill);
pub(super) const MORE_TIME: Hint = hint("+", "+", "30 s more", Command::MoreTime);
pub(super) const PAUSE: Hint = hint("p", "p", "pause", Command::Pause);
pub(super) const RESUME: Hint = hint("p", "p", "go on", Command::Pause);
pub(super) const START: Hint = hint("s", "s", "start again", Command::Start);
pub(super) const RESTART: Hint = hint("r", "r", "restart", Command::Restart);
pub(super) const FOCUS: Hint = hint("⏎", "Enter", "type", Command::Focus);
pub(super) const ZOOM: Hint = hint("z", "z", "zoom", Command::Zoom);
pub(super) const UNZOOM: Hint = hint("z", "z", "list", Command::Zoom);
pub(super) const BOTTOM: Hint = hint("G", "G", "newest", Command::Bottom);
pub(super) const HELP: Hint = hint("?", "?", "help", Command::Help);
pub(super) const QUIT: Hint = hint("q", "q", "quit", Command::Quit);
pub(super) const KILL_ALL: Hint = hint("^C", "^C", "kill all now", Command::Stop);
pub(super) const LEAVE: Hint = hint("^C", "^C", "leave at once", Command::Stop);
pub(super) const SHOW_ALL: Hint = hint("Esc", "Esc", "show all", Command::Cancel);

/// The page of help: groups of keys and what they do.
pub(super) const PAGE: &[(&str, &[(&str, &str)])] = &[
    (
        "Choose",
        &[("↑ ↓ j k", "another command"), ("1-9", "the command at that place"), ("F", "show only some")],
    ),
    (
        "Stop",
        &[
            ("x", "interrupt; while stopping, the next stage"),
            ("X", "kill now"),
            ("+", "30 s more before the next stage"),
            ("Ctrl-C", "stop all; again, kill all; again, leave"),
            ("q", "stop all and leave, after asking"),
        ],
    ),
    (
        "Run",
        &[
            ("s", "start again what has ended"),
            ("r", "stop and start again"),
            ("p", "pause, go on"),
            ("Ctrl-Z", "pause all, back to the shell; fg returns"),
        ],
    ),
    (
        "Look",
        &[
            ("Enter", "type into the command; Ctrl-a leaves"),
            ("z", "its screen alone"),
            ("PgUp PgDn", "scroll; g to the oldest, G to the newest"),
            ("mouse", "click a command or a hint, wheel scrolls"),
        ],
    ),
];

/// What a key asks for in the list.
pub(super) fn command(key: &KeyEvent) -> Option<Command> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CTRL) {
        return match key.code {
            KeyCode::Char('c') => Some(Command::Stop),
            KeyCode::Char('z') => Some(Command::Suspend),
            KeyCode::Char('a') => Some(Command::FocusWithPrefix),
            KeyCode::Char('b' | 'u') => Some(Command::Scroll(-1)),
            KeyCode::Char('f' | 'd') => Some(Command::Scroll(1)),
            KeyCode::Char('n') => Some(Command::Move(1)),
            KeyCode::Char('p') => Some(Command::Move(-1)),
            _ => None,
        };
    }
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => Some(Command::Move(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Command::Move(1)),
        KeyCode::Char(digit @ '1'..='9') => Some(Command::Pick(digit as usize - '1' as usize)),
        KeyCode::Enter => Some(Command::Focus),
        KeyCode::Char('x') => Some(Command::Interrupt),
        KeyCode::Char('X') => Some(Command::Kill),
        KeyCode::Char('+') => Some(Command::MoreTime),
        KeyCode::Char('p') => Some(Command::Pause),
        KeyCode::Char('s') => Some(Command::Start),
        KeyCode::Char('r') => Some(Command::Restart),
        KeyCode::Char('z') => Some(Command::Zoom),
        KeyCode::PageUp => Some(Command::Scroll(-1)),
        KeyCode::PageDown => Some(Command::Scroll(1)),
        KeyCode::Home | KeyCode::Char('g') => Some(Command::Top),
        KeyCode::End | KeyCode::Char('G') => Some(Command::Bottom),
        KeyCode::Char('F') => Some(Command::Filter),
        KeyCode::Char('?') | KeyCode::F(1) => Some(Command::Help),
        KeyCode::Char('q') => Some(Command::Quit),
        KeyCode::Esc => Some(Command::Cancel),
        _ => None,
    }
}

/// True for the key that takes the keyboard back from a command.
pub(super) fn leaves_focus(key: &KeyEvent) -> bool {
    key.code == KeyCode::Char('a') && key.modifiers == KeyModifiers::CTRL
}

/// The byte of that key, for a command that wants it.
pub(super) const FOCUS_PREFIX: u8 = 0x01;

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Do it.
    Yes,
    /// Do not.
    No,
}

/// What a key answers; Ctrl-C is no answer but the press that it always is.
pub(super) fn choice(key: &KeyEvent) -> Option<Choice> {
    match key.code {
        _ if key.modifiers.contains(KeyModifiers::CTRL) => None,
        KeyCode::Enter | KeyCode::Char('y' | 's' | 'q') => Some(Choice::Yes),
        KeyCode::Esc | KeyCode::Char('n' | 'c') => Some(Choice::No),
        _ => None,
    }
}

/// What a key does to a line that is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Add this.
    Insert(char),
    /// Take the last away.
    Backspace,
    /// Take all away.
    Clear,
    /// It is done.
    Accept,
    /// It was not meant.
    Cancel,
}

/// What a key does to a line that is being typed.
pub(super) fn edit(key: &KeyEvent) -> Option<Edit> {
    let control = key.modifiers.contains(KeyModifiers::CTRL);
    match key.code {
        KeyCode::Char('u' | 'w') if control => Some(Edit::Clear),
        KeyCode::Char('h') if control => Some(Edit::Backspace),
        KeyCode::Char(_) if control => None,
        KeyCode::Char(c) => Some(Edit::Insert(c)),
        KeyCode::Backspace => Some(Edit::Backspace),
        KeyCode::Enter | KeyCode::Up | KeyCode::Down => Some(Edit::Accept),
        KeyCode::Esc => Some(Edit::Cancel),
        _ => None,
    }
}

/// The bytes of a key for a command whose terminal is in application cursor mode, where they differ.
pub(super) fn application_cursor(key: &KeyEvent) -> Option<&'static [u8]> {
    if !key.modifiers.is_empty() {
        return None;
    }
    match key.code {
        KeyCode::Up => Some(b"\x1bOA"),
        KeyCode::Down => Some(b"\x1bOB"),
        KeyCode::Right => Some(b"\x1bOC"),
        KeyCode::Left => Some(b"\x1bOD"),
        KeyCode::Home => Some(b"\x1bOH"),
        KeyCode::End => Some(b"\x1bOF"),
        _ => None,
    }
}
