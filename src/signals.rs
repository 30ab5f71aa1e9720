//! Signals to sundown (SEMANTICS 5).
//!
//! Owns which are taken over, and what each becomes. A front-end's own (window size, job control) are its own
//! business.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_tokio::Signals;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;

use crate::core::event::{Event, Interrupt, Scope};
use crate::core::stop::{Origin, Signal};
use crate::process::signal;

/// Those that end a session, if they were not ignored when we were started: `nohup` and `trap '' INT` are
/// requests.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGQUIT, SIGHUP];
/// Those that ask for something else.
const ASKING: [i32; 2] = [SIGUSR1, SIGUSR2];
/// Those that must not end or stop us: we see for ourselves that a pipe or a terminal is not ours any more.
const IGNORED: [Signal; 2] = [Signal::PIPE, Signal(libc::SIGTTOU)];

/// Takes the signals over. To be called on the runtime that forwards them, before any thread starts.
///
/// # Errors
/// If the system does not let us.
pub(crate) fn install() -> io::Result<Signals> {
    for ignored in IGNORED {
        signal::ignore(ignored);
    }
    let wanted = ENDING.into_iter().filter(|number| !signal::is_ignored(Signal(*number)));
    Signals::new(wanted.chain(ASKING))
}

/// Sends each signal on as an event, until the engine is gone.
pub(crate) async fn forward(mut signals: Signals, events: mpsc::Sender<Event>) {
    while let Some(number) = signals.next().await {
        let event = match number {
            SIGUSR1 => Event::DumpRequested,
            SIGUSR2 => Event::ReopenRequested,
            SIGHUP => ending(Origin::HangUp),
            number => ending(Origin::Signal(Signal(number))),
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

const fn ending(origin: Origin) -> Event {
    Event::InterruptRequested(Interrupt {
        scope: Scope::All,
        stage: None,
        origin,
        repeat: false,
        request: None,
    })
}
