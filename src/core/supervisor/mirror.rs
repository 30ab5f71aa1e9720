//! What the engine knows of one command and its latest execution.
//!
//! Owns the mirror of what a shim reports, and what was asked of it. Decides nothing about other executions.

use super::Effects;
use crate::core::command::CommandSpec;
use crate::core::effect::Effect;
use crate::core::event::{Interrupt, OutputNote};
use crate::core::id::{CommandIndex, ExecutionId};
use crate::core::outcome::{Ending, Outcome};
use crate::core::progress::{Progress, Reading};
use crate::core::report::{Blocker, Report};
use crate::core::stop::{Presses, Stage, StopRequest};
use crate::core::time::Elapsed;
use crate::core::view::{RowState, RowView, StopView};

/// A command and its latest execution.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) index: CommandIndex,
    pub(super) spec: CommandSpec,
    pub(super) id: ExecutionId,
    runs: u32,
    pub(super) state: CommandState,
    since: Elapsed,
    progress: Option<Progress>,
    note: OutputNote,
    /// It runs again as soon as it is over.
    pub(super) restarting: bool,
    /// Its row is out of date.
    pub(super) touched: bool,
}

/// Where the latest execution of a command is.
#[derive(Debug)]
pub(super) enum CommandState {
    /// It waits for a place.
    Queued,
    /// It has a shim, or is about to.
    Active(Mirror),
    /// It is over.
    Finished {
        /// How.
        ending: Ending,
        /// When it was started, if it was.
        started: Option<Elapsed>,
    },
}

/// What is known of an active execution.
#[derive(Debug)]
pub(super) struct Mirror {
    started: Elapsed,
    live: Live,
    pid: Option<i32>,
    paused: bool,
    /// The furthest stop that was asked of the shim, and
    asked: Option<StopRequest>,
    /// the phase of its work it was in when it was first asked.
    work: Option<String>,
    presses: Presses,
    /// All of its output was read.
    pub(super) output_ended: bool,
    /// What its shim reported last of all.
    pub(super) ending: Option<Ending>,
}

/// Where the shim says the execution is.
#[derive(Debug)]
enum Live {
    Starting,
    Running,
    Stopping(StopView),
    Draining,
}

impl Command {
    pub(super) const fn queued(
        index: CommandIndex,
        spec: CommandSpec,
        id: ExecutionId,
        now: Elapsed,
    ) -> Self {
        Self {
            index,
            spec,
            id,
            runs: 1,
            state: CommandState::Queued,
            since: now,
            progress: None,
            note: OutputNote { wants_input: false, bell: false, log: None, log_fault: None },
            restarting: false,
            touched: false,
        }
    }

    /// A new execution, `id`, that waits for its place.
    pub(super) fn queue_again(&mut self, id: ExecutionId, now: Elapsed) {
        self.id = id;
        self.runs += 1;
        self.progress = None;
        self.note = OutputNote::default();
        self.enter(CommandState::Queued, now);
    }

    /// The queued execution gets a shim.
    pub(super) fn start(&mut self, now: Elapsed) {
        self.enter(CommandState::Active(Mirror::new(now)), now);
    }

    /// A queued execution ends without ever having been spawned.
    pub(super) fn finish_unstarted(&mut self, outcome: Outcome, now: Elapsed) {
        self.enter(CommandState::Finished { ending: Ending::plain(outcome), started: None }, now);
    }

    /// Makes the outcome final once shim and output have both ended; true if it just did.
    pub(super) fn finish_if_over(&mut self, now: Elapsed) -> bool {
        let CommandState::Active(mirror) = &mut self.state else { return false };
        if !mirror.output_ended && mirror.pid.is_some() {
            return false;
        }
        let Some(mut ending) = mirror.ending.take() else { return false };
        if let Outcome::Interrupted { work, .. } = &mut ending.outcome {
            *work = mirror.work.take();
        }
        let started = Some(mirror.started);
        self.enter(CommandState::Finished { ending, started }, now);
        true
    }

