//! Sessions: starting one, and where it keeps what it writes.
//!
//! Owns the thread that an engine runs on, and the state directory. Until sessions can be left and come back
//! to, the engine lives in its client's process, behind the same handle.

pub(crate) mod logs;
pub(crate) mod paths;
pub(crate) mod suspend;

use std::io;
use std::thread::JoinHandle;

use signal_hook_tokio::Signals;
use tokio::runtime::Runtime;

use crate::engine::{Clock, Connector, DataPlane, Ended, Engine, SessionSpec};
use crate::process::spawner::ShimSpawner;
use crate::process::{children, signal};
use crate::{panics, signals};

/// A session about to start.
pub(crate) struct Prepared {
    /// Makes clients.
    pub(crate) connector: Connector,
    /// Its clock.
    pub(crate) clock: Clock,
    engine: Engine<ShimSpawner>,
    runtime: Runtime,
    signals: Signals,
}

/// A session under way.
#[derive(Debug)]
pub(crate) struct Running {
    /// Makes clients.
    pub(crate) connector: Connector,
    /// Its clock.
    pub(crate) clock: Clock,
    engine: JoinHandle<Result<Ended, String>>,
}

impl Running {
    /// Waits for the end.
    ///
    /// # Errors
    /// If the engine panicked. Its shims stop what they hold then, and are waited for, unless a signal ends us.
    pub(crate) fn wait(self) -> io::Result<Ended> {
        self.engine.join().unwrap_or_else(|_| Err(String::new())).map_err(|panic| {
            signal::reset_all();
            children::wait_for_all();
            io::Error::other(panic)
        })
    }
}

/// The control plane's runtime, with the signals taken over and nothing to be inherited by commands: to be made
/// before any thread is.
///
/// # Errors
/// If the system has no descriptors left.
pub(crate) fn prepare() -> io::Result<(Runtime, Signals)> {
    children::inherit_nothing();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _entered = runtime.enter();
        signals::install()?
    };
    Ok((runtime, signals))
}

impl Prepared {
    /// A session that does nothing yet: whoever connects before it starts sees all of it.
    ///
    /// # Errors
    /// If there is no thread or descriptor left.
    pub(crate) fn new(runtime: Runtime, signals: Signals, spec: SessionSpec) -> io::Result<Self> {
        let (engine, connector) = Engine::new(spec, ShimSpawner::new()?, DataPlane::start()?);
        Ok(Self { clock: engine.clock(), connector, engine, runtime, signals })
    }

    /// Starts it on a thread of its own.
    ///
    /// # Errors
    /// If there is no thread left.
    pub(crate) fn start(self) -> io::Result<Running> {
        let Self { connector, clock, engine, runtime, signals } = self;
        runtime.spawn(signals::forward(signals, engine.events()));
        let run = move || panics::caught(|| runtime.block_on(engine.run()));
        let engine = std::thread::Builder::new().name("engine".into()).spawn(run)?;
        Ok(Running { connector, clock, engine })
    }
}
