//! The end of this process: the only place that brings it about.
//!
//! Owns how a verdict becomes an exit status (SEMANTICS 6).

use std::process::ExitCode;

use crate::core::outcome::Verdict;
use crate::core::stop::Signal;
use crate::process::signal;

/// Wrong usage, or a configuration that cannot be read.
pub(crate) const USAGE: u8 = 2;
/// Our own failure.
pub(crate) const FAILURE: u8 = 125;

/// Ends as the verdict says: with its code, or by its signal. `main` returns what this returns.
pub(crate) fn with(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Code(code) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(FAILURE)),
        Verdict::Signal(signal) => by_signal(signal, signal::Whom::Ourselves),
        Verdict::CtrlC => by_signal(Signal::INT, signal::Whom::ForegroundGroup),
    }
}

/// An exit code of 130 is not enough: a shell script would run on. To the first process of a container, default
/// signals do nothing, so there the code has to do.
fn by_signal(signal: Signal, whom: signal::Whom) -> ExitCode {
    signal::raise_default(signal, whom);
    ExitCode::from(u8::try_from(128 + signal.0).unwrap_or(FAILURE))
}
