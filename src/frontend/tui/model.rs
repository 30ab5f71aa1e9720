//! What the TUI knows, and what keys do to it. Draws nothing and asks nobody: it returns what is to be asked.

use std::sync::Arc;
use std::time::Duration;

use terminput::{Event, KeyEvent, MouseButton, MouseEvent, MouseEventKind, ScrollDirection};

use super::input::Input;
use super::keymap::{self, Choice, Command, Edit};
use super::layout::Layout;
use super::mouse;
use crate::core::effect::Answer;
use crate::core::event::Scope;
use crate::core::id::CommandIndex;
use crate::core::stop::Stage;
use crate::core::time::Elapsed;
use crate::core::view::{RowState, RowView, View};
use crate::frontend::Look;
use crate::wire::client::{Look as LookAt, Request};
use crate::wire::frame::{Frame, MouseMode};
use crate::wire::shim::TerminalSize;

/// How much `+` gives.
const MORE_TIME: Duration = Duration::from_secs(30);
/// How long a message stays.
const MESSAGE_TIME: Duration = Duration::from_secs(4);
/// Lines that one step of the wheel scrolls.
const WHEEL: i32 = 3;

/// Who has the keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The list.
    List,
    /// The selected command.
    Focus,
    /// The line that filters the list.
    Filter,
    /// The question whether to stop all.
    Quit,
    /// The page of help.
    Help,
}

/// What is to be done for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Ask the engine.
    Ask(Request),
    /// Go back to the shell for a while.
    Suspend,
}

/// A place that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) area: ratatui::layout::Rect,
    pub(super) does: Clicked,
}

/// What a click does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clicked {
    /// Selects a row.
    Select(CommandIndex),
    /// Does what the hint says.
    Do(Command),
}

/// All that is shown, and how.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) view: Arc<View>,
    pub(super) frame: Option<Arc<Frame>>,
    pub(super) now: Elapsed,
    pub(super) size: TerminalSize,
    pub(super) look: Look,
    pub(super) mode: Mode,
    pub(super) selected: CommandIndex,
    pub(super) filter: String,
    pub(super) zoom: bool,
    /// Lines that the selected screen is scrolled back.
    pub(super) back: usize,
    /// Something to say, until then.
    pub(super) message: Option<(String, Elapsed)>,
    /// What can be clicked, as it was last drawn.
    pub(super) targets: Vec<Target>,
}

impl Model {
    pub(super) fn new(view: Arc<View>, size: TerminalSize, look: Look) -> Self {
        Self {
            view,
            frame: None,
            now: Elapsed::ZERO,
            size,
            look,
            mode: Mode::List,
            selected: CommandIndex(0),
            filter: String::new(),
            zoom: false,
            back: 0,
            message: None,
            targets: Vec::new(),
        }
    }

    /// The division of the terminal; none if it is too small.
    pub(super) fn layout(&self) -> Option<Layout> {
        Layout::of(self.size, self.view.rows.len(), self.zoom)
    }

    /// The rows that the filter lets through, in order.
    pub(super) fn shown(&self) -> Vec<&Arc<RowView>> {
        let wanted = self.filter.to_lowercase();
        let matches = |row: &&Arc<RowView>| {
            row.name.to_lowercase().contains(&wanted) || row.line.to_lowercase().contains(&wanted)
        };
        self.view.rows.iter().filter(matches).collect()
    }

    /// The selected row.
    pub(super) fn row(&self) -> Option<&Arc<RowView>> {
        self.view.rows.get(self.selected.get())
    }

    /// What the engine is to send frames of.
    pub(super) fn look_at(&self) -> Option<LookAt> {
        let row = self.row().filter(|row| row.started.is_some())?;
        Some(LookAt { id: row.id, back: self.back })
    }

    /// The frame of what is selected, if it has come.
    pub(super) fn current_frame(&self) -> Option<&Arc<Frame>> {
        let id = self.row()?.id;
        self.frame.as_ref().filter(|frame| frame.id == id)
    }

