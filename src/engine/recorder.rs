//! Logs of executions: their output, byte for byte.
//!
//! Owns one file. A log that cannot be written is given up with one warning; the command never notices.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::LogPolicy;

/// How far a log was written, and whether more may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogState {
    /// Bytes.
    pub(crate) written: u64,
    /// How often it was opened again, as an empty file.
    pub(crate) reopened: u32,
    /// Nothing more will be written.
    pub(crate) ended: bool,
}

/// A log, for those who read it at their own pace.
#[derive(Clone, Debug)]
pub(crate) struct LogReader {
    /// Where it is.
    pub(crate) path: Arc<Path>,
    /// What a terminal has written: CR LF for every LF.
    pub(crate) tty: bool,
    /// How far it is.
    pub(crate) state: watch::Receiver<LogState>,
}

/// Writes one log.
#[derive(Debug)]
pub(super) struct Recorder {
    file: Option<File>,
    path: Arc<Path>,
    mode: u32,
    state: watch::Sender<LogState>,
    /// Wakes whoever reads all logs.
    news: Arc<Notify>,
    fault: Option<String>,
}

impl Recorder {
    /// Opens a new file for an execution of the command `name`; what goes wrong is kept as a fault.
    pub(super) fn open(policy: &LogPolicy, name: &str, news: Arc<Notify>) -> Self {
        let mode = if policy.private { 0o600 } else { 0o666 };
        let wanted = policy.dir.join(format!("{}.log", file_name(name)));
        let (file, path, fault) = match create_new(&wanted, mode) {
            Ok((file, path)) => (Some(file), path, None),
            Err(error) => {
                let fault = format!("create {}: {error}", wanted.display());
                (None, wanted, Some(fault))
            }
        };
        Self { file, path: path.into(), mode, state: watch::Sender::default(), news, fault }
    }

    /// Where the log is, and its state, for readers.
    pub(super) fn reader(&self, tty: bool) -> LogReader {
        LogReader { path: Arc::clone(&self.path), tty, state: self.state.subscribe() }
    }

    /// Wakes whoever reads all logs: there is one more.
    pub(super) fn announce(&self) {
        self.news.notify_one();
    }

    /// A descriptor of the file for the shim, if there is one to be had.
    pub(super) fn descriptor(&self) -> Option<OwnedFd> {
        self.file.as_ref()?.try_clone().ok().map(OwnedFd::from)
    }

    /// Why the log cannot be written, if so.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Where the log is, if it could be created.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|_| &*self.path)
    }

    /// Appends. False if that has just become impossible.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        let Some(file) = &mut self.file else { return true };
        match file.write_all(bytes) {
            Ok(()) => {
                self.tell(|state| state.written += bytes.len() as u64);
                true
            }
            Err(error) => {
                self.fault = Some(format!("write {}: {error}", self.path.display()));
                self.file = None;
                false
            }
        }
    }

    /// Opens the file again under its name, if somebody has moved it away.
    pub(super) fn reopen(&mut self) {
        let opened = OpenOptions::new().append(true).create(true).mode(self.mode).open(&self.path);
        match opened {
            Ok(file) if self.file.as_ref().is_some_and(|old| is_same(old, &file)) => {}
            Ok(file) => {
                self.file = Some(file);
                self.fault = None;
                self.tell(|state| *state = LogState { reopened: state.reopened + 1, ..LogState::default() });
            }
            Err(error) => self.fault = Some(format!("open {}: {error}", self.path.display())),
        }
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.tell(|state| state.ended = true);
    }

    fn tell(&self, change: impl FnOnce(&mut LogState)) {
        self.state.send_modify(change);
        self.news.notify_one();
    }
}

fn is_same(a: &File, b: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |file: &File| file.metadata().map(|data| (data.dev(), data.ino())).ok();
    inode(a).is_some() && inode(a) == inode(b)
}

/// Creates `wanted`, or with a number before its ending the first of that name that is free: a log of an earlier
/// execution is never written over.
fn create_new(wanted: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    let mut number = 1;
    let mut path = wanted.to_owned();
    loop {
        // Appended to, because the shim may go on where the engine died.
        match OpenOptions::new().append(true).create_new(true).mode(mode).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                path = wanted.with_extension(format!("{number}.log"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A name as part of a path: no separators, no leading dot, not too long.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_control() || matches!(c, '/' | '\\' | ':' | '.') { '_' } else { c };
    let text: String = name.chars().map(safe).take(100).collect();
    if text.is_empty() { "_".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(dir: &Path) -> LogPolicy {
        LogPolicy { dir: dir.to_owned(), private: true }
    }

    #[test]
    fn a_log_is_private_and_never_written_over() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Recorder::open(&policy(dir.path()), "make all/../x", Arc::default());
        assert!(first.write(b"one"));
        let mut second = Recorder::open(&policy(dir.path()), "make all/../x", Arc::default());
        assert!(second.write(b"two"));
        let path = first.path().expect("it was created");
        assert_eq!(path.file_name().and_then(|n| n.to_str()), Some("make all____x.log"));
        assert_eq!(std::fs::read(path).expect("reads"), b"one");
        assert_eq!(std::fs::metadata(path).expect("is there").permissions().mode() & 0o777, 0o600);
        assert!(second.path().expect("it was created").ends_with("make all____x.2.log"));
        assert_eq!(second.reader(true).state.borrow().written, 3);
    }

    #[test]
    fn a_log_that_was_moved_away_is_opened_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut recorder = Recorder::open(&policy(dir.path()), "a", Arc::default());
        recorder.write(b"one");
        recorder.reopen();
        assert_eq!(recorder.reader(true).state.borrow().reopened, 0, "it was still there");
        std::fs::rename(dir.path().join("a.log"), dir.path().join("a.log.1")).expect("renames");
        recorder.reopen();
        recorder.write(b"two");
        assert_eq!(std::fs::read(dir.path().join("a.log")).expect("reads"), b"two");
        assert_eq!(std::fs::read(dir.path().join("a.log.1")).expect("reads"), b"one");
        let state = *recorder.reader(true).state.borrow();
        assert_eq!((state.written, state.reopened), (3, 1));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_one_fault() {
        let mut recorder = Recorder::open(&policy(Path::new("/nonexistent")), "a", Arc::default());
        assert!(recorder.fault().expect("a fault").contains("/nonexistent/a.log"));
        assert!(recorder.write(b"x"), "and no further warning");
        if Path::new("/dev/full").exists() {
            let file = OpenOptions::new().append(true).open("/dev/full").expect("opens");
            let mut full = Recorder::open(&policy(Path::new("/nonexistent")), "a", Arc::default());
            full.file = Some(file);
            assert!(!full.write(b"x"));
            assert!(full.write(b"x"));
        }
    }
}
