//! sundown starts long commands, shows them live, and knows how to stop them.
//!
//! This page is the architecture: a bird's eye view, where things are, and what always holds.
//!
//! # Bird's eye view
//!
//! A **command** is what was asked to run; an **execution** is one run of it. An **engine** supervises the
//! executions of a **session**. Around each execution there is a **shim**, a small process that spawns it, stops it
//! and reaps it. A **client** shows the session to a person or a program and asks the engine for things.
//!
//! ```text
//! sundown run           client and engine (until sessions can be left, in one process, behind one handle)
//!   ├─ terminal guard   gives the terminal back if its owner is killed
//!   ├─ shim ─ command   own session, own terminal; the shim is a subreaper above all it becomes
//!   └─ shim ─ command
//! ```
//!
//! Two pure machines decide everything: `core::execution`, in the shim, runs the ladder of one execution;
//! `core::supervisor`, in the engine, decides starts, stops, the order and phases of a shutdown, and its budget, and
//! mirrors what the shims report. Events and the time go in, effects come out. Around them are shells that do I/O
//! and decide nothing: `process::shim` around the one, `engine` around the other.
//!
//! # The way of an interrupt
//!
//! ```text
//! key, Ctrl-C byte, SIGINT, SIGTERM, timeout, hang-up
//!   -> Event::InterruptRequested            one type, whoever asks
//!   -> Supervisor::handle -> Effect::Stop
//!   -> InterruptSenders                     a level for each execution, registered before its child exists
//!   -> worker -> link -> shim -> Execution::handle -> ExecutionEffect::Deliver or Sweep
//!   -> containment                          each stage to each process once
//!   -> LeaderExited, TreeEmptied, OutputClosed -> Report -> View -> clients
//! ```
//!
//! # Where things are
//!
//! - `core/`: the rules. Pure: no runtime, clock, environment or file. `execution/` one execution, `supervisor/` the
//!   session, `stop.rs` stages, causes and presses, `shutdown.rs` phases and budget, `progress.rs` what a bar may
//!   show, `view.rs` what clients see, `sim.rs` (tests) the machines connected, over scripted processes.
//! - `process/`: the only place that spawns, signals and reaps, and the only one with unsafe code. `shim/` the
//!   shim's loop, `spawner.rs` the engine's side of it behind the traits `Spawner` and `Child`, `containment/` who
//!   belongs to an execution, `link.rs` messages with descriptors, `guard.rs` the terminal's guard.
//! - `screen/`: bytes in, cells out: the emulator behind our own type, and `progress/`, which reads what tools print.
//! - `wire/`: the messages between these processes. No behaviour.
//! - `engine/`: the runtime around the supervisor. `dispatcher.rs` the one loop of the control plane, `apply.rs` one
//!   function an effect, `worker.rs` one task a shim, `output.rs` the data plane, `recorder.rs` logs, `client.rs` the
//!   handle that clients hold.
//! - `session/`: starting a session, its directories, suspending it.
//! - `frontend/`: `tui/` the screen, `headless/` lines and events, `summary.rs` what is left behind at the end.
//! - `cli/`: verbs. `signals.rs`, `exit.rs`, `log.rs`, `error.rs`, `panics.rs`: what their names say.
//! - `assets/`: the demo's commands, the picture. `tests/`: end to end, benches, `tests/run`.
//!
//! Who may name whom is held by `tests/direction.rs`: core below process, screen and wire; these below engine, then
//! session, then front-ends, which do not name each other.
//!
//! # What always holds
//!
//! - An execution has one outcome, reported once. Its end is three events, each with a bound of its own: leader
//!   exited, tree empty, output closed. The tree is empty when the shim has no child left (`ECHILD`), never by a scan.
//! - Stages never go back. No process is signalled after it may have been reaped: children of a shim by number,
//!   others by descriptor, after a look that they still are who was meant.
//! - Nothing a command prints leaves `screen/` as bytes, but answers to the command itself. Output goes to the log as
//!   it came.
//! - Control runs on its own thread and never waits for output, a disk or a terminal. Every queue has a bound and a
//!   policy, written next to it. Memory does not grow with output.
//! - The session closes only with a proof that no execution is active (`Drained`), or because a person pressed a
//!   third time. The terminal is given back on every way out, by its guard if need be.
//! - If the engine dies, each shim runs the ladder alone, reads the output to the log, and ends. If a shim dies, the
//!   engine, a subreaper too, sweeps what comes to it.

mod cli;
mod core;
mod engine;
mod error;
mod exit;
mod frontend;
mod log;
mod panics;
mod process;
mod screen;
mod session;
mod signals;
mod wire;

use std::process::ExitCode;

/// The whole program, for its binary: parses the arguments of this process, runs what they say, and returns how
/// to end. If this process was started as one of its own helpers, it is that.
pub fn main() -> ExitCode {
    if let Some(code) = process::run_helper_if_asked() {
        return code;
    }
    cli::main(std::env::args_os())
}
