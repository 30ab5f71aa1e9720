//! The terminal's guard: a small process that gives the terminal back if its owner is killed.
//!
//! Owns a descriptor of the terminal, what to write to it and the modes to set. It lives in a session of its own,
//! where no hang-up or Ctrl-C reaches it, and ends with its owner.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;
use rustix::time::Timespec;
use serde::{Deserialize, Serialize};

use super::link::{Link, Peer};
use super::termios::Modes;
use super::{children, shim, spawner};

/// The hidden verb that makes this binary a guard.
const VERB: &str = "__guard";
/// A terminal that takes nothing for this long is left with its modes only.
const PATIENCE: Duration = Duration::from_millis(150);

/// What the owner tells its guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ToGuard {
    /// The terminal is in these raw modes now; it had those before; this makes its screen as it was.
    Armed { saved: Vec<u8>, raw: Vec<u8>, restore: Vec<u8> },
    /// The terminal is as it was.
    Disarmed,
}

/// The owner's side.
#[derive(Debug)]
pub(crate) struct Guard {
    pid: Pid,
    link: Option<Link>,
}

impl Guard {
    /// Starts a guard for a terminal.
    ///
    /// # Errors
    /// If there is no process or descriptor left.
    pub(crate) fn start(tty: impl AsFd) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(spawner::own_program()?);
        command
            .arg0("sundown: terminal guard")
            .arg(VERB)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(tty.as_fd().try_clone_to_owned()?))
            .stderr(Stdio::null());
        let pid = children::spawn(&mut command)?;
        Ok(Self { pid, link: Some(Link::new(ours)?) })
    }

    /// The terminal is about to be taken: `restore` is what is to be written if we do not come to it.
    pub(crate) fn arm(&mut self, saved: Modes, raw: Modes, restore: &[u8]) {
        self.tell(&ToGuard::Armed {
            saved: saved.to_bytes(),
            raw: raw.to_bytes(),
            restore: restore.to_owned(),
        });
    }

    /// The terminal was given back.
    pub(crate) fn disarm(&mut self) {
        self.tell(&ToGuard::Disarmed);
    }

    fn tell(&mut self, message: &ToGuard) {
        if let Some(link) = &mut self.link {
            let told = link.queue(message, Vec::new()).and_then(|()| link.write_some());
            if let Err(error) = told {
                tracing::warn!(%error, "the terminal's guard cannot be told");
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Its link ends, and it with it: at once, as it has nothing to do.
        self.link = None;
        children::own().reap(self.pid);
    }
}

/// Runs a guard if this process was started as one; to be called before anything else.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1).is_some_and(|verb| verb == VERB);
    asked.then(|| if run().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run() -> io::Result<()> {
    let mut link = Link::new(UnixStream::from(shim::settle_in(c"sundown-guard")?))?;
    let mut armed = None;
    loop {
        let peer = link.read_some()?;
        while let Some(message) = link.next()? {
            match message {
                ToGuard::Armed { saved, raw, restore } => armed = Some((saved, raw, restore)),
                ToGuard::Disarmed => armed = None,
            }
        }
        if peer == Peer::Gone {
            break;
        }
        shim::poll(&mut [PollFd::new(&link, PollFlags::IN)], None)?;
    }
    if let Some((saved, raw, restore)) = armed {
        give_back(&saved, &raw, &restore);
    }
    Ok(())
}

/// Makes screen and modes as they were. Each step is tried even if one fails.
fn give_back(saved: &[u8], raw: &[u8], restore: &[u8]) {
    let tty = rustix::stdio::stdout();
    write_for(tty, restore, PATIENCE);
    let (Some(saved), Some(raw)) = (Modes::from_bytes(saved), Modes::from_bytes(raw)) else { return };
    // If they are not ours any more, the shell has set its own.
    if Modes::of(tty).is_ok_and(|now| now == raw) {
        let _gone = rustix::termios::tcflush(tty, rustix::termios::QueueSelector::IFlush);
        let _gone = saved.set(tty);
    }
}

/// Writes all of it, or as much as the terminal takes in time.
pub(crate) fn write_for(tty: impl AsFd, mut bytes: &[u8], patience: Duration) {
    let begun = Instant::now();
    while !bytes.is_empty() && begun.elapsed() < patience {
        match rustix::io::write(&tty, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let left = patience.saturating_sub(begun.elapsed());
                let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
                // Whatever it says, the next write will tell.
                let _ready = rustix::event::poll(&mut [PollFd::new(&tty, PollFlags::OUT)], Some(&timeout));
            }
            Err(_) => return,
        }
    }
}
