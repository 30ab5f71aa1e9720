//! Screens of commands: bytes in, cells out.
//!
//! Owns emulation and history, what a program asks of its terminal, and how output says how far it is. Does no
//! I/O: nothing that a program prints leaves here as bytes but the answers meant for itself.

mod cells;
mod emulator;
mod osc;
mod progress;

pub(crate) use emulator::Screen;
pub(crate) use progress::ProgressReader;
