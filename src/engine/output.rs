//! The data plane of one execution: its output, from the terminal to the log, the screen and whoever looks.
//!
//! Owns reading, within a budget so that one flood does not starve the others, and the pace of frames, progress
//! and marks. A log that is slow makes the kernel hold the command back; memory does not grow with output.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::client::ClientId;
use super::recorder::Recorder;
use crate::core::event::{Event, OutputNote};
use crate::core::id::ExecutionId;
use crate::core::progress::Reading;
use crate::process::pty::{self, Attention};
use crate::process::readiness;
use crate::screen::{ProgressReader, Screen};
use crate::wire::frame::Frame;
use crate::wire::shim::TerminalSize;

/// Requests that wait for an output. Policy: whoever asks is refused; clients ask again with the next view.
const REQUESTS: usize = 64;
/// Bytes read before they are processed.
const BURST: usize = 64 << 10;
/// Bursts before the others have their turn.
const BURSTS: usize = 4;
/// What was typed and not read by the command yet. Policy: the newest is dropped.
const MOST_INPUT: usize = 1 << 20;
/// Between two frames.
const FRAME_PAUSE: Duration = Duration::from_millis(33);
/// Between two looks for progress.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);
/// This long after its last output, a command may be waiting for somebody to type.
const QUIET: Duration = Duration::from_millis(500);
/// Lines kept of each command's last words.
const LAST_WORDS: usize = 8;

/// What may be asked of an execution's output.
#[derive(Debug)]
pub(super) enum OutputRequest {
    /// The terminal has another size.
    Resize(TerminalSize),
    /// Somebody typed.
    Input(Vec<u8>),
    /// A client looks, scrolled back by so many lines.
    Look { client: ClientId, back: usize, frames: watch::Sender<Option<Arc<Frame>>> },
    /// A client looks elsewhere.
    LookAway(ClientId),
    /// The log was moved away: write to a new one of the same name.
    ReopenLog,
    /// Nothing more is to be read.
    Close,
}

/// What is needed to read an output, ready before its ends are.
#[derive(Debug)]
pub(super) struct OutputStart {
    pub(super) id: ExecutionId,
    pub(super) tty: bool,
    pub(super) size: TerminalSize,
    pub(super) history: usize,
    pub(super) recorder: Option<Recorder>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) requests: mpsc::Receiver<OutputRequest>,
    pub(super) last_words: watch::Sender<Vec<String>>,
    pub(super) data: Handle,
}

/// The engine's end of an output.
#[derive(Clone, Debug)]
pub(super) struct OutputHandle {
    requests: mpsc::Sender<OutputRequest>,
    last_words: watch::Receiver<Vec<String>>,
}

impl OutputHandle {
    /// A channel to an output that is yet to be started.
    pub(super) fn channel() -> (Self, mpsc::Receiver<OutputRequest>, watch::Sender<Vec<String>>) {
        let (sender, receiver) = mpsc::channel(REQUESTS);
        let words = watch::Sender::default();
        (Self { requests: sender, last_words: words.subscribe() }, receiver, words)
    }

    /// Asks, without waiting. An output that is over or far behind does not hear it.
    pub(super) fn ask(&self, request: OutputRequest) {
        let _unheard = self.requests.try_send(request);
    }

    /// The last lines that the command printed, once its output has ended.
    pub(super) fn last_words(&self) -> Vec<String> {
        self.last_words.borrow().clone()
    }
}

impl OutputStart {
    /// Starts to read these ends on the data plane.
    pub(super) fn start(self, ends: Vec<OwnedFd>) {
        let data = self.data.clone();
        data.spawn(async move {
            // Registered here: the data plane's runtime is to wait for them, not the control plane's.
            let interest =
                if self.tty { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let ends = ends.into_iter().map(|end| readiness::register(end, interest).ok()).collect();
            Output::new(self, ends).run().await;
        });
    }
}

struct Viewer {
    client: ClientId,
    back: usize,
    frames: watch::Sender<Option<Arc<Frame>>>,
}

/// A reading end; none once it has ended.
type End = Option<AsyncFd<OwnedFd>>;

struct Output {
    start: OutputStart,
    ends: Vec<End>,
    screen: Option<Screen>,
    progress: ProgressReader,
    reported: Option<Reading>,
    note: OutputNote,
    viewers: Vec<Viewer>,
    input: Vec<u8>,
    size: TerminalSize,
    /// Something changed since the last frame,
    frame_due: Option<Instant>,
    last_frame: Option<Instant>,
    /// or since the last look for progress.
    progress_due: Option<Instant>,
    last_progress: Option<Instant>,
    /// Quiet from then on means waiting.
    quiet_at: Option<Instant>,
    ended: bool,
}

thread_local! {
    /// Where output is read to: one for each thread of the data plane, not one for each command.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BURST]);
}

/// What woke an output.
enum Wake {
    Request(Option<OutputRequest>),
    Readable(usize),
    Writable,
    Clock,
}

impl Output {
    fn new(start: OutputStart, ends: Vec<End>) -> Self {
        let mut note = OutputNote::default();
        if let Some(recorder) = &start.recorder {
            note.log_fault = recorder.fault().map(ToOwned::to_owned);
            note.log = recorder.path().map(|path| path.to_string_lossy().into_owned());
        }
        Self {
            size: start.size,
            start,
            ends,
            screen: None,
            progress: ProgressReader::default(),
            reported: None,
            note,
            viewers: Vec::new(),
            input: Vec::new(),
            frame_due: None,
            last_frame: None,
            progress_due: None,
            last_progress: None,
            quiet_at: None,
            ended: false,
        }
    }

