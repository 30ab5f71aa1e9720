//! Processes: the only place that spawns, signals and reaps.
//!
//! Owns the shim and the engine's side of it, terminals of commands, and containment. Knows nothing of
//! sessions or screens; decides nothing that `core` decides.

pub(crate) mod children;
mod containment;
mod exec;
pub(crate) mod guard;
mod link;
pub(crate) mod pty;
pub(crate) mod readiness;
pub(crate) mod shim;
pub(crate) mod signal;
pub(crate) mod spawner;
pub(crate) mod termios;
mod tree;

/// Runs a shim or a guard if this process was started as one; to be called before anything else.
pub(crate) fn run_helper_if_asked() -> Option<std::process::ExitCode> {
    shim::run_if_asked().or_else(guard::run_if_asked)
}
