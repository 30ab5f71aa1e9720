//! A session on a person's terminal.
//!
//! Owns the loop between keys, views, frames and the terminal. A client like any other: it gets pictures and asks;
//! losing it loses a picture, never work.

mod canvas;
mod draw;
mod input;
mod keymap;
mod layout;
mod model;
mod mouse;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod widgets;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use signal_hook::consts::{SIGTSTP, SIGWINCH};
use signal_hook_tokio::Signals;
use tokio::time::Instant;
use tokio_stream::StreamExt;

use self::canvas::Canvas;
use self::input::{ESC_TIME, Input, Reader};
use self::model::{Act, Model};
use self::terminal::Terminal;
use super::{Look, Own};
use crate::core::effect::Answer;
use crate::core::shutdown::Phase;
use crate::core::view::{RowState, View};
use crate::engine::{Client, Clock};
use crate::panics;
use crate::session::suspend;
use crate::wire::client::{Look as LookAt, Request};
use crate::wire::frame::Frame;
use crate::wire::shim::TerminalSize;

/// Between two drawings that no key asked for.
const DRAW_PAUSE: Duration = Duration::from_millis(33);
/// How often a process in the background looks whether it is in the foreground again.
const BACKGROUND_PAUSE: Duration = Duration::from_secs(1);

/// What goes to the person's terminal beside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notices {
    /// The session's progress (OSC 9;4), for the window's icon.
    pub(crate) progress: bool,
    /// A bell when all have ended.
    pub(crate) bell: bool,
}

/// Shows a session until it is over. Gives the terminal back on every way out.
///
/// # Errors
/// If there is no terminal to draw on.
pub(crate) fn run(
    (runtime, signals): Own,
    client: Client,
    clock: Clock,
    look: Look,
    notices: Notices,
) -> io::Result<()> {
    runtime.block_on(async {
        let terminal = Terminal::open()?;
        Tui::new(client, clock, look, notices, terminal, signals).run().await;
        Ok(())
    })
}

/// What woke the loop.
enum Wake {
    Typed(io::Result<usize>),
    EscapeTime,
    View(bool),
    Frame,
    Answer(Answer),
    Signal(i32),
    Writable,
    Clock,
}

struct Tui {
    client: Client,
    clock: Clock,
    notices: Notices,
    terminal: Terminal,
    signals: Signals,
    reader: Reader,
    model: Model,
    canvas: Canvas,
    /// What the engine was asked for last,
    asked_look: Option<LookAt>,
    /// and what size.
    asked_size: Option<TerminalSize>,
    /// Something changed since the last drawing.
    changed: bool,
    /// A key changed it, and the person waits.
    urgent: bool,
    last_drawing: Option<Instant>,
    shown_percent: Option<u8>,
    rang: bool,
    /// The terminal is gone for good.
    lost: bool,
}

impl Tui {
    fn new(
        mut client: Client,
        clock: Clock,
        look: Look,
        notices: Notices,
        terminal: Terminal,
        signals: Signals,
    ) -> Self {
        let size = terminal.size();
        let view = client.view.borrow_and_update().clone();
        Self {
            client,
            clock,
            notices,
            terminal,
            signals,
            reader: Reader::default(),
            model: Model::new(view, size, look),
            canvas: Canvas::new(size),
            asked_look: None,
            asked_size: None,
            changed: true,
            urgent: true,
            last_drawing: None,
            shown_percent: None,
            rang: false,
            lost: false,
        }
    }

    async fn run(mut self) {
        self.take_terminal();
        let mut buffer = vec![0; 4096];
        loop {
            self.model.tick(self.clock.now());
            self.ask_for_pictures();
            self.draw_if_due();
            let wake = self.wake(&mut buffer).await;
            if matches!(wake, Wake::View(false)) || !self.on_wake(wake, &buffer).await {
                break;
            }
        }
        self.terminal.give_back();
        self.client.ask(Request::Closed);
    }

    /// Waits for the next thing to do: keys first.
    async fn wake(&mut self, buffer: &mut [u8]) -> Wake {
        let (taken, pending) = (self.terminal.is_taken(), !self.terminal.is_idle());
        let escape = self.reader.is_waiting().then(|| Instant::now() + ESC_TIME);
        let next = self.next_due();
        let terminal = &self.terminal;
        tokio::select! {
            biased;
            read = terminal.read(buffer), if taken => Wake::Typed(read),
            Some(number) = self.signals.next() => Wake::Signal(number),
            changed = self.client.view.changed() => Wake::View(changed.is_ok()),
            Some((_, answer)) = self.client.answer.recv() => Wake::Answer(answer),
            Ok(()) = self.client.frame.changed() => Wake::Frame,
            () = terminal.writable(), if pending => Wake::Writable,
            () = at(escape) => Wake::EscapeTime,
            () = at(next) => Wake::Clock,
        }
    }

    /// When there is something to do by the clock alone.
    fn next_due(&self) -> Option<Instant> {
        if self.lost {
            return None;
        }
        if !self.terminal.is_taken() {
            return Some(Instant::now() + BACKGROUND_PAUSE);
        }
        let drawing = self.changed.then(|| self.drawing_due()).filter(|_| self.terminal.is_idle());
        let second = self.model.has_clocks().then(|| self.next_second());
        [drawing, second].into_iter().flatten().min()
    }

    fn drawing_due(&self) -> Instant {
        match self.last_drawing {
            Some(last) if !self.urgent => last + DRAW_PAUSE,
            Some(_) | None => Instant::now(),
        }
    }

    /// All clocks count the same seconds, so that one drawing a second is enough for all.
    fn next_second(&self) -> Instant {
        let past = Duration::from_nanos(self.model.now.since_epoch().subsec_nanos().into());
        Instant::now() + Duration::from_secs(1).saturating_sub(past)
    }

