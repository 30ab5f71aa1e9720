//! Prints what commands print, from their logs: every byte, at the reader's pace.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use super::Format;
use super::events::{self, Events};
use super::lines::Lines;
use crate::core::id::ExecutionId;
use crate::core::stop::Origin;
use crate::core::view::{RowView, View};
use crate::engine::{Client, Clock, Connector, Ended, LogReader, LogState};
use crate::frontend::Look;
use crate::process::readiness;
use crate::wire::client::Request;

/// Read from a log at a time.
const CHUNK: usize = 64 << 10;
/// Colours of names, by turns: legible on light and dark.
const COLORS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Starts the thread. It ends when all is printed after `end`, or when the reader is gone.
pub(super) fn start(
    connector: &Connector,
    clock: Clock,
    look: Look,
    format: Format,
    end: oneshot::Receiver<Arc<Ended>>,
) -> io::Result<JoinHandle<()>> {
    let client = connector.connect(Origin::HangUp, false)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let printer = Printer {
        out: BufWriter::with_capacity(CHUNK, io::stdout()),
        client,
        clock,
        look,
        format,
        width: 0,
        tails: Vec::new(),
        events: Events::default(),
        view: None,
        unstarted: HashSet::new(),
    };
    std::thread::Builder::new().name("printer".into()).spawn(move || runtime.block_on(printer.run(end)))
}

struct Printer {
    out: BufWriter<Stdout>,
    client: Client,
    clock: Clock,
    look: Look,
    format: Format,
    width: usize,
    tails: Vec<Tail>,
    events: Events,
    view: Option<Arc<View>>,
    /// Executions that ended unstarted, and were said.
    unstarted: HashSet<ExecutionId>,
}

/// A log, as far as it was printed.
struct Tail {
    row: usize,
    id: ExecutionId,
    reader: LogReader,
    file: Option<File>,
    reopened: u32,
    offset: u64,
    lines: Lines,
    /// All of it was printed, and that it has ended was said.
    done: bool,
}

/// Standard output, if it is of a kind that can tell when its reader goes away.
fn watch_reader() -> Option<AsyncFd<OwnedFd>> {
    let output = io::stdout().as_fd().try_clone_to_owned().ok()?;
    readiness::register(output, Interest::ERROR).ok()
}

/// Waits until the reader has gone away, also while there is nothing to print.
async fn gone(reader: Option<&AsyncFd<OwnedFd>>) {
    match reader {
        Some(reader) => drop(reader.ready(Interest::ERROR).await),
        None => std::future::pending().await,
    }
}

impl Printer {
    async fn run(mut self, end: oneshot::Receiver<Arc<Ended>>) {
        let printed = self.print(end).await;
        if let Err(error) = printed {
            // Nobody reads any more: as when a terminal hangs up.
            tracing::warn!(%error, "standard output is gone");
            self.client.ask(Request::HungUp);
            // What is buffered has nobody to go to, and must not be tried again when this is dropped.
            let _unprinted = self.out.into_parts();
        }
    }

    async fn print(&mut self, mut end: oneshot::Receiver<Arc<Ended>>) -> io::Result<()> {
        let reader = watch_reader();
        let ended = loop {
            let more = self.turn()?;
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            self.out.flush()?;
            let news = Arc::clone(&self.client.log_news);
            tokio::select! {
                biased;
                ended = &mut end => break ended,
                () = gone(reader.as_ref()) => return Err(io::ErrorKind::BrokenPipe.into()),
                () = news.notified() => {}
                changed = self.client.view.changed() => if changed.is_err() { break end.await },
            }
        };
        while self.turn()? {}
        if let (Ok(ended), Format::Json) = (ended, self.format) {
            self.line(&Events::summary(&ended))?;
        }
        self.out.flush()
    }

    /// Prints what there is of everything, once round; true if there may be more.
    fn turn(&mut self) -> io::Result<bool> {
        self.look_at_view()?;
        self.look_at_logs();
        let mut more = false;
        for n in 0..self.tails.len() {
            more |= self.print_tail(n)?;
        }
        Ok(more)
    }

    fn look_at_view(&mut self) -> io::Result<()> {
        let view = self.client.view.borrow_and_update().clone();
        self.width = view.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        if self.format == Format::Json {
            for event in self.events.of_view(&view, self.clock.now()) {
                self.line(&event)?;
            }
            self.say_unstarted(&view)?;
        }
        self.view = Some(view);
        Ok(())
    }

    /// What has ended without ever having been started has no log to be printed first.
    fn say_unstarted(&mut self, view: &View) -> io::Result<()> {
        for (n, row) in view.rows.iter().enumerate() {
            let Some(ending) = row.ending.as_ref().filter(|_| row.started.is_none()) else { continue };
            if self.unstarted.insert(row.id) {
                for event in self.events.finished(n, row, ending) {
                    self.line(&event)?;
                }
            }
        }
        Ok(())
    }

