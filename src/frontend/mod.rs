//! What shows a session to a person or a program. Each is a client of the same handle; none names another.

pub(crate) mod headless;
pub(crate) mod summary;
mod text;
pub(crate) mod tui;

use std::io;

use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signal_hook_tokio::Signals;
use tokio::runtime::Runtime;

/// The runtime of a front-end, with the signals that are its own business taken over: the window's size, and job
/// control.
pub(crate) type Own = (Runtime, Signals);

/// To be called before a session is started, so that no such signal is missed.
///
/// # Errors
/// If the system has no descriptors left.
pub(crate) fn prepare() -> io::Result<Own> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::new([SIGWINCH, SIGCONT, SIGTSTP])?
    };
    Ok((runtime, signals))
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in a pipe.
    Always,
    /// Never.
    Never,
}

/// How to draw: decided once, from the command line and the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Colours on standard output.
    pub(crate) color: bool,
    /// ASCII only.
    pub(crate) ascii: bool,
}

impl Look {
    /// What was asked for, or else what the environment suggests.
    pub(crate) fn new(color: Color, ascii: bool) -> Self {
        use std::io::IsTerminal;
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let color = match color {
            Color::Auto => wanted && io::stdout().is_terminal(),
            Color::Always => true,
            Color::Never => false,
        };
        Self { color, ascii: ascii || !locale_is_utf8() }
    }
}

/// What the first of the variables that decide says; if none does, nothing speaks against UTF-8.
fn locale_is_utf8() -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os);
    let first = named.into_iter().find(|value| !value.is_empty());
    first.is_none_or(|value| {
        let value = value.to_string_lossy().to_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

#[cfg(test)]
mod samples;
