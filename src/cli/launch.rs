//! From a parsed command line to a session's end.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit};

use super::run::Display;
use crate::core::command::CommandSpec;
use crate::core::event::Scope;
use crate::core::outcome::Verdict;
use crate::core::stop::{Origin, Signal};
use crate::core::supervisor::SessionPolicy;
use crate::engine::{LogPolicy, SessionSpec};
use crate::error::{Context, Error};
use crate::frontend::headless::{self, Format};
use crate::frontend::tui::{self, Notices};
use crate::frontend::{self, Look, Own, summary};
use crate::session::{self, Prepared, Running, logs, paths};
use crate::wire::client::Request;
use crate::wire::shim::TerminalSize;
use crate::{log, panics, process};

/// What could not be done, if it could not.
const START: &str = "start the session";
const END: &str = "end the session well";

/// A session to be launched.
pub(super) struct Launch {
    pub(super) policy: SessionPolicy,
    pub(super) commands: Vec<CommandSpec>,
    pub(super) display: Display,
}

/// Starts the session, shows it to its end, and says how it went.
pub(super) fn launch(launch: Launch) -> Result<Verdict, Error> {
    let Launch { mut policy, commands, display } = launch;
    // Before the first thread, so that none misses a signal.
    let (runtime, signals) = session::prepare().context("take over signals")?;
    let own = frontend::prepare().context("take over signals")?;
    let state_dir = paths::state_dir().context("create the state directory")?;
    let _log = log::start(&state_dir);
    panics::keep_quiet();
    let seed = random();
    let session_id = session_id(seed);
    let kept = logs::create(&state_dir, &session_id).context("create the directory for logs")?;
    let logs = match &display.log_dir {
        Some(dir) => LogPolicy { dir: log_dir(dir)?, private: false },
        None => LogPolicy { dir: kept.dir.clone(), private: true },
    };
    let screen = wants_screen(&display);
    // Without a screen, nobody could say that it is enough.
    policy.hold &= screen;
    let spec = SessionSpec {
        policy,
        commands,
        session_id,
        seed,
        size: TerminalSize::default(),
        history: display.history,
        logs,
        nofile: raise_nofile(),
    };
    let session = Prepared::new(runtime, signals, spec).context(START)?;
    let look = Look::new(display.color, display.ascii);
    if screen {
        let notices = Notices { progress: !display.no_progress, bell: !display.no_bell };
        on_screen(own, session, look, notices)
    } else {
        as_lines(own, session, look, display.output.unwrap_or(Format::Prefixed))
    }
}

/// Shows the session on the terminal.
fn on_screen(own: Own, session: Prepared, look: Look, notices: Notices) -> Result<Verdict, Error> {
    let client = session.connector.connect(Origin::Key, true).context(START)?;
    let running = session.start().context(START)?;
    let clock = running.clock;
    let shown = panics::caught(|| tui::run(own, client, clock, look, notices));
    let failure = match shown {
        Ok(Ok(())) => {
            let ended = running.wait().context(END)?;
            summary::print_to_stdout(&ended, look);
            return Ok(ended.verdict);
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic,
    };
    eprintln!("sundown: the screen failed, so everything is stopped: {failure}");
    without_screen(running, look)
}

/// Ends a session whose screen failed: without one, nobody could stop it with a key.
fn without_screen(running: Running, look: Look) -> Result<Verdict, Error> {
    let own = frontend::prepare().context("take over signals")?;
    // If the session has just ended by itself, there is nobody to connect to, and nothing to do.
    let printing = headless::start(own, &running.connector, running.clock, look, Format::Quiet);
    if let Ok(mut client) = running.connector.connect(Origin::Failure, false) {
        client.ask(Request::Interrupt { scope: Scope::All, stage: None, repeat: false });
    }
    let ended = running.wait().context(END)?;
    let verdict = ended.verdict.with_failure();
    match printing {
        Ok(printing) => printing.finish(ended),
        Err(_ended) => summary::print_to_stderr(&ended, look),
    }
    Ok(verdict)
}

fn as_lines(own: Own, session: Prepared, look: Look, format: Format) -> Result<Verdict, Error> {
    let printing =
        headless::start(own, &session.connector, session.clock, look, format).context("start to print")?;
    let ended = session.start().context(START)?.wait().context(END)?;
    // What is left to do is to write to a reader who may be slow; a Ctrl-C may end that as usual. What only asks
    // for something comes too late.
    process::signal::reset_all();
    for late in [Signal::USR1, Signal::USR2, Signal::PIPE] {
        process::signal::ignore(late);
    }
    let verdict = ended.verdict;
    printing.finish(ended);
    Ok(verdict)
}

/// A terminal to read keys from and one to draw on, and nothing that asks for lines.
fn wants_screen(display: &Display) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !display.headless
        && display.output.is_none()
        && !dumb
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
}

fn log_dir(dir: &Path) -> Result<PathBuf, Error> {
    let what = || format!("create the log directory {}", dir.display());
    std::fs::create_dir_all(dir).context(what())?;
    std::path::absolute(dir).context(what())
}

/// Raises the limit of open files as far as we may: each command takes a few. Returns what it was, which the
/// commands get back: some of them walk all numbers up to it.
fn raise_nofile() -> Option<u64> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    match rustix::process::setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.current,
        Err(_) => None,
    }
}

fn random() -> u128 {
    let mut bytes = [0; 16];
    // Before the kernel has gathered randomness, the time has to do: ids must differ, no more.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::NONBLOCK).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        return now.map_or(1, |now| now.as_nanos()) ^ u128::from(std::process::id()) << 96;
    }
    u128::from_ne_bytes(bytes)
}

/// The name of a session's directory: when it began, and something that tells it from others of that second.
fn session_id(seed: u128) -> String {
    let id = crate::core::id::ExecutionId::from_bits(seed >> 40).prefix(6);
    format!("{}-{id}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"))
}
