//! The shim's share of a command's output.
//!
//! Owns both ends until they are handed on: the command's end to the leader, a copy of ours to the engine. Keeps
//! one of each: of the command's, so that a command that closes its terminal does not end it for those that
//! open it again; of ours, to read on if the engine dies.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::pipe::PipeFlags;
use rustix::time::Timespec;

use crate::process::exec::{self, Stdio};
use crate::process::pty;
use crate::wire::shim::TerminalSize;

/// Both ends of a command's output, freshly opened.
#[derive(Debug)]
pub(super) enum Ends {
    Terminal(pty::Pair),
    Pipes { stdin: OwnedFd, stdout: (OwnedFd, OwnedFd), stderr: (OwnedFd, OwnedFd) },
}

impl Ends {
    /// Opens a terminal, or pipes.
    pub(super) fn open(tty: bool, size: TerminalSize) -> io::Result<Self> {
        if tty {
            return Ok(Self::Terminal(pty::open(size)?));
        }
        let pipe = || -> io::Result<(OwnedFd, OwnedFd)> {
            let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(&read, true)?;
            Ok((read, write))
        };
        Ok(Self::Pipes { stdin: exec::dev_null()?, stdout: pipe()?, stderr: pipe()? })
    }

    /// Copies of the ends that the engine reads.
    pub(super) fn for_engine(&self) -> io::Result<Vec<OwnedFd>> {
        match self {
            Self::Terminal(pair) => Ok(vec![pair.master.try_clone()?]),
            Self::Pipes { stdout, stderr, .. } => Ok(vec![stdout.0.try_clone()?, stderr.0.try_clone()?]),
        }
    }

    /// The ends that the leader gets.
    pub(super) fn stdio(&self) -> Stdio<'_> {
        match self {
            Self::Terminal(pair) => Stdio::Terminal(pair.slave.as_fd()),
            Self::Pipes { stdin, stdout, stderr } => {
                Stdio::Pipes { stdin: stdin.as_fd(), stdout: stdout.1.as_fd(), stderr: stderr.1.as_fd() }
            }
        }
    }
}

/// What the shim keeps of the output.
#[derive(Debug)]
pub(super) struct Output {
    /// Ends that we read: the terminal's master, or two pipes.
    ours: Vec<OwnedFd>,
    /// The terminal's other end.
    slave: Option<OwnedFd>,
    terminal: bool,
    log: Option<File>,
}

impl Output {
    /// No output yet; what there will be goes to `log` if the engine dies.
    pub(super) fn none(log: Option<OwnedFd>) -> Self {
        Self { ours: Vec::new(), slave: None, terminal: false, log: log.map(File::from) }
    }

    /// Takes over what is to be kept of the ends; the leader has its own now.
    pub(super) fn attach(&mut self, ends: Ends) {
        match ends {
            Ends::Terminal(pair) => {
                self.terminal = true;
                self.ours = vec![pair.master];
                self.slave = Some(pair.slave);
            }
            Ends::Pipes { stdout, stderr, .. } => self.ours = vec![stdout.0, stderr.0],
        }
    }

    /// The terminal's master, if it is one.
    pub(super) fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.ours.first().filter(|_| self.terminal).map(AsFd::as_fd)
    }

    /// Lets the terminal's other end go: from now on it is open only if somebody else holds it.
    pub(super) fn close_our_ends(&mut self) {
        self.slave = None;
    }

    /// Gives up on whatever may still come.
    pub(super) fn close(&mut self) {
        self.slave = None;
        self.ours.clear();
    }

    /// Ends that may still bring something.
    pub(super) fn open_ends(&self) -> impl Iterator<Item = &OwnedFd> {
        self.ours.iter()
    }

    /// True if nobody holds the other ends; with `drained`, also that all was read.
    pub(super) fn is_closed(&mut self, drained: bool) -> bool {
        // Ends that were read to their end are gone already.
        self.ours.is_empty() || (!drained && self.ours.iter().all(is_hung_up))
    }

    /// Reads what there is to the log, which may be lost without the command noticing.
    pub(super) fn drain_to_log(&mut self) {
        let mut buffer = [0; 4096];
        let log = &mut self.log;
        self.ours.retain(|end| {
            loop {
                match rustix::io::read(end, &mut buffer) {
                    // The end of a pipe, and (as EIO) that of a terminal.
                    Ok(0) => return false,
                    Ok(n) => {
                        let written = log.as_mut().map(|log| log.write_all(&buffer[..n]));
                        if let Some(Err(_)) = written {
                            *log = None;
                        }
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => return true,
                    Err(_) => return false,
                }
            }
        });
    }
}

fn is_hung_up(end: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(end, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut fds, Some(&at_once)) {
        Ok(_) => fds[0].revents().contains(PollFlags::HUP),
        Err(_) => false,
    }
}