    fn enter(&mut self, state: CommandState, now: Elapsed) {
        self.state = state;
        self.since = now;
        self.touched = true;
    }

    /// Takes over what the shim says.
    pub(super) fn mirror(&mut self, now: Elapsed, report: Report) {
        let CommandState::Active(mirror) = &mut self.state else { return };
        self.touched = true;
        if mirror.take(report) {
            self.since = now;
        }
    }

    /// Takes over what the output said of progress; without a reading there is none.
    pub(super) fn read_progress(&mut self, now: Elapsed, reading: Option<Reading>) {
        if !matches!(self.state, CommandState::Active(_)) {
            return;
        }
        self.touched = true;
        match (&mut self.progress, reading) {
            (Some(progress), Some(reading)) => progress.read(now, reading),
            (progress, reading) => *progress = reading.map(|reading| Progress::first(now, reading)),
        }
    }

    pub(super) fn set_note(&mut self, note: OutputNote) {
        self.note = note;
        self.touched = true;
    }

    /// Asks the shim of an active execution to be at a stage; a no-op at or below what was asked before.
    pub(super) fn ask(&mut self, request: StopRequest, out: &mut Effects) {
        let work = self.progress.as_ref().and_then(|progress| progress.reading.phase.clone());
        if let CommandState::Active(mirror) = &mut self.state
            && mirror.raise(request, work)
        {
            out.push(Effect::Stop { id: self.id, request });
        }
    }

    pub(super) const fn active(&self) -> Option<&Mirror> {
        match &self.state {
            CommandState::Active(mirror) => Some(mirror),
            CommandState::Queued | CommandState::Finished { .. } => None,
        }
    }

    pub(super) const fn active_mut(&mut self) -> Option<&mut Mirror> {
        match &mut self.state {
            CommandState::Active(mirror) => Some(mirror),
            CommandState::Queued | CommandState::Finished { .. } => None,
        }
    }

    pub(super) const fn is_queued(&self) -> bool {
        matches!(self.state, CommandState::Queued)
    }

    pub(super) const fn ending(&self) -> Option<&Ending> {
        match &self.state {
            CommandState::Finished { ending, .. } => Some(ending),
            CommandState::Queued | CommandState::Active(_) => None,
        }
    }

    /// Its row in the view.
    pub(super) fn row(&self) -> RowView {
        let mirror = self.active();
        let (started, ended) = match &self.state {
            CommandState::Queued => (None, None),
            CommandState::Active(mirror) => (Some(mirror.started), None),
            CommandState::Finished { started, .. } => (*started, Some(self.since)),
        };
        RowView {
            command: self.index,
            name: self.spec.name.clone(),
            line: self.spec.program.display(),
            id: self.id,
            runs: self.runs,
            state: self.row_state(),
            since: self.since,
            pid: mirror.and_then(|mirror| mirror.pid),
            started,
            ended,
            paused: mirror.is_some_and(Mirror::is_paused),
            restarting: self.restarting,
            progress: self.progress.clone(),
            stop: mirror.and_then(Mirror::stop_view).cloned(),
            note: self.note.clone(),
            ending: self.ending().cloned(),
        }
    }

    fn row_state(&self) -> RowState {
        match &self.state {
            CommandState::Queued => RowState::Queued,
            CommandState::Finished { .. } => RowState::Finished,
            CommandState::Active(mirror) if mirror.ending.is_some() => RowState::Draining,
            CommandState::Active(mirror) => match mirror.live {
                Live::Starting => RowState::Starting,
                Live::Running => RowState::Running,
                Live::Stopping(_) => RowState::Stopping,
                Live::Draining => RowState::Draining,
            },
        }
    }
}

impl Mirror {
    fn new(now: Elapsed) -> Self {
        Self {
            started: now,
            live: Live::Starting,
            pid: None,
            paused: false,
            asked: None,
            work: None,
            presses: Presses::default(),
            output_ended: false,
            ending: None,
        }
    }

