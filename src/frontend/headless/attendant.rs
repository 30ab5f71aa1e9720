//! Says on standard error what is waited for, and follows Ctrl-Z.

use std::io::{self, Write};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::SIGTSTP;
use signal_hook_tokio::Signals;
use tokio::time::Instant;
use tokio_stream::StreamExt;

use crate::core::shutdown::Level;
use crate::core::stop::{Origin, Stage};
use crate::core::time::Elapsed;
use crate::core::view::{RowView, View};
use crate::engine::{Client, Clock, Connector};
use crate::frontend::{Own, text};
use crate::session::suspend;

/// While something is being stopped, a line at most this often.
const PACE: Duration = Duration::from_secs(3);
/// A stop that is over sooner needs no line.
const PATIENCE: Duration = Duration::from_millis(500);

/// Starts the thread. It ends with the session.
pub(super) fn start(
    (runtime, signals): Own,
    connector: &Connector,
    clock: Clock,
) -> io::Result<JoinHandle<()>> {
    let client = connector.connect(Origin::HangUp, false)?;
    std::thread::Builder::new()
        .name("attendant".into())
        .spawn(move || runtime.block_on(attend(client, clock, signals)))
}

async fn attend(mut client: Client, clock: Clock, mut signals: Signals) {
    let mut next_line: Option<Instant> = None;
    loop {
        let view = client.view.borrow_and_update().clone();
        let stopping = view.rows.iter().any(|row| row.stop.is_some());
        match next_line {
            None if stopping => next_line = Some(Instant::now() + PATIENCE),
            Some(_) if !stopping => next_line = None,
            Some(at) if at <= Instant::now() => {
                say(&view, clock.now());
                next_line = Some(Instant::now() + PACE);
            }
            None | Some(_) => {}
        }
        tokio::select! {
            changed = client.view.changed() => if changed.is_err() { return },
            Some(number) = signals.next() => if number == SIGTSTP { suspend::suspend(&mut client).await },
            () = sleep_until(next_line) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn say(view: &View, now: Elapsed) {
    // Without standard error, there is nobody to tell.
    let _unread = writeln!(io::stderr().lock(), "sundown: {}", waiting(view, now));
}

/// Who is waited for, at which stage, and when that changes.
fn waiting(view: &View, now: Elapsed) -> String {
    let rows: Vec<String> = view.rows.iter().filter_map(|row| wait_of(row, now)).collect();
    let next = match view.session.shutdown.as_ref().map(|shutdown| shutdown.level) {
        Some(Level::Graceful) => "; again to kill now",
        Some(Level::Kill) => "; again to leave at once",
        Some(Level::Leave) | None => "",
    };
    format!("waiting for {}{next}", rows.join(", "))
}

fn wait_of(row: &RowView, now: Elapsed) -> Option<String> {
    let stop = row.stop.as_ref()?;
    let next = match (stop.next, stop.until) {
        (Some(next), Some(until)) => format!(", {next} in {} s", text::seconds_left(until.since(now))),
        (Some(_), None) => ", for as long as it takes".into(),
        (None, _) => String::new(),
    };
    let at = match stop.request.stage {
        Stage::Interrupt => "interrupted",
        Stage::Terminate => "terminated",
        Stage::Kill => "killed",
    };
    let who = stop.waiting.as_ref().map(|blocker| match blocker.alive {
        0 | 1 => format!(", pid {} {}", blocker.pid, blocker.name),
        alive => format!(", pid {} {} and {} more", blocker.pid, blocker.name, alive - 1),
    });
    Some(format!("{} ({at}{next}{})", row.name, who.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::Blocker;
    use crate::core::stop::{StopCause, StopRequest};
    use crate::core::view::StopView;
    use crate::frontend::samples;

    #[test]
    fn a_line_says_who_at_which_stage_and_when_that_changes() {
        let mut row = samples::row("db");
        row.stop = Some(StopView {
            request: StopRequest { stage: Stage::Interrupt, cause: StopCause::Shutdown, origin: Origin::Key },
            next: Some(Stage::Terminate),
            until: Some(Elapsed::from_millis(5000)),
            waiting: Some(Blocker { pid: 42, name: "postgres".into(), alive: 3 }),
        });
        let view = samples::view([row]);
        assert_eq!(
            waiting(&view, Elapsed::from_millis(1500)),
            "waiting for db (interrupted, terminate in 4 s, pid 42 postgres and 2 more)"
        );
    }
}
