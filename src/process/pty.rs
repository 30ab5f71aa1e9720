//! Terminals of commands.
//!
//! Owns opening a pair, asking the line discipline to signal, and looking whether somebody reads. Descriptors are
//! close-on-exec from birth, so that no other child inherits them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::process::Pid;
use rustix::pty::OpenptFlags;
use rustix::termios::{InputModes, LocalModes, OptionalActions, Winsize};

use super::tree::{self, Process};
use crate::core::stop::Signal;
use crate::wire::shim::TerminalSize;

/// Both ends of a new terminal.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) master: OwnedFd,
    pub(super) slave: OwnedFd,
}

/// Opens a terminal of this size that takes UTF-8.
///
/// # Errors
/// If the system has no terminal or no descriptor left.
pub(super) fn open(size: TerminalSize) -> io::Result<Pair> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let slave = open_slave(&master, flags)?;
    resize(&master, size)?;
    let mut modes = rustix::termios::tcgetattr(&slave)?;
    modes.input_modes |= InputModes::IUTF8;
    rustix::termios::tcsetattr(&slave, OptionalActions::Now, &modes)?;
    // Linux: by the master alone, so that a mount of /dev/pts elsewhere does not matter.
    rustix::io::ioctl_fionbio(&master, true)?;
    Ok(Pair { master, slave })
}

#[cfg(target_os = "linux")]
fn open_slave(master: &OwnedFd, flags: OpenptFlags) -> io::Result<OwnedFd> {
    Ok(rustix::pty::ioctl_tiocgptpeer(master, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn open_slave(master: &OwnedFd, _flags: OpenptFlags) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::pty::ptsname(master, Vec::new())?;
    Ok(rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Whether a terminal's foreground group waits for somebody to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// It reads lines with echo switched off: a password.
    Secret,
    /// It may be reading, or waiting for something to read.
    Reading,
    /// It does something else.
    Busy,
}

/// Looks what the foreground group of a terminal is at.
pub(crate) fn attention(master: impl AsFd) -> Attention {
    let Ok(modes) = rustix::termios::tcgetattr(&master) else { return Attention::Busy };
    if modes.local_modes.contains(LocalModes::ICANON) && !modes.local_modes.contains(LocalModes::ECHO) {
        return Attention::Secret;
    }
    let Some(leader) = foreground(&master) else { return Attention::Busy };
    let mut group = tree::descendants(leader, &[], |_| ());
    group.extend(Process::look(leader));
    let waits = |process: &Process| {
        let unknown = || process.state == 'S';
        process.group == leader.as_raw_nonzero().get()
            && process.wchan().map_or_else(unknown, |wchan| READS.iter().any(|name| wchan.contains(name)))
    };
    if group.iter().any(waits) { Attention::Reading } else { Attention::Busy }
}

/// Parts of the names of kernel functions in which one waits for a terminal, or for any of several things.
const READS: [&str; 4] = ["tty_read", "wait_woken", "poll", "select"];

/// Tells the terminal its size; its foreground group gets SIGWINCH if it changed.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn resize(master: impl AsFd, size: TerminalSize) -> io::Result<()> {
    let size = size.at_least_least();
    let size = Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(master, size)?)
}

/// The terminal's foreground group, if it has one.
pub(super) fn foreground(master: impl AsFd) -> Option<Pid> {
    rustix::termios::tcgetpgrp(master).ok()
}

/// Has the line discipline send `signal` to the foreground group, whatever the modes of the terminal are.
/// False if it does not send this one: only INT, QUIT and TSTP are allowed (measured).
///
/// It reaches nobody, and says it did, once the session's leader is gone.
#[expect(unsafe_code, reason = "rustix has no TIOCSIG")]
pub(super) fn signal_foreground(master: impl AsFd, signal: Signal) -> bool {
    if ![Signal::INT, Signal::QUIT, Signal::TSTP].contains(&signal) {
        return false;
    }
    #[cfg(target_os = "linux")]
    const TIOCSIG: libc::c_ulong = 0x4004_5436;
    #[cfg(not(target_os = "linux"))]
    const TIOCSIG: libc::c_ulong = 0x2000_745f;
    // SAFETY: TIOCSIG takes the number itself, no pointer, and the descriptor is borrowed for the call.
    unsafe { libc::ioctl(master.as_fd().as_raw_fd(), TIOCSIG as _, signal.0) == 0 }
}
