//! sundown

pub mod core;