    /// Does what woke us; false if the session is over.
    async fn on_wake(&mut self, wake: Wake, buffer: &[u8]) -> bool {
        match wake {
            Wake::Typed(Ok(0)) | Wake::View(false) => {}
            Wake::Typed(Ok(read)) => {
                let inputs = self.reader.feed(&buffer[..read]);
                self.on_inputs(inputs).await;
            }
            Wake::Typed(Err(_)) => self.on_terminal_lost(),
            Wake::EscapeTime => {
                let input = self.reader.time_out();
                self.on_inputs(input).await;
            }
            Wake::View(true) => {
                let view = self.client.view.borrow_and_update().clone();
                if view.session.phase == Phase::Restore {
                    return false;
                }
                self.on_view(view);
            }
            Wake::Frame => {
                let frame = self.client.frame.borrow_and_update().clone();
                self.on_frame(frame);
            }
            Wake::Answer(answer) => {
                self.model.on_answer(&answer);
                self.changed = true;
            }
            Wake::Signal(number) => self.on_signal(number).await,
            Wake::Writable => self.terminal.flush(),
            Wake::Clock => self.on_clock(),
        }
        true
    }

    async fn on_inputs(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            panics::fault("screen");
            self.changed = true;
            self.urgent = true;
            for act in self.model.on_input(&input) {
                match act {
                    Act::Ask(request) => {
                        if self.client.ask(request).is_none() {
                            self.model.say("sundown is busy; press again");
                        }
                    }
                    Act::Suspend => self.suspend().await,
                }
            }
        }
    }

    fn on_view(&mut self, view: Arc<View>) {
        let over = |view: &View| view.rows.iter().all(|row| row.state == RowState::Finished);
        if over(&view) && !over(&self.model.view) {
            self.ring();
        }
        self.model.set_view(view);
        self.changed = true;
        self.show_progress();
    }

    fn on_frame(&mut self, frame: Option<Arc<Frame>>) {
        self.model.set_frame(frame);
        self.changed = true;
    }

    fn on_clock(&mut self) {
        if self.terminal.is_taken() {
            // Clocks on screen count on.
            self.changed |= self.model.has_clocks();
        } else {
            self.take_terminal();
        }
    }

    async fn on_signal(&mut self, number: i32) {
        match number {
            SIGTSTP => self.suspend().await,
            SIGWINCH => self.on_resized(),
            // Continued by a shell that had stopped us behind our back.
            _ => self.redraw_all(),
        }
    }

    fn on_resized(&mut self) {
        let size = self.terminal.size();
        if size != self.model.size {
            self.model.size = size;
            self.redraw_all();
        }
    }

    /// Whatever the terminal shows now is not ours.
    fn redraw_all(&mut self) {
        if self.terminal.is_taken() {
            self.canvas = Canvas::new(self.model.size);
            self.terminal.queue(b"\x1b[0m\x1b[2J\x1b[?25l");
            self.changed = true;
            self.urgent = true;
        }
    }

    fn on_terminal_lost(&mut self) {
        self.lost = true;
        self.terminal.forget();
        self.client.ask(Request::HungUp);
    }

    /// Takes the terminal if our process group may use it; otherwise later.
    fn take_terminal(&mut self) {
        if self.lost || !self.terminal.is_ours() {
            return;
        }
        match self.terminal.take() {
            Ok(()) => {
                self.model.size = self.terminal.size();
                self.canvas = Canvas::new(self.model.size);
                self.changed = true;
                self.urgent = true;
            }
            Err(error) => {
                tracing::warn!(%error, "the terminal cannot be taken");
                self.on_terminal_lost();
            }
        }
    }

    /// Ctrl-Z: everything stands still until the shell continues us.
    async fn suspend(&mut self) {
        self.terminal.give_back();
        suspend::suspend(&mut self.client).await;
        self.asked_look = None;
        self.take_terminal();
    }

    /// Tells the engine what is looked at, and how large it is.
    fn ask_for_pictures(&mut self) {
        let size = self.model.layout().map(|layout| layout.terminal_size());
        if let Some(size) = size.filter(|_| size != self.asked_size && self.terminal.is_taken()) {
            self.asked_size = Some(size);
            self.client.ask(Request::Resize(size));
        }
        let look = self.model.look_at();
        if look != self.asked_look {
            self.asked_look = look;
            self.client.ask(Request::Look(look));
        }
    }

    fn draw_if_due(&mut self) {
        let due = self.changed && self.drawing_due() <= Instant::now();
        if due && self.terminal.is_taken() && self.terminal.is_idle() {
            self.changed = false;
            self.urgent = false;
            self.last_drawing = Some(Instant::now());
            let mut next = self.canvas.blank();
            let drawn = draw::draw(&self.model, &mut next);
            self.model.targets = drawn.targets;
            let frame = self.canvas.advance(next, drawn.cursor).expect("memory can be written to");
            self.terminal.show(&frame);
        }
    }

    /// Tells the terminal how far the session is, when that has changed by a percent.
    fn show_progress(&mut self) {
        if !self.notices.progress || !self.terminal.is_taken() {
            return;
        }
        let percent = self.model.view.fraction().map(|fraction| (fraction * 100.0) as u8);
        if percent != self.shown_percent {
            self.shown_percent = percent;
            let state = percent.map_or("0;".into(), |percent| format!("1;{percent}"));
            self.terminal.queue(format!("\x1b]9;4;{state}\x1b\\").as_bytes());
        }
    }

    fn ring(&mut self) {
        if self.notices.bell && self.terminal.is_taken() && !std::mem::replace(&mut self.rang, true) {
            self.terminal.queue(b"\x07");
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
