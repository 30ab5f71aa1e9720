//! One command's terminal: the emulator, its history, and what it was asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use alacritty_terminal::event::{Event, EventListener, WindowSize};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line as GridLine};
use alacritty_terminal::term::{Config, Term, TermMode};
use alacritty_terminal::vte::ansi::{Processor, Rgb};

use super::cells;
use super::osc::{Osc, OscProgress, OscReader};
use crate::core::id::ExecutionId;
use crate::wire::frame::{Frame, InputModes, Line, MouseMode};
use crate::wire::shim::TerminalSize;

/// What the last line ends with where somebody is asked for something.
const PROMPT_ENDS: [char; 5] = [':', '?', '>', '$', '#'];
/// What it ends with where somebody is asked for one of two things, in any case.
const CHOICES: [&str; 4] = ["[y/n]", "(y/n)", "[yes/no]", "(yes/no)"];

/// What a program did to its terminal beside printing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// It rang the bell, or sent a notification.
    pub(crate) bell: bool,
    /// What OSC 9;4 said last.
    pub(crate) progress: Option<OscProgress>,
}

/// A terminal that shows nothing to anybody by itself.
pub(crate) struct Screen {
    term: Term<Listener>,
    parser: Processor,
    osc: OscReader,
    asked: Arc<Mutex<Asked>>,
    marks: Marks,
    size: TerminalSize,
    history: usize,
    tty: bool,
    /// The lines of the last frame, to be shared with the next where they are equal.
    last: Vec<Arc<Line>>,
}

/// What the emulator wants to tell the world.
#[derive(Debug, Default)]
struct Asked {
    answers: Vec<u8>,
    bell: bool,
    size: TerminalSize,
}

#[derive(Clone, Debug)]
struct Listener(Arc<Mutex<Asked>>);

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::PtyWrite(text) => asked.answers.extend_from_slice(text.as_bytes()),
            Event::ColorRequest(index, format) => {
                let answer = format(default_color(index));
                asked.answers.extend_from_slice(answer.as_bytes());
            }
            Event::TextAreaSizeRequest(format) => {
                let (num_cols, num_lines) = (asked.size.cols, asked.size.rows);
                let answer = format(WindowSize { num_lines, num_cols, cell_width: 8, cell_height: 16 });
                asked.answers.extend_from_slice(answer.as_bytes());
            }
            Event::Bell => asked.bell = true,
            // The clipboard is the person's; the rest is for those who draw a window.
            Event::Title(_)
            | Event::ResetTitle
            | Event::ClipboardStore(..)
            | Event::ClipboardLoad(..)
            | Event::MouseCursorDirty
            | Event::CursorBlinkingChange
            | Event::Wakeup
            | Event::Exit
            | Event::ChildExit(_) => {}
        }
    }
}

/// What programs are told when they ask for a colour: light on dark, as most terminals are.
const fn default_color(index: usize) -> Rgb {
    match index {
        // The foreground and the cursor are at 256 and 258, the background at 257.
        256 | 258 => Rgb { r: 0xd0, g: 0xd0, b: 0xd0 },
        _ => Rgb { r: 0, g: 0, b: 0 },
    }
}

struct Size(TerminalSize);

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        self.0.rows.into()
    }

    fn columns(&self) -> usize {
        self.0.cols.into()
    }
}

impl Screen {
    /// An empty terminal that keeps `history` lines of what scrolled off it. Without a terminal of its own, nobody
    /// has turned the command's line feeds into new lines: then this does.
    pub(crate) fn new(size: TerminalSize, history: usize, tty: bool) -> Self {
        let size = size.at_least_least();
        let asked = Arc::new(Mutex::new(Asked { size, ..Asked::default() }));
        let config = Config { scrolling_history: history, ..Config::default() };
        Self {
            term: Term::new(config, &Size(size), Listener(Arc::clone(&asked))),
            parser: Processor::new(),
            osc: OscReader::default(),
            asked,
            marks: Marks::default(),
            size,
            history,
            tty,
            last: Vec::new(),
        }
    }

