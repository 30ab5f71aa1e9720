//! Where sundown keeps what outlives a session.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The state directory: `$XDG_STATE_HOME/sundown`, else `~/.local/state/sundown`, else one of our own in the
/// directory for temporary files. Created if it is not there.
///
/// # Errors
/// If none can be created; the message names the first.
pub(crate) fn state_dir() -> io::Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::getuid().as_raw();
    let wanted = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("sundown"));
    let fallback = std::env::temp_dir().join(format!("sundown-{uid}"));
    match wanted.as_deref().map(create_private) {
        Some(Ok(())) => Ok(wanted.unwrap_or_default()),
        Some(Err(_)) | None => {
            create_private(&fallback)?;
            // Anybody may have made it before us.
            match std::fs::symlink_metadata(&fallback)? {
                data if data.is_dir() && data.uid() == uid && data.mode() & 0o077 == 0 => Ok(fallback),
                _ => Err(io::Error::other(format!(
                    "{} belongs to somebody else, or others may write there",
                    fallback.display()
                ))),
            }
        }
    }
}

/// Creates a directory, and those above it, for ourselves only.
///
/// # Errors
/// If that is not possible.
pub(crate) fn create_private(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
