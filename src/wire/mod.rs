//! Messages between processes: engine and shim, and later engine and clients.
//!
//! Owns their shape and version. Has no behaviour: `process/` and `session/` carry them.

pub mod shim;