    async fn run(mut self) {
        self.send_note().await;
        loop {
            match self.wake().await {
                Wake::Request(None) => return,
                Wake::Request(Some(request)) => self.on_request(request).await,
                Wake::Readable(end) => self.on_readable(end).await,
                Wake::Writable => self.write_input(),
                Wake::Clock => {}
            }
            self.look_at_clock().await;
            if !self.ended && self.ends.iter().all(Option::is_none) {
                self.end().await;
            }
        }
    }

    /// Waits for the next thing to do. Cancel safe.
    async fn wake(&mut self) -> Wake {
        let next = self.next_due();
        let (first, rest) = self.ends.split_at(1.min(self.ends.len()));
        let first = first.first().and_then(Option::as_ref);
        let second = rest.first().and_then(Option::as_ref);
        let writes = !self.input.is_empty();
        tokio::select! {
            biased;
            request = self.start.requests.recv() => Wake::Request(request),
            () = ready(first, Interest::READABLE) => Wake::Readable(0),
            () = ready(second, Interest::READABLE) => Wake::Readable(1),
            () = ready(first, Interest::WRITABLE), if writes => Wake::Writable,
            () = at(next) => Wake::Clock,
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let sync = self.screen.as_ref().and_then(Screen::sync_deadline).map(Instant::from_std);
        [self.frame_due.filter(|_| !self.viewers.is_empty()), self.progress_due, self.quiet_at, sync]
            .into_iter()
            .flatten()
            .min()
    }

    async fn on_request(&mut self, request: OutputRequest) {
        match request {
            OutputRequest::Resize(size) => self.resize(size),
            OutputRequest::Input(bytes) => self.on_input(&bytes),
            OutputRequest::Look { client, back, frames } => {
                self.viewers.retain(|viewer| viewer.client != client);
                self.viewers.push(Viewer { client, back, frames });
                // Who begins to look, or scrolls, sees it at once.
                self.show();
                if std::mem::take(&mut self.note.bell) {
                    self.send_note().await;
                }
            }
            OutputRequest::LookAway(client) => self.viewers.retain(|viewer| viewer.client != client),
            OutputRequest::ReopenLog => self.reopen_log().await,
            OutputRequest::Close => self.ends.iter_mut().for_each(|end| *end = None),
        }
    }

    async fn reopen_log(&mut self) {
        if let Some(recorder) = &mut self.start.recorder {
            recorder.reopen();
            self.note.log_fault = recorder.fault().map(ToOwned::to_owned);
            self.send_note().await;
        }
    }

    fn resize(&mut self, size: TerminalSize) {
        self.size = size;
        if let Some(end) = self.ends.first().and_then(Option::as_ref).filter(|_| self.start.tty) {
            // A terminal that is gone needs no size.
            let _gone = pty::resize(end.get_ref(), size);
        }
        if let Some(screen) = &mut self.screen {
            screen.resize(size);
            self.frame_due.get_or_insert_with(Instant::now);
        }
    }

    fn on_input(&mut self, bytes: &[u8]) {
        if self.start.tty && self.input.len() + bytes.len() <= MOST_INPUT {
            self.input.extend_from_slice(bytes);
            self.write_input();
        }
        self.quiet_at = Some(Instant::now() + QUIET);
    }

    /// Writes what was typed, and answers to the program's questions, as far as it reads them.
    fn write_input(&mut self) {
        let Some(end) = self.ends.first().and_then(Option::as_ref) else { return self.input.clear() };
        while !self.input.is_empty() {
            match end.try_io(Interest::WRITABLE, |end| Ok(rustix::io::write(end, &self.input)?)) {
                Ok(written) => drop(self.input.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    async fn on_readable(&mut self, which: usize) {
        for _ in 0..BURSTS {
            match self.read_burst(which) {
                Burst::Full => {}
                Burst::Drained => break,
                Burst::Ended => {
                    self.ends[which] = None;
                    break;
                }
            }
        }
        // The others have their turn, however much there is.
        tokio::task::yield_now().await;
    }

    /// Reads until the buffer is full or there is no more, and takes in what was read.
    fn read_burst(&mut self, which: usize) -> Burst {
        BUFFER.with_borrow_mut(|buffer| {
            let Some(end) = self.ends[which].as_ref() else { return Burst::Drained };
            let mut filled = 0;
            let burst = loop {
                match end.try_io(Interest::READABLE, |end| Ok(rustix::io::read(end, &mut buffer[filled..])?))
                {
                    Ok(0) => break Burst::Ended,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Burst::Drained,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // EIO is how a terminal says that nobody holds its other end.
                    Err(_) => break Burst::Ended,
                }
                if filled == buffer.len() {
                    break Burst::Full;
                }
            };
            if filled > 0 {
                self.take_in(&buffer[..filled]);
            }
            burst
        })
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if let Some(recorder) = &mut self.start.recorder
            && !recorder.write(bytes)
        {
            self.note.log_fault = recorder.fault().map(ToOwned::to_owned);
        }
        let (size, history, tty) = (self.size, self.start.history, self.start.tty);
        let screen = self.screen.get_or_insert_with(|| Screen::new(size, history, tty));
        screen.advance(bytes);
        self.progress.feed(bytes);
        let answers = screen.take_answers();
        if tty && !answers.is_empty() && self.input.len() + answers.len() <= MOST_INPUT {
            self.input.extend_from_slice(&answers);
            self.write_input();
        }
        let now = Instant::now();
        let after = |last: Option<Instant>, pause| last.map_or(now, |last| now.max(last + pause));
        self.frame_due.get_or_insert(after(self.last_frame, FRAME_PAUSE));
        self.progress_due.get_or_insert(after(self.last_progress, PROGRESS_PAUSE));
        self.quiet_at = Some(now + QUIET);
    }

    async fn look_at_clock(&mut self) {
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.screen.as_ref().and_then(Screen::sync_deadline).map(Instant::from_std)) {
            if let Some(screen) = &mut self.screen {
                screen.end_sync();
            }
            self.frame_due.get_or_insert(now);
        }
        if due(self.frame_due) && !self.viewers.is_empty() {
            self.show();
        }
        if due(self.progress_due) {
            self.read_progress().await;
        }
        if due(self.quiet_at) {
            self.quiet_at = None;
            self.set_wants_input(self.waits_for_input()).await;
        }
    }

    /// Sends a frame to everybody who looks. A viewer that has not taken the last one gets only this.
    fn show(&mut self) {
        self.frame_due = None;
        self.last_frame = Some(Instant::now());
        let (id, size, history, tty) = (self.start.id, self.size, self.start.history, self.start.tty);
        let screen = self.screen.get_or_insert_with(|| Screen::new(size, history, tty));
        for viewer in &mut self.viewers {
            let frame = screen.frame(id, viewer.back);
            viewer.back = frame.back;
            viewer.frames.send_replace(Some(Arc::new(frame)));
        }
    }

    async fn read_progress(&mut self) {
        self.progress_due = None;
        self.last_progress = Some(Instant::now());
        let Some(screen) = &mut self.screen else { return };
        let marks = screen.take_marks();
        let reading = self.progress.read(screen, &marks);
        if reading != self.reported {
            self.reported.clone_from(&reading);
            self.send(Event::ProgressRead { id: self.start.id, reading }).await;
        }
        let before = self.note.clone();
        self.note.bell |= marks.bell;
        self.note.wants_input = false;
        if self.note != before {
            self.send_note().await;
        }
    }

    /// True if it looks as if somebody is expected to type.
    fn waits_for_input(&self) -> bool {
        let Some(end) = self.ends.first().and_then(Option::as_ref).filter(|_| self.start.tty) else {
            return false;
        };
        match pty::attention(end.get_ref()) {
            Attention::Secret => true,
            Attention::Reading => self.screen.as_ref().is_some_and(Screen::ends_with_prompt),
            Attention::Busy => false,
        }
    }

    async fn set_wants_input(&mut self, wants_input: bool) {
        if self.note.wants_input != wants_input {
            self.note.wants_input = wants_input;
            self.send_note().await;
        }
    }

    async fn end(&mut self) {
        self.ended = true;
        self.quiet_at = None;
        self.input.clear();
        self.read_progress().await;
        self.set_wants_input(false).await;
        if let Some(screen) = &self.screen {
            self.start.last_words.send_replace(screen.last_lines(LAST_WORDS));
        }
        if let Some(recorder) = &self.start.recorder {
            recorder.end();
        }
        // Closes the log: whoever removes or unmounts it need not wait for us.
        self.start.recorder = None;
        self.send(Event::OutputEnded { id: self.start.id }).await;
    }

    async fn send_note(&self) {
        self.send(Event::OutputNoted { id: self.start.id, note: self.note.clone() }).await;
    }

    async fn send(&self, event: Event) {
        // A dispatcher that is gone has no use for news.
        let _gone = self.start.events.send(event).await;
    }
}

/// How a burst of reading ended.
enum Burst {
    Full,
    Drained,
    Ended,
}

/// Waits until an end is ready; for ever if there is none.
async fn ready(end: Option<&AsyncFd<OwnedFd>>, interest: Interest) {
    match end {
        Some(end) => drop(end.ready(interest).await),
        None => std::future::pending().await,
    }
}

/// Waits until a moment; for ever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
