//! Errors that end sundown before or beside a session, in the words of its user.

use std::io;

use crate::exit;

/// What went wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line does not say what it should.
    #[error("{0}")]
    Usage(String),
    /// Something of ours did not work.
    #[error("could not {what}: {source}")]
    Own {
        /// What, so that it fits after "could not".
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The exit code for it.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Own { .. } => exit::FAILURE,
        }
    }
}

/// Says what could not be done.
pub(crate) trait Context<T> {
    /// Names it, so that it fits after "could not".
    fn context(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Own { what: what.into(), source })
    }
}