    /// Takes over a report; true if the execution is somewhere else now.
    fn take(&mut self, report: Report) -> bool {
        match report {
            Report::Started { pid } => {
                self.pid = Some(pid);
                self.live = Live::Running;
            }
            Report::StageEntered { request, next, until } => {
                let waiting = self.waiting();
                self.live = Live::Stopping(StopView { request, next, until, waiting });
            }
            Report::StageExtended { until } => {
                self.set_until(until);
                return false;
            }
            Report::Waiting(blocker) => {
                if let Live::Stopping(stop) = &mut self.live {
                    stop.waiting = Some(blocker);
                }
                return false;
            }
            Report::Paused => self.paused = true,
            Report::Resumed { until } => {
                self.paused = false;
                self.set_until(until);
            }
            Report::LeaderExited(_) => match self.live {
                Live::Stopping(_) => return false,
                Live::Starting | Live::Running | Live::Draining => self.live = Live::Draining,
            },
            Report::Finished(ending) => {
                self.paused = false;
                self.ending = Some(ending);
            }
        }
        true
    }

    fn set_until(&mut self, until: Option<Elapsed>) {
        if let Live::Stopping(stop) = &mut self.live {
            stop.until = until;
        }
    }

    fn waiting(&self) -> Option<Blocker> {
        self.stop_view().and_then(|stop| stop.waiting.clone())
    }

    const fn stop_view(&self) -> Option<&StopView> {
        match &self.live {
            Live::Stopping(stop) if self.ending.is_none() => Some(stop),
            Live::Stopping(_) | Live::Starting | Live::Running | Live::Draining => None,
        }
    }

    /// The furthest stage that was asked for, or that the shim says it is at.
    pub(super) fn stage(&self) -> Option<Stage> {
        let reported = self.stop_view().map(|stop| stop.request.stage);
        self.asked.map(|asked| asked.stage).max(reported)
    }

    /// A person has pressed something that stops it.
    pub(super) fn note_press(&mut self, now: Elapsed) {
        self.presses.press(now, false);
    }

    /// The stage that a request means: a person's press that counts is the next one, a program names it.
    pub(super) fn wanted_stage(&mut self, now: Elapsed, interrupt: &Interrupt) -> Option<Stage> {
        let counts = !interrupt.origin.is_person() || self.presses.press(now, interrupt.repeat);
        match (interrupt.stage, self.stage()) {
            (Some(stage), _) => Some(stage),
            (None, None) => Some(Stage::Interrupt),
            (None, Some(stage)) if interrupt.origin.is_person() && counts => stage.next(),
            (None, Some(_)) => None,
        }
    }

    /// Notes that a stop is asked for; false if as much was asked before.
    fn raise(&mut self, request: StopRequest, work: Option<String>) -> bool {
        if self.ending.is_some() || self.stage().is_some_and(|stage| stage >= request.stage) {
            return false;
        }
        if self.asked.is_none() {
            self.work = work;
        }
        self.asked = Some(self.asked.map_or(request, |asked| asked.joined(request)));
        true
    }

    /// True if nothing but SIGKILL and looking is left to do.
    pub(super) fn is_being_killed(&self) -> bool {
        self.ending.is_some() || self.stage() == Some(Stage::Kill)
    }

    pub(super) const fn is_paused(&self) -> bool {
        self.paused
    }

    /// True if it stands still, or has nothing left that could: what a suspended terminal waits for.
    pub(super) const fn is_still(&self) -> bool {
        !matches!(self.live, Live::Starting) && !self.can_pause()
    }

    /// True if there is something that could stand still.
    pub(super) const fn can_pause(&self) -> bool {
        match &self.live {
            Live::Running => !self.paused && self.ending.is_none(),
            Live::Stopping(stop) => {
                !self.paused && self.ending.is_none() && !matches!(stop.request.stage, Stage::Kill)
            }
            Live::Starting | Live::Draining => false,
        }
    }
}
