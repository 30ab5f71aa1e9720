//! The person's terminal: taking it, drawing on it, and giving it back on every way out.
//!
//! Owns its modes and what is written to it. Never waits for it: a slow or stopped terminal gets the latest frame
//! when it takes one, and holds up nothing else.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::termios::QueueSelector;
use rustix::time::Timespec;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::process::guard::{self, Guard};
use crate::process::readiness;
use crate::process::termios::Modes;
use crate::wire::shim::TerminalSize;

/// Alternate screen, no cursor, mouse clicks and wheel in the SGR form, pastes in brackets.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[2J";
/// Cancels a sequence that was half written.
const CANCEL: &[u8] = b"\x18";
/// All of it undone: a synchronized update ended, plain letters, no progress in the window's icon.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b]9;4;0;\x1b\\\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1049l\x1b[?25h";
/// Around each frame: the terminal shows it as a whole.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// A terminal that takes nothing for this long is left as it is, but for its modes.
const PATIENCE: Duration = Duration::from_millis(200);

/// The terminal, taken or not.
#[derive(Debug)]
pub(super) struct Terminal {
    tty: AsyncFd<OwnedFd>,
    guard: Option<Guard>,
    taken: Option<Taken>,
    pending: Vec<u8>,
    sent: usize,
    /// Bytes written so far.
    written: u64,
}

/// How it was before it was taken, and how it is.
#[derive(Clone, Copy, Debug)]
struct Taken {
    saved: Modes,
    raw: Modes,
}

impl Terminal {
    /// Opens the terminal of this process, without touching it.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn open() -> io::Result<Self> {
        let tty = open_own()?;
        // Without a guard, a kill -9 leaves the terminal raw; with everything else it is given back all the same.
        let guard = Guard::start(&tty).inspect_err(|error| tracing::warn!(%error, "no guard")).ok();
        let tty = readiness::register(tty, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { tty, guard, taken: None, pending: Vec::new(), sent: 0, written: 0 })
    }

    /// True if our process group may use the terminal: the shell has not put us into the background.
    pub(super) fn is_ours(&self) -> bool {
        rustix::termios::tcgetpgrp(self.tty.get_ref()).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// True if it is taken.
    pub(super) const fn is_taken(&self) -> bool {
        self.taken.is_some()
    }

    /// Makes it raw, and shows an empty screen of our own.
    ///
    /// # Errors
    /// If it is gone.
    pub(super) fn take(&mut self) -> io::Result<()> {
        let saved = Modes::of(self.tty.get_ref())?;
        let raw = saved.raw();
        if let Some(guard) = &mut self.guard {
            guard.arm(saved, raw, &[CANCEL, LEAVE].concat());
        }
        raw.set(self.tty.get_ref())?;
        self.taken = Some(Taken { saved, raw });
        self.queue(ENTER);
        Ok(())
    }

    /// Gives it back as it was. Each step is tried even if one fails; doing it twice is doing it once.
    pub(super) fn give_back(&mut self) {
        let Some(taken) = self.taken.take() else { return };
        let half_written = !self.pending.is_empty();
        self.pending.clear();
        self.sent = 0;
        let leave = if half_written { [CANCEL, LEAVE].concat() } else { LEAVE.to_vec() };
        guard::write_for(self.tty.get_ref(), &leave, PATIENCE);
        // What was typed or clicked for the screen is not for the shell.
        let _gone = rustix::termios::tcflush(self.tty.get_ref(), QueueSelector::IFlush);
        if Modes::of(self.tty.get_ref()).is_ok_and(|now| now == taken.raw) {
            let _gone = taken.saved.set(self.tty.get_ref());
        }
        if let Some(guard) = &mut self.guard {
            guard.disarm();
        }
    }

    /// It is gone: nothing is written to it any more, and there is nothing to give back.
    pub(super) fn forget(&mut self) {
        self.taken = None;
        self.pending.clear();
        self.sent = 0;
        if let Some(guard) = &mut self.guard {
            guard.disarm();
        }
    }

    /// Its size now.
    pub(super) fn size(&self) -> TerminalSize {
        let size = rustix::termios::tcgetwinsize(self.tty.get_ref());
        // Where nobody has said, it is what terminals have always been.
        size.map(|size| TerminalSize { cols: size.ws_col, rows: size.ws_row })
            .ok()
            .filter(|size| size.cols > 0 && size.rows > 0)
            .unwrap_or_default()
    }

    /// True if the last frame is out, so that the next may be drawn.
    pub(super) const fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Queues a frame, which the terminal is to show as a whole, and sends what it takes.
    pub(super) fn show(&mut self, frame: &[u8]) {
        if !frame.is_empty() {
            self.pending.extend_from_slice(BEGIN);
            self.pending.extend_from_slice(frame);
            self.pending.extend_from_slice(END);
            self.flush();
        }
    }

    /// Queues bytes that are no frame, and sends what it takes.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.flush();
    }

    /// Sends what it takes of what is queued.
    pub(super) fn flush(&mut self) {
        while self.sent < self.pending.len() {
            let rest = &self.pending[self.sent..];
            match self.tty.try_io(Interest::WRITABLE, |tty| Ok(rustix::io::write(tty, rest)?)) {
                Ok(written) => {
                    self.sent += written;
                    self.written += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // It is gone, or not ours at the moment; the frame is of no use to anybody.
                Err(_) => break,
            }
        }
        self.pending.clear();
        self.sent = 0;
    }

    /// Waits until it takes more. Cancel safe.
    pub(super) async fn writable(&self) {
        drop(self.tty.writable().await);
    }

    /// Waits for what is typed, and reads it. Nothing, if there was nothing after all. Cancel safe.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.tty.readable().await?;
        match ready.try_io(|tty| Ok(rustix::io::read(tty, &mut *buffer)?)) {
            Err(_would_block) => Ok(0),
            Ok(Ok(0)) => self.nothing_read(),
            Ok(Err(error)) if error.raw_os_error() == Some(libc::EIO) => self.nothing_read(),
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Ok(read) => read,
        }
    }

    /// An empty read or EIO: the terminal is gone if it says so; in the background it is only not ours.
    fn nothing_read(&self) -> io::Result<usize> {
        if self.is_gone() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(0) }
    }

    fn is_gone(&self) -> bool {
        let mut fds = [PollFd::new(self.tty.get_ref(), PollFlags::empty())];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        rustix::event::poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().intersects(gone)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A descriptor of our own of the terminal on standard input: its flags are ours, too, so that not to wait is
/// not imposed on the shell.
fn open_own() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let by_name = rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new())
        .and_then(|name| rustix::fs::open(name, flags, Mode::empty()));
    // Its name may belong to another mount of /dev, or to another user.
    let opened = by_name.or_else(|_| rustix::fs::open(c"/dev/tty", flags, Mode::empty()))?;
    Ok(opened)
}