    /// Takes in what the program printed.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        let marks = &mut self.marks;
        self.osc.read(bytes, &mut |osc| match osc {
            Osc::Progress(progress) => marks.progress = Some(progress),
            Osc::Notification => marks.bell = true,
        });
        let (parser, term, tty) = (&mut self.parser, &mut self.term, self.tty);
        let advance = || match tty {
            true => parser.advance(term, bytes),
            false => bytes.split_inclusive(|byte| *byte == b'\n').for_each(|line| {
                parser.advance(term, line.strip_suffix(b"\n").unwrap_or(line));
                if line.ends_with(b"\n") {
                    parser.advance(term, b"\r\n");
                }
            }),
        };
        if catch_unwind(AssertUnwindSafe(advance)).is_err() {
            // A fault of the emulator is not to end the command's supervision: it goes on with a fresh one.
            *self = Self { marks: self.marks.clone(), ..Self::new(self.size, self.history, self.tty) };
        }
    }

    /// When a synchronized update that was begun must be shown though it was not ended.
    pub(crate) fn sync_deadline(&self) -> Option<Instant> {
        self.parser.sync_timeout().sync_timeout()
    }

    /// Shows what a synchronized update has held back.
    pub(crate) fn end_sync(&mut self) {
        self.parser.stop_sync(&mut self.term);
    }

    /// Changes the size; lines are broken anew.
    pub(crate) fn resize(&mut self, size: TerminalSize) {
        let size = size.at_least_least();
        if size == self.size {
            return;
        }
        self.size = size;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).size = size;
        let term = &mut self.term;
        if catch_unwind(AssertUnwindSafe(|| term.resize(Size(size)))).is_err() {
            *self = Self { marks: self.marks.clone(), ..Self::new(self.size, self.history, self.tty) };
        }
    }

    /// What is to be written back to the program: answers to what it asked.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner).answers)
    }

    /// What happened since the last call.
    pub(crate) fn take_marks(&mut self) -> Marks {
        let bell = std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner).bell);
        let marks = std::mem::take(&mut self.marks);
        Marks { bell: marks.bell || bell, ..marks }
    }

    /// What the program wants of keys and mouse.
    pub(crate) fn modes(&self) -> InputModes {
        let mode = self.term.mode();
        let mouse = [
            (TermMode::MOUSE_MOTION, MouseMode::Motion),
            (TermMode::MOUSE_DRAG, MouseMode::Drag),
            (TermMode::MOUSE_REPORT_CLICK, MouseMode::Clicks),
        ];
        InputModes {
            application_cursor: mode.contains(TermMode::APP_CURSOR),
            bracketed_paste: mode.contains(TermMode::BRACKETED_PASTE),
            mouse: mouse.iter().find(|(flag, _)| mode.contains(*flag)).map_or(MouseMode::Off, |(_, m)| *m),
            sgr_mouse: mode.contains(TermMode::SGR_MOUSE),
            alternate_screen: mode.contains(TermMode::ALT_SCREEN),
        }
    }

    /// Lines above the first one.
    pub(crate) fn history_len(&self) -> usize {
        self.term.grid().history_size()
    }

    /// What is seen when scrolled back by at most `back` lines.
    pub(crate) fn frame(&mut self, id: ExecutionId, back: usize) -> Frame {
        let history = self.history_len();
        let back = back.min(history);
        let lines: Vec<_> = (0..self.size.rows).map(|row| self.shared_line(row, back)).collect();
        self.last.clone_from(&lines);
        let point = self.term.grid().cursor.point;
        let shown = back == 0 && self.term.mode().contains(TermMode::SHOW_CURSOR);
        let at = || Some((u16::try_from(point.column.0).ok()?, u16::try_from(point.line.0).ok()?));
        let cursor = if shown { at() } else { None };
        Frame { id, size: self.size, lines, cursor, history, back, modes: self.modes() }
    }

    /// A row as a line, the same as in the last frame if it is equal.
    fn shared_line(&self, row: u16, back: usize) -> Arc<Line> {
        let line = self.line(i32::from(row) - i32::try_from(back).unwrap_or(i32::MAX));
        match self.last.get(usize::from(row)) {
            Some(last) if **last == line => Arc::clone(last),
            _ => Arc::new(line),
        }
    }

    fn line(&self, row: i32) -> Line {
        let cells = &self.term.grid()[GridLine(row)];
        cells::line(&cells[Column(0)..])
    }

    /// The text of a row of the screen, from 0 at its top.
    pub(crate) fn row_text(&self, row: u16) -> String {
        if row < self.size.rows { self.line(row.into()).text() } else { String::new() }
    }

    /// Column and row of the cursor, shown or not.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        let point = self.term.grid().cursor.point;
        let cell = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        (cell(point.column.0), cell(point.line.0.unsigned_abs() as usize))
    }

    /// True if the line with the cursor looks as if somebody was expected to type behind it.
    pub(crate) fn ends_with_prompt(&self) -> bool {
        let (column, row) = self.cursor();
        let text = self.row_text(row);
        let width = text.chars().count();
        let behind = (width..=width + 2).contains(&usize::from(column));
        let lower = text.to_lowercase();
        let asks = lower.ends_with(PROMPT_ENDS) || CHOICES.iter().any(|choice| lower.ends_with(choice));
        behind && asks && !self.modes().alternate_screen
    }

    /// The size of the terminal.
    pub(crate) const fn size(&self) -> TerminalSize {
        self.size
    }

    /// The last lines that say something, oldest first.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let top = -i32::try_from(self.history_len()).unwrap_or(i32::MAX);
        let rows = (top..i32::from(self.size.rows)).rev();
        let texts = rows.map(|row| self.line(row).text()).filter(|text| !text.trim().is_empty());
        let mut lines: Vec<_> = texts.take(count).collect();
        lines.reverse();
        lines
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{Color, Style};

    fn screen(bytes: &[u8]) -> Screen {
        let mut screen = Screen::new(TerminalSize { cols: 20, rows: 4 }, 100, true);
        screen.advance(bytes);
        screen
    }

    fn texts(screen: &mut Screen, back: usize) -> Vec<String> {
        let frame = screen.frame(ExecutionId::from_bits(1), back);
        frame.lines.iter().map(|line| line.text()).collect()
    }

    #[test]
    fn lines_scroll_into_a_history_that_can_be_seen() {
        let mut screen = screen(b"1\r\n2\r\n3\r\n4\r\n5\r\n6");
        assert_eq!(texts(&mut screen, 0), ["3", "4", "5", "6"]);
        assert_eq!(texts(&mut screen, 1), ["2", "3", "4", "5"]);
        assert_eq!(texts(&mut screen, 99), ["1", "2", "3", "4"]);
        assert_eq!(screen.last_lines(2), ["5", "6"]);
    }

    #[test]
    fn styles_wide_characters_and_marks_make_spans() {
        let mut screen = screen("\x1b[1;31mab\x1b[0mc漢e\u{301}f".as_bytes());
        let frame = screen.frame(ExecutionId::from_bits(1), 0);
        let spans: Vec<_> = frame.lines[0]
            .spans
            .iter()
            .map(|span| (span.text.as_str(), span.cells, span.style.flags))
            .collect();
        assert_eq!(
            spans,
            [("ab", 2, Style::BOLD), ("c", 1, 0), ("漢", 2, 0), ("e\u{301}", 1, 0), ("f", 1, 0)]
        );
        assert_eq!(frame.lines[0].spans[0].style.foreground, Color::Indexed(1));
    }

    #[test]
    fn lines_that_did_not_change_are_shared_between_frames() {
        let mut screen = screen(b"a\r\nb");
        let first = screen.frame(ExecutionId::from_bits(1), 0);
        screen.advance(b"c");
        let second = screen.frame(ExecutionId::from_bits(1), 0);
        assert!(Arc::ptr_eq(&first.lines[0], &second.lines[0]));
        assert_eq!(second.lines[1].text(), "bc");
    }

    #[test]
    fn questions_are_answered_to_the_program() {
        let mut screen = screen(b"\x1b[c\x1b[6n\x1b]11;?\x07");
        let answers = String::from_utf8(screen.take_answers()).expect("answers are text");
        assert!(answers.contains("\x1b[1;1R"), "{answers:?}");
        assert!(answers.contains("rgb:0000/0000/0000"), "{answers:?}");
        assert!(screen.take_answers().is_empty());
    }

    #[test]
    fn bells_and_progress_become_marks() {
        let mut screen = screen(b"\x07\x1b]9;4;1;7\x07\x1b]0;evil\x07");
        let marks = screen.take_marks();
        assert!(marks.bell);
        assert_eq!(marks.progress, Some(OscProgress::Percent(7, crate::core::progress::Mood::Normal)));
        assert_eq!(screen.take_marks(), Marks::default());
    }

    #[test]
    fn a_prompt_is_told_from_progress() {
        for prompt in ["Password: ", "Continue? [Y/n] ", "$ ", "really (yes/no)?"] {
            assert!(screen(prompt.as_bytes()).ends_with_prompt(), "{prompt:?}");
        }
        for other in ["", "working...", "45%", "done:\r\n", "[3/9]"] {
            assert!(!screen(other.as_bytes()).ends_with_prompt(), "{other:?}");
        }
    }

    #[test]
    fn without_a_terminal_a_line_feed_is_a_new_line() {
        let mut screen = Screen::new(TerminalSize { cols: 20, rows: 4 }, 100, false);
        screen.advance(b"a\nb");
        assert_eq!(texts(&mut screen, 0), ["a", "b", "", ""]);
    }

    #[test]
    fn any_size_is_survived() {
        let mut screen = screen("漢字漢字漢字漢字".as_bytes());
        for (cols, rows) in [(0, 0), (1, 1), (500, 300), (1, 300), (20, 4)] {
            screen.resize(TerminalSize { cols, rows });
            screen.advance("漢字\r\n".as_bytes());
            screen.frame(ExecutionId::from_bits(1), 0);
        }
    }
}
