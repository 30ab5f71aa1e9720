//! Logs of sessions: one directory each, kept for a while.
//!
//! Owns their names and their removal. A directory whose session lives is locked, and left alone.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;

use super::paths::create_private;

/// Sessions whose logs are kept beside the living ones: so many,
const MOST_SESSIONS: usize = 20;
/// and so many bytes of them.
const MOST_BYTES: u64 = 1 << 30;

/// The directory of a living session's logs. The lock goes with it.
#[derive(Debug)]
pub(crate) struct SessionLogs {
    /// Where they are.
    pub(crate) dir: PathBuf,
    _lock: File,
}

/// Creates the directory for a session's logs below the state directory, and removes what is too old.
///
/// # Errors
/// If it cannot be created.
pub(crate) fn create(state_dir: &Path, session: &str) -> io::Result<SessionLogs> {
    let root = state_dir.join("logs");
    let dir = root.join(session);
    create_private(&dir)?;
    let lock = lock(&dir)?.ok_or_else(|| io::Error::other("another session writes there"))?;
    if let Err(error) = prune(&root, &dir) {
        tracing::warn!(%error, dir = %root.display(), "could not remove old logs");
    }
    Ok(SessionLogs { dir, _lock: lock })
}

/// Locks a session's directory. None if its session lives.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = File::create(dir.join(".lock"))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes the oldest directories of sessions that are over, but never `own`.
fn prune(root: &Path, own: &Path) -> io::Result<()> {
    let mut old: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(root)?.flatten() {
        let path = entry.path();
        // Links are not followed: what is not a directory of ours is not ours to remove.
        if path != own && entry.file_type()?.is_dir() {
            let (modified, bytes) = weigh(&path)?;
            old.push((modified, bytes, path));
        }
    }
    old.sort_by_key(|(modified, ..)| std::cmp::Reverse(*modified));
    let mut kept = 0;
    for (n, (_, bytes, path)) in old.into_iter().enumerate() {
        kept += bytes;
        // Ours counts, too.
        if n + 1 < MOST_SESSIONS && kept <= MOST_BYTES {
            continue;
        }
        if lock(&path)?.is_some() {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// When a directory was last written to, and how much is in it.
fn weigh(dir: &Path) -> io::Result<(SystemTime, u64)> {
    let mut newest = fs::metadata(dir)?.modified()?;
    let mut bytes = 0;
    for entry in fs::read_dir(dir)?.flatten() {
        let data = entry.metadata()?;
        newest = newest.max(data.modified()?);
        bytes += data.len();
    }
    Ok((newest, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sessions_are_kept_and_living_ones_always() {
        let state = tempfile::tempdir().expect("a directory");
        let living = create(state.path(), "living").expect("creates");
        for n in 0..30 {
            let session = create(state.path(), &format!("s{n:02}")).expect("creates");
            let old = SystemTime::now() - std::time::Duration::from_secs(1000 - n);
            let file = File::create(session.dir.join("a.log")).expect("creates");
            for file in [file, File::open(session.dir.join(".lock")).expect("opens")] {
                file.set_modified(old).expect("sets");
            }
            File::open(&session.dir).and_then(|dir| dir.set_modified(old)).expect("sets");
        }
        create(state.path(), "new").expect("creates");
        let mut left: Vec<_> = fs::read_dir(state.path().join("logs"))
            .expect("reads")
            .map(|entry| entry.expect("reads").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert_eq!(left.len(), MOST_SESSIONS, "{left:?}");
        assert!(left.contains(&"living".into()) && left.contains(&"new".into()));
        assert_eq!(left.iter().find(|name| name.starts_with('s')).map(String::as_str), Some("s12"));
        drop(living);
    }

    #[test]
    fn the_bytes_kept_are_bounded() {
        let state = tempfile::tempdir().expect("a directory");
        for n in 0..3 {
            let session = create(state.path(), &format!("s{n}")).expect("creates");
            let file = File::create(session.dir.join("a.log")).expect("creates");
            file.set_len(MOST_BYTES / 2 + 1).expect("a sparse file");
        }
        create(state.path(), "new").expect("creates");
        let left = fs::read_dir(state.path().join("logs")).expect("reads").count();
        assert_eq!(left, 2);
    }
}
