//! The pure core: every rule of stopping, showing and supervising, and no I/O.
//!
//! Events and `now` go in, effects come out. Names no runtime, clock, environment or file: so that every
//! rule can be tested without waiting, and a recording of events replays exactly.

pub(crate) mod command;
pub(crate) mod deadline;
pub(crate) mod effect;
pub(crate) mod event;
pub(crate) mod execution;
pub(crate) mod id;
pub(crate) mod outcome;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod shutdown;
#[cfg(test)]
pub(crate) mod sim;
pub(crate) mod stop;
pub(crate) mod supervisor;
pub(crate) mod time;
pub(crate) mod view;
