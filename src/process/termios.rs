//! The modes of a terminal, to be kept, changed and given back.
//!
//! Owns them as plain bytes, too: so that another process can give them back if this one cannot.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// All modes of a terminal at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Modes(libc::termios);

impl Modes {
    /// Reads them.
    ///
    /// # Errors
    /// If the descriptor is no terminal, or the terminal is gone.
    #[expect(unsafe_code, reason = "the bytes that another process gets are libc's")]
    pub(crate) fn of(tty: impl AsFd) -> io::Result<Self> {
        // SAFETY: an all-zero termios is a valid value to be written over by a call that takes no more.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is borrowed for the call, the pointer is to a live termios.
        let read = unsafe { libc::tcgetattr(tty.as_fd().as_raw_fd(), &raw mut modes) };
        if read == 0 { Ok(Self(modes)) } else { Err(io::Error::last_os_error()) }
    }

    /// Sets them at once.
    ///
    /// # Errors
    /// If the terminal is gone, or belongs to another foreground group.
    #[expect(unsafe_code, reason = "the bytes that another process gets are libc's")]
    pub(crate) fn set(&self, tty: impl AsFd) -> io::Result<()> {
        // SAFETY: the descriptor is borrowed for the call, the pointer is to a live termios.
        let set = unsafe { libc::tcsetattr(tty.as_fd().as_raw_fd(), libc::TCSANOW, &raw const self.0) };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// These modes, made raw: every key is a byte, and nothing is echoed.
    #[must_use]
    #[expect(unsafe_code, reason = "libc's idea of raw is the one to agree with")]
    pub(crate) fn raw(mut self) -> Self {
        // SAFETY: changes the termios that the pointer is to, and nothing else.
        unsafe { libc::cfmakeraw(&raw mut self.0) };
        self
    }

    /// Their bytes, for a process of the same binary.
    #[expect(unsafe_code, reason = "a termios is plain numbers")]
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let pointer = (&raw const self.0).cast::<u8>();
        // SAFETY: the struct lives while it is copied; it was zeroed before it was filled, so that its padding is
        // initialised, too.
        unsafe { std::slice::from_raw_parts(pointer, size_of::<libc::termios>()) }.to_vec()
    }

    /// Modes from the bytes of [`Modes::to_bytes`].
    #[expect(unsafe_code, reason = "a termios is plain numbers")]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<libc::termios>() {
            return None;
        }
        // SAFETY: the length was checked; any bytes are a valid termios; the read needs no alignment.
        Some(Self(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) }))
    }
}

impl PartialEq for Modes {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        (a.c_iflag, a.c_oflag, a.c_cflag, a.c_lflag, a.c_cc)
            == (b.c_iflag, b.c_oflag, b.c_cflag, b.c_lflag, b.c_cc)
    }
}

impl std::fmt::Debug for Modes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Modes({:x} {:x} {:x})", self.0.c_iflag, self.0.c_oflag, self.0.c_lflag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::pty;
    use crate::wire::shim::TerminalSize;

    #[test]
    fn modes_survive_their_bytes_and_can_be_given_back() {
        let pair = pty::open(TerminalSize::default()).expect("a terminal");
        let saved = Modes::of(&pair.slave).expect("reads");
        assert_eq!(Modes::from_bytes(&saved.to_bytes()), Some(saved));
        assert_eq!(Modes::from_bytes(b"short"), None);
        let raw = saved.raw();
        assert_ne!(raw, saved);
        raw.set(&pair.slave).expect("sets");
        assert_eq!(Modes::of(&pair.slave).expect("reads"), raw);
        saved.set(&pair.slave).expect("sets");
        assert_eq!(Modes::of(&pair.slave).expect("reads"), saved);
    }
}
