//! The machine of the engine: which executions start, stop and end, and the way of the session down.
//!
//! Owns the order of things across executions. The truth about one execution lives in its shim; here it is
//! only mirrored (`mirror.rs`). Requests are answered in `requests.rs`, the way down is `closing.rs`. Does
//! nothing itself: events in, effects out.

mod closing;
mod mirror;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::closing::Life;
use self::mirror::{Command, CommandState, Mirror};
use super::command::CommandSpec;
use super::deadline::Deadlines;
use super::effect::Effect;
use super::event::Event;
use super::id::{CommandIndex, ExecutionId, IdSource, unique_prefix};
use super::outcome::{Ending, Outcome, ShutdownCause, Survivor};
use super::report::Report;
use super::shutdown::{Budget, Phase};
use super::stop::{Origin, Presses};
use super::time::Elapsed;
use super::view::{SessionView, Suspend, View};

/// After the tree is gone, reading what it had written may take this long.
const OUTPUT_DRAIN: Duration = Duration::from_secs(2);
/// Sweeping what a lost shim held may take this long.
const RECLAIM: Duration = Duration::from_secs(3);

/// What to do, in order.
pub(crate) type Effects = Vec<Effect>;

/// How a session is supervised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionPolicy {
    /// Its name, for people.
    pub(crate) name: String,
    /// How many executions may be active at once; any number if none.
    pub(crate) jobs: Option<u32>,
    /// One failure stops all.
    pub(crate) fail_fast: bool,
    /// The session stays when all is over.
    pub(crate) hold: bool,
    /// How long a shutdown may take.
    pub(crate) budget: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The budget is used up to its reserve: kill what is left.
    Kill,
    /// Shims that have not answered are given up.
    Reclaim,
    /// A lost shim's tree should have been swept.
    Reclaimed(ExecutionId),
    /// An ended execution's output should have been read.
    OutputDrain(ExecutionId),
    /// Everything should have been written out.
    Flush,
    /// Clients should have let go.
    Restore,
}

/// The engine's machine.
#[derive(Debug)]
pub(crate) struct Supervisor {
    policy: SessionPolicy,
    commands: Vec<Command>,
    /// Executions of commands that have run again since, so that a late request gets its answer.
    past: BTreeMap<ExecutionId, Outcome>,
    life: Life,
    started: bool,
    presses: Presses,
    /// Executions that stand still only because the terminal is suspended.
    suspended: Option<Vec<ExecutionId>>,
    timers: Deadlines<Timer>,
    ids: IdSource,
    view: View,
    changed: bool,
}

impl Supervisor {
    /// A session of these commands. Nothing starts before [`Event::SessionStarted`].
    pub(crate) fn new(policy: SessionPolicy, specs: Vec<CommandSpec>, mut ids: IdSource) -> Self {
        let commands: Vec<Command> = (0..)
            .map(CommandIndex)
            .zip(specs)
            .map(|(index, spec)| Command::queued(index, spec, ids.next_id(), Elapsed::ZERO))
            .collect();
        let session = SessionView {
            name: policy.name.clone(),
            phase: Phase::Running,
            shutdown: None,
            suspend: Suspend::Off,
            id_length: unique_prefix(commands.iter().map(|command| command.id)),
        };
        let rows = commands.iter().map(|command| Arc::new(command.row())).collect();
        Self {
            policy,
            commands,
            past: BTreeMap::new(),
            life: Life::Running,
            started: false,
            presses: Presses::default(),
            suspended: None,
            timers: Deadlines::default(),
            ids,
            view: View { session, rows },
            changed: true,
        }
    }

    /// The picture for clients, true as of the last event.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The picture, if it has changed since the last call.
    pub(crate) fn changed_view(&mut self) -> Option<&View> {
        std::mem::take(&mut self.changed).then_some(&self.view)
    }

    /// What a command is.
    pub(crate) fn spec(&self, command: CommandIndex) -> &CommandSpec {
        &self.commands[command.get()].spec
    }

    /// When [`Event::DeadlineReached`] is to be sent next.
    pub(crate) fn deadline(&self) -> Option<Elapsed> {
        self.timers.next()
    }

