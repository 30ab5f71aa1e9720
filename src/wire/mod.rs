//! Messages between processes: engine and shim, engine and clients.
//!
//! Owns their shape. Has no behaviour: `process/` and `session/` carry them.

pub mod client;
pub mod frame;
pub mod shim;
