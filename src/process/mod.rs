//! Processes: the only place that spawns, signals and reaps.
//!
//! Owns the shim and the engine's side of it, terminals of commands, and containment. Knows nothing of
//! sessions or screens; decides nothing that `core` decides.

mod children;
mod containment;
mod exec;
mod link;
pub(crate) mod pty;
pub(crate) mod readiness;
pub(crate) mod shim;
pub(crate) mod signal;
pub(crate) mod spawner;
mod tree;