    /// Takes note of what happened, and says what to do.
    pub(crate) fn handle(&mut self, now: Elapsed, event: Event) -> Effects {
        let mut effects = Vec::new();
        let out = &mut effects;
        match event {
            Event::InterruptRequested(interrupt) => self.on_interrupt_requested(now, interrupt, out),
            Event::SessionStarted => self.started = true,
            Event::MoreTimeRequested { id, by } => self.on_more_time_requested(id, by, out),
            Event::PauseRequested { id } => self.on_pause_requested(id, out),
            Event::ResumeRequested { id } => self.on_resume_requested(id, out),
            Event::StartRequested { command, request } => self.on_start_requested(now, command, request, out),
            Event::RestartRequested { command, origin } => {
                self.on_restart_requested(now, command, origin, out);
            }
            Event::SuspendRequested => self.on_suspend_requested(now, out),
            Event::ContinueRequested => self.on_continue_requested(now, out),
            Event::SpawnRefused { id, message } => self.on_spawn_refused(now, id, message, out),
            Event::Reported { id, report } => self.on_reported(now, id, report, out),
            Event::ShimLost { id } => self.on_shim_lost(now, id, out),
            Event::Reclaimed { id, survivors } => self.on_reclaimed(now, id, survivors, out),
            Event::OutputEnded { id } => self.on_output_ended(now, id, out),
            Event::ProgressRead { id, reading } => {
                self.with_command(id, |command| command.read_progress(now, reading));
            }
            Event::OutputNoted { id, note } => self.with_command(id, |command| command.set_note(note)),
            Event::DumpRequested => out.push(Effect::Dump),
            Event::ReopenRequested => out.push(Effect::ReopenLogs),
            Event::Flushed => self.on_flushed(now, out),
            Event::ClientsClosed => self.on_clients_closed(out),
            Event::DeadlineReached => self.on_deadline_reached(now, out),
        }
        self.advance(now, out);
        self.refresh_view();
        effects
    }

    fn on_spawn_refused(&mut self, now: Elapsed, id: ExecutionId, message: String, out: &mut Effects) {
        let ending = Ending::plain(Outcome::SpawnError { code: 125, message });
        self.with_mirror(id, |mirror| mirror.ending = Some(ending));
        self.finish_if_over(now, id, out);
    }

    fn on_reported(&mut self, now: Elapsed, id: ExecutionId, report: Report, out: &mut Effects) {
        let started = matches!(report, Report::Started { .. });
        let finished = matches!(report, Report::Finished(_));
        self.with_command(id, |command| command.mirror(now, report));
        if let Some(ids) = self.suspended.as_mut().filter(|_| started) {
            // It was being spawned when everything else was paused.
            ids.push(id);
            out.push(Effect::Pause { id });
        }
        if finished {
            self.finish_after_output(now, id, out);
        }
    }

    fn on_shim_lost(&mut self, now: Elapsed, id: ExecutionId, out: &mut Effects) {
        if self.active(id).is_some_and(|mirror| mirror.ending.is_none()) {
            self.timers.set(Timer::Reclaimed(id), now.after(RECLAIM));
            out.push(Effect::Reclaim { id });
        }
    }

    fn on_reclaimed(&mut self, now: Elapsed, id: ExecutionId, survivors: Vec<Survivor>, out: &mut Effects) {
        self.timers.clear(Timer::Reclaimed(id));
        self.with_mirror(id, |mirror| {
            mirror.ending.get_or_insert(Ending { survivors, ..Ending::plain(Outcome::ShimLost) });
        });
        self.finish_after_output(now, id, out);
    }

    fn on_output_ended(&mut self, now: Elapsed, id: ExecutionId, out: &mut Effects) {
        self.with_mirror(id, |mirror| mirror.output_ended = true);
        self.finish_if_over(now, id, out);
    }

    fn on_output_drain_over(&mut self, now: Elapsed, id: ExecutionId, out: &mut Effects) {
        self.with_mirror(id, |mirror| {
            mirror.output_ended = true;
            if let Some(ending) = &mut mirror.ending {
                ending.output_truncated = true;
            }
        });
        out.push(Effect::CloseOutput { id });
        self.finish_if_over(now, id, out);
    }

