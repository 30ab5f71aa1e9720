//! The parts of the screen: each draws itself into its place.

pub(super) mod footer;
pub(super) mod header;
pub(super) mod list;
pub(super) mod overlay;
pub(super) mod pen;
pub(super) mod screen;
pub(super) mod stepper;
