//! A session as lines: for pipes, CI, and those who like it so.
//!
//! Owns two threads. One prints what commands print, every byte, at its reader's pace; the other says on standard
//! error what is waited for. Neither can hold up the engine or the other.

mod attendant;
mod events;
mod lines;
mod printer;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::{Look, Own, summary};
use crate::engine::{Clock, Connector, Ended};

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Every line of every command, behind its name.
    Prefixed,
    /// One event a line, as JSON.
    Json,
    /// Nothing, unless something goes wrong.
    Quiet,
}

/// The threads that print.
#[derive(Debug)]
pub(crate) struct Printing {
    printer: JoinHandle<()>,
    attendant: JoinHandle<()>,
    ended: oneshot::Sender<Arc<Ended>>,
    look: Look,
    format: Format,
}

/// Starts to print a session.
///
/// # Errors
/// If there is no thread left.
pub(crate) fn start(
    own: Own,
    connector: &Connector,
    clock: Clock,
    look: Look,
    format: Format,
) -> io::Result<Printing> {
    let (ended, end) = oneshot::channel();
    let printer = printer::start(connector, clock, look, format, end)?;
    let attendant = attendant::start(own, connector, clock)?;
    Ok(Printing { printer, attendant, ended, look, format })
}

impl Printing {
    /// Prints what is left, and the summary. Waits for the reader.
    pub(crate) fn finish(self, ended: Ended) {
        let ended = Arc::new(ended);
        // A printer that has ended has no reader; the summary goes elsewhere.
        let _no_reader = self.ended.send(Arc::clone(&ended));
        let printed = self.printer.join();
        let attended = self.attendant.join();
        if printed.is_err() || attended.is_err() {
            tracing::error!("a printing thread failed");
        }
        let all_well = ended.view.rows.iter().all(|row| {
            row.ending.as_ref().is_some_and(|ending| ending.outcome.is_success() && ending.is_clean())
        });
        let wanted = match self.format {
            Format::Prefixed => true,
            Format::Json => false,
            Format::Quiet => !all_well,
        };
        if wanted {
            summary::print_to_stderr(&ended, self.look);
        }
    }
}
