//! tui
use super::Look;
use crate::engine::{Client, Clock};
use std::io;
pub(crate) fn run(_client: Client, _clock: Clock, _look: Look) -> io::Result<()> {
    Ok(())
}
