//! Messages between processes: engine and shim, engine and clients.
//!
//! Owns their shape. Has no behaviour: `process/` and `session/` carry them.

pub(crate) mod client;
pub(crate) mod frame;
pub(crate) mod shim;
