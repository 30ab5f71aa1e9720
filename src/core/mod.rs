//! The pure core: every rule of stopping, showing and supervising, and no I/O.
//!
//! Events and `now` go in, effects come out. Names no runtime, clock, environment or file: so that every
//! rule can be tested without waiting, and a recording of events replays exactly.

pub mod command;
pub mod deadline;
pub mod effect;
pub mod event;
pub mod execution;
pub mod id;
pub mod outcome;
pub mod progress;
pub mod report;
pub mod shutdown;
#[cfg(test)]
pub(crate) mod sim;
pub mod stop;
pub mod supervisor;
pub mod time;
pub mod view;