    fn on_deadline_reached(&mut self, now: Elapsed, out: &mut Effects) {
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Kill => self.kill_all(Origin::Timer, out),
                Timer::Reclaim => self.reclaim_all(now, out),
                Timer::Reclaimed(id) => self.on_reclaimed(now, id, Vec::new(), out),
                Timer::OutputDrain(id) => self.on_output_drain_over(now, id, out),
                Timer::Flush => self.on_flushed(now, out),
                Timer::Restore => self.on_clients_closed(out),
            }
        }
    }

    /// The shim is done with it; its output may take a moment more.
    fn finish_after_output(&mut self, now: Elapsed, id: ExecutionId, out: &mut Effects) {
        if self.active(id).is_some() {
            self.timers.set(Timer::OutputDrain(id), now.after(OUTPUT_DRAIN));
            self.finish_if_over(now, id, out);
        }
    }

    /// Makes an execution's outcome final once its shim and its output have both ended.
    fn finish_if_over(&mut self, now: Elapsed, id: ExecutionId, out: &mut Effects) {
        let Some(command) = self.commands.iter_mut().find(|command| command.id == id) else { return };
        if !command.finish_if_over(now) {
            return;
        }
        self.timers.clear(Timer::OutputDrain(id));
        self.timers.clear(Timer::Reclaimed(id));
        out.push(Effect::Release { id });
        let (index, restarting) = (command.index, std::mem::take(&mut command.restarting));
        let failed = command.ending().is_some_and(|ending| ending.outcome.is_failure());
        if !self.is_running() {
            return;
        }
        if restarting {
            self.queue_again(now, index);
        } else if failed && self.policy.fail_fast {
            self.begin_shutdown(now, ShutdownCause::FailFast, out);
        }
    }

    /// Whatever follows by itself from what was handled.
    fn advance(&mut self, now: Elapsed, out: &mut Effects) {
        self.start_queued(now, out);
        let over = self.commands.iter().all(|command| command.ending().is_some());
        if self.started && self.is_running() && !self.policy.hold && over {
            self.begin_shutdown(now, ShutdownCause::Done, out);
        }
        self.close_when_drained(now, out);
    }

    fn start_queued(&mut self, now: Elapsed, out: &mut Effects) {
        if !self.started || !self.is_running() || self.suspended.is_some() {
            return;
        }
        let active = self.actives().count();
        let places = self.policy.jobs.map_or(usize::MAX, |jobs| (jobs as usize).saturating_sub(active));
        for command in self.commands.iter_mut().filter(|command| command.is_queued()).take(places) {
            command.start(now);
            out.push(Effect::Spawn { id: command.id, command: command.index });
        }
    }

    /// A finished command becomes a new execution that waits for its place.
    fn queue_again(&mut self, now: Elapsed, command: CommandIndex) {
        let id = self.ids.next_id();
        let command = &mut self.commands[command.get()];
        if let CommandState::Finished { ending, .. } = &command.state {
            self.past.insert(command.id, ending.outcome.clone());
        }
        command.queue_again(id, now);
        let ids = self.commands.iter().map(|command| command.id).chain(self.past.keys().copied());
        self.view.session.id_length = unique_prefix(ids);
    }

    const fn is_running(&self) -> bool {
        matches!(self.life, Life::Running)
    }

    fn actives(&self) -> impl Iterator<Item = &Mirror> {
        self.commands.iter().filter_map(Command::active)
    }

    /// The mirror of an execution, if it is active.
    fn active(&self, id: ExecutionId) -> Option<&Mirror> {
        self.commands.iter().find(|command| command.id == id).and_then(Command::active)
    }

    /// Changes the command whose latest execution this is.
    fn with_command(&mut self, id: ExecutionId, change: impl FnOnce(&mut Command)) {
        if let Some(command) = self.commands.iter_mut().find(|command| command.id == id) {
            change(command);
        }
    }

    /// Changes the mirror of an execution, if it is active.
    fn with_mirror(&mut self, id: ExecutionId, change: impl FnOnce(&mut Mirror)) {
        self.with_command(id, |command| {
            command.touched = true;
            if let Some(mirror) = command.active_mut() {
                change(mirror);
            }
        });
    }

    fn refresh_view(&mut self) {
        for (command, row) in self.commands.iter_mut().zip(&mut self.view.rows) {
            if std::mem::take(&mut command.touched) {
                *row = Arc::new(command.row());
                self.changed = true;
            }
        }
        let session = SessionView {
            phase: self.life.phase(),
            shutdown: self.shutdown_view(),
            suspend: self.suspend_view(),
            ..self.view.session.clone()
        };
        self.changed |= session != self.view.session;
        self.view.session = session;
    }

    fn suspend_view(&self) -> Suspend {
        match self.suspended {
            None => Suspend::Off,
            Some(_) if self.actives().all(Mirror::is_still) => Suspend::Ready,
            Some(_) => Suspend::Pending,
        }
    }
}
