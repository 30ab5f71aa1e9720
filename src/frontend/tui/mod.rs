//! tui
use std::io;
use super::Look;
use crate::engine::{Client, Clock};
pub(crate) fn run(_client: Client, _clock: Clock, _look: Look) -> io::Result<()> { Ok(()) }
