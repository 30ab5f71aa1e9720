//! The engine: the runtime around the pure core.
//!
//! Owns two planes. Control (requests, shims, timers, state) runs on one thread and never touches output; data
//! (output, emulation, logs) runs on others. They meet in bounded queues. Decides nothing that `core` decides.

mod apply;
mod client;
mod dispatcher;
mod interrupt;
mod output;
mod recorder;
#[cfg(test)]
mod tests;
mod trace;
mod worker;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use self::client::{Client, Connector};
use self::dispatcher::Dispatcher;
pub(crate) use self::recorder::{LogReader, LogState};
use crate::core::command::CommandSpec;
use crate::core::event::Event;
use crate::core::id::{ExecutionId, IdSource};
use crate::core::outcome::Verdict;
use crate::core::supervisor::{SessionPolicy, Supervisor};
use crate::core::time::Elapsed;
use crate::core::view::View;
use crate::process::spawner::Spawner;
use crate::wire::shim::TerminalSize;

/// Events that wait for the dispatcher. Policy: whoever has more to say waits.
const EVENTS: usize = 1024;
/// Threads that read and emulate output.
const OUTPUT_THREADS: usize = 2;

/// A session to run.
#[derive(Clone, Debug)]
pub(crate) struct SessionSpec {
    /// How it is supervised.
    pub(crate) policy: SessionPolicy,
    /// What it runs.
    pub(crate) commands: Vec<CommandSpec>,
    /// Its name in the environment of its commands.
    pub(crate) session_id: String,
    /// Randomness for the ids of its executions.
    pub(crate) seed: u128,
    /// The size of its commands' terminals until a client says another.
    pub(crate) size: TerminalSize,
    /// Lines of output kept for each command.
    pub(crate) history: usize,
    /// Where the logs of its executions go.
    pub(crate) logs: LogPolicy,
    /// The soft limit of open files that commands are to have, if ours was raised.
    pub(crate) nofile: Option<u64>,
}

/// Where logs go, and who may read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPolicy {
    /// The directory, which exists.
    pub(crate) dir: PathBuf,
    /// Only for ourselves (0600); by the umask otherwise.
    pub(crate) private: bool,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// What sundown is to end with.
    pub(crate) verdict: Verdict,
    /// The last picture.
    pub(crate) view: Arc<View>,
    /// When it was, since the session's epoch.
    pub(crate) at: Elapsed,
    /// The last lines that each execution printed.
    pub(crate) last_words: HashMap<ExecutionId, Vec<String>>,
}

/// Moments of a session, measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn begin() -> Self {
        Self { epoch: Instant::now() }
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Elapsed {
        Elapsed::new(self.epoch.elapsed())
    }

    /// A moment as the runtime's timers want it.
    pub(crate) fn instant(&self, at: Elapsed) -> Instant {
        // Beyond what the system's clock can say is as good as never.
        self.epoch.checked_add(at.since_epoch()).unwrap_or_else(|| self.epoch + Duration::from_secs(1 << 32))
    }
}

/// An engine that is ready to run. Clients connect before it does, and while it does.
#[derive(Debug)]
pub(crate) struct Engine<S> {
    dispatcher: Dispatcher<S>,
}

/// Where output is read: threads of its own, or, in tests, the runtime of the control plane.
#[derive(Debug)]
pub(crate) struct DataPlane {
    own: Option<Runtime>,
    handle: Handle,
}

impl DataPlane {
    /// Threads that read and emulate output.
    ///
    /// # Errors
    /// If there is none left.
    pub(crate) fn start() -> io::Result<Self> {
        let own = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(OUTPUT_THREADS)
            .max_blocking_threads(OUTPUT_THREADS)
            .thread_name("output")
            .enable_all()
            .build()?;
        Ok(Self { handle: own.handle().clone(), own: Some(own) })
    }

    fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends it without waiting: a task may sit in a write to a disk that hangs.
    fn end(&mut self) {
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}

impl<S: Spawner> Engine<S> {
    /// Prepares a session; nothing starts yet.
    pub(crate) fn new(spec: SessionSpec, spawner: S, data: DataPlane) -> (Self, Connector) {
        let (events, inbox) = mpsc::channel(EVENTS);
        let supervisor =
            Supervisor::new(spec.policy.clone(), spec.commands.clone(), IdSource::new(spec.seed));
        let (connector, clients) = client::channel(supervisor.view());
        let dispatcher = Dispatcher::new(spec, supervisor, Arc::new(spawner), events, inbox, clients, data);
        (Self { dispatcher }, connector)
    }

    /// Where signals and other sources of this process send what they learn.
    pub(crate) fn events(&self) -> mpsc::Sender<Event> {
        self.dispatcher.events()
    }

    /// The session's clock.
    pub(crate) fn clock(&self) -> Clock {
        self.dispatcher.clock()
    }

    /// Runs the session to its end. To be awaited on a runtime of one thread: that is the control plane.
    pub(crate) async fn run(self) -> Ended {
        self.dispatcher.run().await
    }
}