    fn look_at_logs(&mut self) {
        let Some(view) = &self.view else { return };
        let logs = self.client.logs.borrow_and_update().clone();
        for (id, reader) in logs.iter().skip(self.tails.len()) {
            let row = view.rows.iter().position(|row| row.id == *id).unwrap_or(usize::MAX);
            let lines = Lines::new(reader.tty);
            self.tails.push(Tail {
                row,
                id: *id,
                reader: reader.clone(),
                file: None,
                reopened: 0,
                offset: 0,
                lines,
                done: false,
            });
        }
    }

    /// Prints some of a log; true if there may be more.
    fn print_tail(&mut self, n: usize) -> io::Result<bool> {
        if self.tails[n].done {
            return Ok(false);
        }
        let (state, over) = self.tails[n].state();
        let mut chunk = vec![0; CHUNK];
        let read = self.tails[n].read(&mut chunk, state);
        if read > 0 {
            self.print_bytes(n, &chunk[..read])?;
            return Ok(true);
        }
        if over {
            self.print_end(n)?;
        }
        Ok(false)
    }

    fn print_bytes(&mut self, n: usize, bytes: &[u8]) -> io::Result<()> {
        let Some(row) = self.row_of(n) else { return Ok(()) };
        match self.format {
            Format::Quiet => Ok(()),
            Format::Json => {
                let offset = self.tails[n].offset - bytes.len() as u64;
                self.line(&events::output(&row, self.clock.now(), offset, bytes))
            }
            Format::Prefixed => {
                let prefix = self.prefix(n, &row);
                let (out, lines) = (&mut self.out, &mut self.tails[n].lines);
                let mut written = Ok(());
                lines.feed(bytes, &mut |line| write_line(out, &prefix, line, &mut written));
                written
            }
        }
    }

    /// All was read: what is left of the last line, and that it has ended, once that is known.
    fn print_end(&mut self, n: usize) -> io::Result<()> {
        let Some(row) = self.row_of(n) else {
            self.tails[n].done = true;
            return Ok(());
        };
        let Some(ending) = &row.ending else { return Ok(()) };
        self.tails[n].done = true;
        match self.format {
            Format::Quiet => Ok(()),
            Format::Json => {
                for event in self.events.finished(self.tails[n].row, &row, ending) {
                    self.line(&event)?;
                }
                Ok(())
            }
            Format::Prefixed => {
                let prefix = self.prefix(n, &row);
                let (out, lines) = (&mut self.out, &mut self.tails[n].lines);
                let mut written = Ok(());
                lines.end(&mut |line| write_line(out, &prefix, line, &mut written));
                written
            }
        }
    }

    /// The row of a log's execution, while it is its command's latest.
    fn row_of(&self, n: usize) -> Option<Arc<RowView>> {
        let tail = &self.tails[n];
        self.view.as_ref()?.rows.get(tail.row).filter(|row| row.id == tail.id).cloned()
    }

    fn prefix(&self, n: usize, row: &RowView) -> Vec<u8> {
        let bar = if self.look.ascii { '|' } else { '│' };
        let name = format!("{:<width$} {bar} ", row.name, width = self.width);
        let color = COLORS[self.tails[n].row % COLORS.len()];
        let text = if self.look.color { format!("\x1b[{color}m{name}\x1b[0m") } else { name };
        text.into_bytes()
    }

    fn line(&mut self, event: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")
    }
}

fn write_line(out: &mut impl Write, prefix: &[u8], line: &[u8], written: &mut io::Result<()>) {
    if written.is_ok() {
        *written =
            out.write_all(prefix).and_then(|()| out.write_all(line)).and_then(|()| out.write_all(b"\n"));
    }
}

impl Tail {
    /// How far the log is, and whether it will go no further.
    fn state(&mut self) -> (LogState, bool) {
        let gone = self.reader.state.has_changed().is_err();
        let state = *self.reader.state.borrow_and_update();
        (state, state.ended || gone)
    }

    /// Reads on, to where the log is known to be written.
    fn read(&mut self, chunk: &mut [u8], state: LogState) -> usize {
        if self.file.is_none() {
            // A log that could not be created is named in the summary.
            self.file = File::open(&self.reader.path).ok();
        }
        let Some(file) = &self.file else { return 0 };
        let to_end = self.reopened != state.reopened;
        let left = if to_end { u64::MAX } else { state.written.saturating_sub(self.offset) };
        let wanted = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read_at(&mut chunk[..wanted], self.offset).unwrap_or(0);
        self.offset += read as u64;
        if read == 0 && to_end {
            // The old file is read to its end; the new one begins.
            (self.file, self.offset, self.reopened) = (None, 0, state.reopened);
        }
        read
    }
}