    /// True if what is shown changes with time alone.
    pub(super) fn has_clocks(&self) -> bool {
        let over = self.view.rows.iter().all(|row| row.state == RowState::Finished);
        !over || self.message.is_some()
    }

    /// Takes a new picture of the session.
    pub(super) fn set_view(&mut self, view: Arc<View>) {
        let before = self.row().map(|row| row.id);
        self.view = view;
        if self.row().map(|row| row.id) != before {
            // The command runs again, on a new screen.
            self.back = 0;
        }
        if self.mode == Mode::Focus && self.row().is_none_or(|row| row.state == RowState::Finished) {
            self.mode = Mode::List;
        }
    }

    /// Takes a new frame. A scrolled-back one stays at its lines while more are printed below.
    pub(super) fn set_frame(&mut self, frame: Option<Arc<Frame>>) {
        if let (Some(new), Some(old)) = (&frame, self.current_frame())
            && new.id == old.id
            && self.back > 0
        {
            let grown = new.history.saturating_sub(old.history);
            self.back = (self.back + grown).min(new.history);
        }
        self.frame = frame;
    }

    /// Says what an answer means, where it is not what was asked for.
    pub(super) fn on_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Accepted { .. } => {}
            Answer::ExecutionNotFound => self.say("there is no such execution any more"),
            Answer::AlreadyFinished { outcome } => self.say(format!("it has ended already: {outcome}")),
            Answer::AlreadyRunning => self.say("it runs already"),
            Answer::ShuttingDown => self.say("the session is going down, nothing starts any more"),
        }
    }

    /// Says something for a while.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some((text.into(), self.now.after(MESSAGE_TIME)));
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Elapsed) {
        self.now = now;
        if self.message.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.message = None;
        }
    }

    /// Something was typed, clicked or pasted.
    pub(super) fn on_input(&mut self, input: &Input) -> Vec<Act> {
        match (&input.event, &self.mode) {
            (Event::Key(key), Mode::Focus) => self.on_key_for_command(key, &input.bytes),
            (Event::Key(key), _) => self.on_key(key),
            (Event::Paste(text), Mode::Focus) => self.paste(text),
            (Event::Paste(text), Mode::Filter) => {
                self.filter.extend(text.chars().filter(|c| !c.is_control()));
                Vec::new()
            }
            (Event::Mouse(event), _) => self.on_mouse(event),
            (Event::Paste(_) | Event::FocusGained | Event::FocusLost | Event::Resize { .. }, _) => Vec::new(),
        }
    }

    fn on_key(&mut self, key: &KeyEvent) -> Vec<Act> {
        // Ctrl-C and Ctrl-Z mean the same whatever is open.
        if let Some(command @ (Command::Stop | Command::Suspend)) = keymap::command(key) {
            return self.run(command);
        }
        match self.mode {
            Mode::Help => {
                self.mode = Mode::List;
                Vec::new()
            }
            Mode::Quit => self.answer_quit(keymap::choice(key)),
            Mode::Filter => self.edit_filter(keymap::edit(key)),
            Mode::List | Mode::Focus => {
                keymap::command(key).map_or_else(Vec::new, |command| self.run(command))
            }
        }
    }

    fn answer_quit(&mut self, choice: Option<Choice>) -> Vec<Act> {
        match choice {
            Some(Choice::Yes) => {
                self.mode = Mode::List;
                self.run(Command::Stop)
            }
            Some(Choice::No) => {
                self.mode = Mode::List;
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn edit_filter(&mut self, edit: Option<Edit>) -> Vec<Act> {
        match edit {
            Some(Edit::Insert(c)) => self.filter.push(c),
            Some(Edit::Backspace) => drop(self.filter.pop()),
            Some(Edit::Clear) => self.filter.clear(),
            Some(Edit::Accept) => self.mode = Mode::List,
            Some(Edit::Cancel) => {
                self.filter.clear();
                self.mode = Mode::List;
            }
            None => {}
        }
        let shown: Vec<CommandIndex> = self.shown().iter().map(|row| row.command).collect();
        if let (false, Some(first)) = (shown.contains(&self.selected), shown.first()) {
            self.select(*first);
        }
        Vec::new()
    }

    /// Does what a key or a click asks for.
    pub(super) fn run(&mut self, command: Command) -> Vec<Act> {
        match command {
            Command::Move(by) => self.move_by(by),
            Command::Pick(place) => self.pick(place),
            Command::Focus => self.focus(),
            Command::Zoom => self.zoom = !self.zoom,
            Command::Scroll(pages) => self.scroll_pages(pages),
            Command::Top => self.back = self.current_frame().map_or(0, |frame| frame.history),
            Command::Bottom => self.back = 0,
            Command::Filter => self.mode = Mode::Filter,
            Command::Help => self.mode = Mode::Help,
            Command::Cancel => self.cancel(),
            Command::Suspend => return vec![Act::Suspend],
            Command::Quit => return self.quit(),
            Command::Stop => {
                return ask(Request::Interrupt { scope: Scope::All, stage: None, repeat: false });
            }
            Command::FocusWithPrefix => {
                self.focus();
                return self.input_to_command(vec![keymap::FOCUS_PREFIX]);
            }
            Command::Interrupt => return self.interrupt(None),
            Command::Kill => return self.interrupt(Some(Stage::Kill)),
            Command::MoreTime => return self.more_time(),
            Command::Pause => return self.pause(),
            Command::Start => return ask(Request::Start { command: self.selected }),
            Command::Restart => return ask(Request::Restart { command: self.selected }),
        }
        Vec::new()
    }

    fn interrupt(&self, stage: Option<Stage>) -> Vec<Act> {
        let request =
            |row: &Arc<RowView>| Request::Interrupt { scope: Scope::One(row.id), stage, repeat: false };
        self.row().map(request).map_or_else(Vec::new, ask)
    }

    fn more_time(&mut self) -> Vec<Act> {
        match self.row().filter(|row| row.stop.as_ref().is_some_and(|stop| stop.until.is_some())) {
            Some(row) => ask(Request::MoreTime { id: row.id, by: MORE_TIME }),
            None => {
                self.say("+ is for a command that is stopping, and has a next stage");
                Vec::new()
            }
        }
    }

    fn pause(&self) -> Vec<Act> {
        let request = |row: &Arc<RowView>| {
            if row.paused { Request::Resume { id: row.id } } else { Request::Pause { id: row.id } }
        };
        self.row().map(request).map_or_else(Vec::new, ask)
    }

    fn quit(&mut self) -> Vec<Act> {
        if self.view.session.shutdown.is_some() {
            self.say("it is stopping already");
            return Vec::new();
        }
        if self.view.rows.iter().all(|row| row.state == RowState::Finished) {
            // There is nothing to stop, and so nothing to ask.
            return self.run(Command::Stop);
        }
        self.mode = Mode::Quit;
        Vec::new()
    }

    fn cancel(&mut self) {
        if !self.filter.is_empty() {
            self.filter.clear();
        } else if self.back > 0 {
            self.back = 0;
        } else {
            self.zoom = false;
        }
    }

    fn focus(&mut self) {
        match self.row().map(|row| row.state) {
            Some(RowState::Starting | RowState::Running | RowState::Stopping) => {
                self.back = 0;
                self.mode = Mode::Focus;
            }
            Some(RowState::Queued) => self.say("it has not started yet"),
            Some(RowState::Draining | RowState::Finished) => self.say("it has ended; s starts it again"),
            None => {}
        }
    }

    fn select(&mut self, command: CommandIndex) {
        if command != self.selected {
            self.selected = command;
            self.back = 0;
        }
    }

    fn move_by(&mut self, by: i32) {
        let shown: Vec<CommandIndex> = self.shown().iter().map(|row| row.command).collect();
        let place = shown.iter().position(|command| *command == self.selected).unwrap_or(0);
        let last = shown.len().saturating_sub(1);
        let place = place.saturating_add_signed(by as isize).min(last);
        if let Some(command) = shown.get(place) {
            self.select(*command);
        }
    }

    fn pick(&mut self, place: usize) {
        if let Some(command) = self.shown().get(place).map(|row| row.command) {
            self.select(command);
        }
    }

    fn scroll_pages(&mut self, pages: i32) {
        let page = self.layout().map_or(1, |layout| i32::from(layout.screen.height.max(2)) - 1);
        self.scroll(pages * page);
    }

    /// Scrolls by lines; up is negative.
    fn scroll(&mut self, lines: i32) {
        let most = self.current_frame().map_or(0, |frame| frame.history);
        self.back = self.back.saturating_add_signed(-(lines as isize)).min(most);
    }

    fn on_key_for_command(&mut self, key: &KeyEvent, bytes: &[u8]) -> Vec<Act> {
        if keymap::leaves_focus(key) {
            self.mode = Mode::List;
            return Vec::new();
        }
        let application = self.current_frame().is_some_and(|frame| frame.modes.application_cursor);
        let bytes = keymap::application_cursor(key).filter(|_| application).unwrap_or(bytes);
        self.input_to_command(bytes.to_owned())
    }

    fn paste(&self, text: &str) -> Vec<Act> {
        let bracketed = self.current_frame().is_some_and(|frame| frame.modes.bracketed_paste);
        // What would end the brackets early is not part of any text.
        let text = text.replace("\x1b[201~", "").replace("\r\n", "\r").replace('\n', "\r");
        let bytes = if bracketed { format!("\x1b[200~{text}\x1b[201~") } else { text };
        self.input_to_command(bytes.into_bytes())
    }

    fn input_to_command(&self, bytes: Vec<u8>) -> Vec<Act> {
        self.row().map_or_else(Vec::new, |row| ask(Request::Input { id: row.id, bytes }))
    }

    fn on_mouse(&mut self, event: &MouseEvent) -> Vec<Act> {
        if let Some(acts) = self.mouse_for_command(event) {
            return acts;
        }
        let at = ratatui::layout::Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::Scroll(direction) => {
                let lines = match direction {
                    ScrollDirection::Up => -WHEEL,
                    ScrollDirection::Down => WHEEL,
                    ScrollDirection::Left | ScrollDirection::Right => 0,
                };
                if self.layout().is_some_and(|layout| layout.list.contains(at)) {
                    self.move_by(lines.signum());
                } else {
                    self.scroll(lines);
                }
                Vec::new()
            }
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved => Vec::new(),
        }
    }

    fn click(&mut self, at: ratatui::layout::Position) -> Vec<Act> {
        let clicked = self.targets.iter().find(|target| target.area.contains(at)).map(|target| target.does);
        if self.mode == Mode::Help {
            self.mode = Mode::List;
            return Vec::new();
        }
        match clicked {
            Some(Clicked::Select(command)) => {
                self.mode = Mode::List;
                self.select(command);
                Vec::new()
            }
            Some(Clicked::Do(command)) => self.run(command),
            None => Vec::new(),
        }
    }

    /// The mouse over the screen of a command that has the keyboard and wants the mouse, too.
    fn mouse_for_command(&self, event: &MouseEvent) -> Option<Vec<Act>> {
        let (frame, layout) = (self.current_frame()?, self.layout()?);
        let at = ratatui::layout::Position::new(event.column, event.row);
        let inside = layout.screen.contains(at);
        if self.mode != Mode::Focus || !inside || frame.modes.mouse == MouseMode::Off {
            return None;
        }
        let (column, row) = (event.column - layout.screen.x, event.row - layout.screen.y);
        let bytes = mouse::encode(event, column, row, frame.modes)?;
        Some(self.input_to_command(bytes))
    }
}

fn ask(request: Request) -> Vec<Act> {
    vec![Act::Ask(request)]
}
