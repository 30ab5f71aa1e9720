//! sundown

pub mod core;
mod process;
mod wire;
