//! The machine of one execution: from spawn to its one terminal outcome.
//!
//! Owns the ladder, its timers and the three end events (leader exited, tree empty, output closed), as
//! SEMANTICS 1 and 2 say. Runs in the shim, and does nothing itself: events in, effects out.

use std::time::Duration;

use super::command::{AfterExit, ExecutionPolicy};
use super::deadline::Deadlines;
use super::effect::ExecutionEffect;
use super::event::{Census, ExecutionEvent};
use super::outcome::{Ending, ExitStatus, Outcome, StageRecord, Survivor};
use super::report::{Blocker, Report};
use super::stop::{Origin, Stage, StopCause, StopRequest};
use super::time::{Elapsed, Wait};

/// After the leader's own end, what is left of tree and output may take this long to follow.
pub(crate) const LEAK_GRACE: Duration = Duration::from_millis(200);
/// After `SIGKILL`, the tree may take this long to be gone; after the tree, its output to end.
pub(crate) const VERIFY: Duration = Duration::from_secs(2);
/// How often a stopping execution looks who it waits for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The execution has run for as long as it may.
    Timeout,
    /// The current stage is over.
    Stage,
    /// What outlived its leader had its time.
    LeakGrace,
    /// What was killed should be gone, and its output ended.
    Verify,
    /// Time to look who we wait for.
    Look,
}

/// Where the execution is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Spawn has not returned. A stop is remembered, and delivered when it has.
    Starting {
        pending: Option<StopRequest>,
    },
    Running,
    /// On the ladder, at the request's stage.
    Stopping(StopRequest),
    /// `SIGKILL` did not do it in time; the next look says who is left.
    GivingUp(StopRequest),
    /// The leader is gone. Waits for the rest within a bound; remembers the stop that led here.
    Draining {
        after: Option<StopRequest>,
    },
    Finished,
}

/// One execution, from spawn to outcome.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    policy: ExecutionPolicy,
    state: State,
    timers: Deadlines<Timer>,
    paused: bool,
    leader: Option<ExitStatus>,
    tree_empty: bool,
    output_closed: bool,
    output_truncated: bool,
    leaked: u32,
    escaped: u32,
    stages: Vec<StageRecord>,
    waiting_for: Option<Blocker>,
}

/// What to do, in order.
pub(crate) type ExecutionEffects = Vec<ExecutionEffect>;

impl Execution {
    /// An execution about to be spawned.
    pub(crate) fn new(policy: ExecutionPolicy) -> Self {
        Self {
            policy,
            state: State::Starting { pending: None },
            timers: Deadlines::default(),
            paused: false,
            leader: None,
            tree_empty: false,
            output_closed: false,
            output_truncated: false,
            leaked: 0,
            escaped: 0,
            stages: Vec::new(),
            waiting_for: None,
        }
    }

    /// When [`ExecutionEvent::DeadlineReached`] is to be sent next.
    pub(crate) fn deadline(&self) -> Option<Elapsed> {
        self.timers.next()
    }

    /// True once the outcome was reported.
    pub(crate) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// Takes note of what happened, and says what to do.
    pub(crate) fn handle(&mut self, now: Elapsed, event: ExecutionEvent) -> ExecutionEffects {
        let mut effects = Vec::new();
        if self.is_finished() {
            // One outcome, emitted once; and never a signal after it.
            return effects;
        }
        let out = &mut effects;
        match event {
            ExecutionEvent::StopRequested(request) => self.on_stop_requested(now, request, out),
            ExecutionEvent::EngineLost => self.on_engine_lost(now, out),
            ExecutionEvent::Spawned { pid } => self.on_spawned(now, pid, out),
            ExecutionEvent::SpawnFailed { code, message } => self.on_spawn_failed(code, message, out),
            ExecutionEvent::Delivered { stage, targets, ignored_by_all } => {
                self.on_delivered(now, stage, targets, ignored_by_all, out);
            }
            ExecutionEvent::LeaderExited(status) => self.on_leader_exited(now, status, out),
            ExecutionEvent::TreeEmptied { escaped } => self.on_tree_emptied(now, escaped, out),
            ExecutionEvent::OutputClosed => self.on_output_closed(now, out),
            ExecutionEvent::Looked(census) => self.on_looked(now, census, out),
            ExecutionEvent::MoreTimeRequested { by } => self.on_more_time_requested(by, out),
            ExecutionEvent::PauseRequested => self.on_pause_requested(now, out),
            ExecutionEvent::ResumeRequested => self.on_resume_requested(now, out),
            ExecutionEvent::DeadlineReached => self.on_deadline_reached(now, out),
        }
        effects
    }

    fn on_stop_requested(&mut self, now: Elapsed, request: StopRequest, out: &mut ExecutionEffects) {
        self.resume(now, out);
        match &mut self.state {
            State::Starting { pending } => {
                let wanted = pending.map_or(request, |earlier| earlier.joined(request));
                *pending = Some(wanted);
                // The child may hang in exec, where only SIGKILL reaches it.
                match self.policy.ladder.span() {
                    _ if wanted.stage == Stage::Kill => out.push(ExecutionEffect::Sweep),
                    Wait::For(span) if self.timers.get(Timer::Stage).is_none() => {
                        self.timers.set(Timer::Stage, now.after(span));
                    }
                    Wait::For(_) | Wait::Forever => {}
                }
            }
            State::Running => self.enter_stage(now, request, out),
            State::Stopping(current) => {
                let further = request.stage > current.stage;
                let joined = current.joined(request);
                *current = StopRequest { stage: current.stage, ..joined };
                if further {
                    self.enter_stage(now, joined, out);
                }
            }
            // What was delivered cannot be undone, and what is over gets no signal.
            State::GivingUp(_) | State::Draining { .. } | State::Finished => {}
        }
    }

    fn on_engine_lost(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        let request =
            StopRequest { stage: Stage::Interrupt, cause: StopCause::SupervisorLost, origin: Origin::Shim };
        self.on_stop_requested(now, request, out);
    }

    fn on_spawned(&mut self, now: Elapsed, pid: i32, out: &mut ExecutionEffects) {
        let State::Starting { pending } = self.state else { return };
        self.state = State::Running;
        self.timers.clear(Timer::Stage);
        if let Some(timeout) = self.policy.timeout {
            self.timers.set(Timer::Timeout, now.after(timeout));
        }
        out.push(ExecutionEffect::Report(Report::Started { pid }));
        if let Some(request) = pending {
            self.enter_stage(now, request, out);
        }
    }

    fn on_spawn_failed(&mut self, code: i32, message: String, out: &mut ExecutionEffects) {
        self.tree_empty = true;
        self.finish(Outcome::SpawnError { code, message }, Vec::new(), out);
    }

    fn on_delivered(
        &mut self,
        now: Elapsed,
        stage: Stage,
        targets: u32,
        ignored_by_all: bool,
        out: &mut ExecutionEffects,
    ) {
        if let Some(record) = self.stages.iter_mut().rev().find(|record| record.stage == stage) {
            record.targets += targets;
        }
        let State::Stopping(request) = self.state else { return };
        if ignored_by_all && request.stage == stage {
            self.skip_stage(now, request, out);
        }
    }

    /// Nobody who is left will hear an interrupt: to wait for it would be time lost (SEMANTICS 2). What ignores
    /// to be terminated has its time all the same, for it may be finishing.
    fn skip_stage(&mut self, now: Elapsed, request: StopRequest, out: &mut ExecutionEffects) {
        if request.stage == Stage::Interrupt {
            if let Some(record) = self.stages.last_mut() {
                record.ignored_by_all = true;
            }
            self.enter_stage(now, StopRequest { stage: Stage::Terminate, ..request }, out);
        }
    }

    fn on_leader_exited(&mut self, now: Elapsed, status: ExitStatus, out: &mut ExecutionEffects) {
        self.leader = Some(status);
        if self.policy.after_exit != AfterExit::Wait {
            self.timers.clear(Timer::Timeout);
        }
        self.resume(now, out);
        match &self.state {
            State::Running => {
                out.push(ExecutionEffect::Report(Report::LeaderExited(status)));
                if self.policy.after_exit != AfterExit::Wait {
                    self.state = State::Draining { after: None };
                    self.timers.set(Timer::LeakGrace, now.after(LEAK_GRACE));
                }
            }
            // The ladder goes on over the rest of the tree. An interrupt went to the foreground; those who were
            // not there are told now that their leader has heeded it.
            State::Stopping(StopRequest { stage: Stage::Interrupt, .. }) => {
                let signal = self.policy.ladder.interrupt.signal;
                out.push(ExecutionEffect::Deliver { stage: Stage::Interrupt, signal });
                out.push(ExecutionEffect::Report(Report::LeaderExited(status)));
            }
            State::Stopping(_) | State::GivingUp(_) => {
                out.push(ExecutionEffect::Report(Report::LeaderExited(status)));
            }
            State::Starting { .. } | State::Draining { .. } | State::Finished => {}
        }
    }

    fn on_tree_emptied(&mut self, now: Elapsed, escaped: u32, out: &mut ExecutionEffects) {
        self.tree_empty = true;
        self.escaped = escaped;
        self.resume(now, out);
        self.end_stage(now);
        let after = match &self.state {
            State::Stopping(request) | State::GivingUp(request) => Some(*request),
            State::Draining { after } => *after,
            State::Starting { .. } | State::Running | State::Finished => None,
        };
        self.state = State::Draining { after };
        self.timers.clear_all();
        let bound = if after.is_some() { VERIFY } else { LEAK_GRACE };
        self.timers.set(Timer::Verify, now.after(bound));
        self.finish_if_over(out);
    }

    fn on_output_closed(&mut self, _now: Elapsed, out: &mut ExecutionEffects) {
        self.output_closed = true;
        self.finish_if_over(out);
    }

    fn on_looked(&mut self, now: Elapsed, census: Census, out: &mut ExecutionEffects) {
        self.escaped = census.escaped;
        match &self.state {
            State::Stopping(request) => {
                let request = *request;
                self.report_waiting(census.blocker, out);
                if census.ignored & self.policy.ladder.rung(request.stage).signal.bit() != 0 {
                    self.skip_stage(now, request, out);
                }
            }
            State::GivingUp(request) if census.survivors.is_empty() => {
                // All that is left are zombies on their way out.
                self.state = State::Stopping(*request);
                self.timers.set(Timer::Verify, now.after(LEAK_GRACE));
            }
            State::GivingUp(_) => {
                self.end_stage(now);
                self.finish(Outcome::Unkillable, census.survivors, out);
            }
            State::Draining { after: None } if census.survivors.is_empty() => {
                self.timers.set(Timer::LeakGrace, now.after(LEAK_GRACE));
            }
            State::Draining { after: None } => self.on_leak_found(now, census, out),
            State::Starting { .. } | State::Running | State::Draining { .. } | State::Finished => {}
        }
    }

    fn on_leak_found(&mut self, now: Elapsed, census: Census, out: &mut ExecutionEffects) {
        self.leaked = u32::try_from(census.survivors.len()).unwrap_or(u32::MAX);
        match self.policy.after_exit {
            AfterExit::Stop => {
                let request =
                    StopRequest { stage: Stage::Terminate, cause: StopCause::Leak, origin: Origin::Shim };
                self.enter_stage(now, request, out);
                self.report_waiting(census.blocker, out);
            }
            AfterExit::Leave => {
                let outcome = self.outcome(None);
                self.finish(outcome, Vec::new(), out);
            }
            AfterExit::Wait => {}
        }
    }

    fn on_more_time_requested(&mut self, by: Duration, out: &mut ExecutionEffects) {
        // After SIGKILL there is nothing that more time could be for.
        if let (State::Stopping(_), Some(until)) = (&self.state, self.timers.get(Timer::Stage)) {
            let until = until.after(by);
            self.timers.set(Timer::Stage, until);
            out.push(ExecutionEffect::Report(Report::StageExtended { until: Some(until) }));
        }
    }

    fn on_pause_requested(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        let can_pause = match self.state {
            State::Running => self.leader.is_none() || self.policy.after_exit == AfterExit::Wait,
            State::Stopping(request) => request.stage != Stage::Kill,
            State::Starting { .. } | State::GivingUp(_) | State::Draining { .. } | State::Finished => false,
        };
        if can_pause && !self.paused {
            self.paused = true;
            self.timers.hold(now);
            out.push(ExecutionEffect::Pause);
            out.push(ExecutionEffect::Report(Report::Paused));
        }
    }

    fn on_resume_requested(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        self.resume(now, out);
    }

    fn on_deadline_reached(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Timeout => self.on_timeout(now, out),
                Timer::Stage => self.on_stage_over(now, out),
                Timer::LeakGrace => out.push(ExecutionEffect::Look),
                Timer::Verify => self.on_verify_over(out),
                Timer::Look => self.on_time_to_look(now, out),
            }
        }
    }

    fn on_timeout(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        let request =
            StopRequest { stage: Stage::Interrupt, cause: StopCause::Timeout, origin: Origin::Timer };
        self.on_stop_requested(now, request, out);
    }

    fn on_stage_over(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        match self.state {
            State::Stopping(request) => {
                if let Some(stage) = request.stage.next() {
                    self.enter_stage(now, StopRequest { stage, ..request }, out);
                }
            }
            State::Starting { pending: Some(request) } => {
                let request = StopRequest { stage: Stage::Kill, ..request };
                self.state = State::Starting { pending: Some(request) };
                out.push(ExecutionEffect::Sweep);
            }
            State::Starting { pending: None }
            | State::Running
            | State::GivingUp(_)
            | State::Draining { .. }
            | State::Finished => {}
        }
    }

    fn on_verify_over(&mut self, out: &mut ExecutionEffects) {
        if self.tree_empty {
            // Somebody outside the tree holds the output open; we have read what the tree wrote.
            self.output_truncated = true;
            self.output_closed = true;
            out.push(ExecutionEffect::CloseOutput);
            self.finish_if_over(out);
        } else if let State::Stopping(request) = self.state {
            self.state = State::GivingUp(request);
            out.push(ExecutionEffect::Look);
        }
    }

    fn on_time_to_look(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        if matches!(self.state, State::Stopping(_)) {
            self.timers.set(Timer::Look, now.after(LOOK_EVERY));
            out.push(ExecutionEffect::Look);
        }
    }

    /// Enters the first useful stage from the request's on, and says so.
    fn enter_stage(&mut self, now: Elapsed, request: StopRequest, out: &mut ExecutionEffects) {
        let stage = self.policy.ladder.first_useful(request.stage);
        let request = StopRequest { stage, ..request };
        let rung = self.policy.ladder.rung(stage);
        self.end_stage(now);
        self.stages.push(StageRecord::begun(stage, rung.signal, now));
        self.state = State::Stopping(request);
        self.timers.clear(Timer::Timeout);
        self.timers.clear(Timer::LeakGrace);
        self.timers.set(Timer::Look, now.after(LEAK_GRACE));
        let until = now.after_wait(rung.wait);
        self.timers.put(Timer::Stage, until);
        if stage == Stage::Kill {
            self.timers.set(Timer::Verify, now.after(VERIFY));
            out.push(ExecutionEffect::Sweep);
        } else {
            out.push(ExecutionEffect::Deliver { stage, signal: rung.signal });
        }
        let next = stage.next().map(|next| self.policy.ladder.first_useful(next));
        out.push(ExecutionEffect::Report(Report::StageEntered { request, next, until }));
    }

    /// Writes down when the current stage ended.
    fn end_stage(&mut self, now: Elapsed) {
        if let Some(record) = self.stages.last_mut().filter(|record| record.end.is_none()) {
            record.end = Some(now);
        }
    }

    fn report_waiting(&mut self, blocker: Option<Blocker>, out: &mut ExecutionEffects) {
        if let Some(found) = blocker.filter(|found| self.waiting_for.as_ref() != Some(found)) {
            self.waiting_for = Some(found.clone());
            out.push(ExecutionEffect::Report(Report::Waiting(found)));
        }
    }

    fn resume(&mut self, now: Elapsed, out: &mut ExecutionEffects) {
        if std::mem::take(&mut self.paused) {
            self.timers.release(now);
            out.push(ExecutionEffect::Resume);
            let until = self.timers.get(Timer::Stage);
            out.push(ExecutionEffect::Report(Report::Resumed { until }));
        }
    }

    fn finish_if_over(&mut self, out: &mut ExecutionEffects) {
        if let State::Draining { after } = self.state
            && self.tree_empty
            && self.output_closed
        {
            let outcome = self.outcome(after);
            self.finish(outcome, Vec::new(), out);
        }
    }

    /// What to call it: by the stop that led here, or else by the leader's own status.
    fn outcome(&self, after: Option<StopRequest>) -> Outcome {
        // An empty tree has reaped its leader; without a status, the shim has lost track of it.
        let natural = || self.leader.map_or(Outcome::ShimLost, Outcome::of_exit);
        let Some(request) = after else { return natural() };
        match request.cause {
            StopCause::Leak => natural(),
            StopCause::Timeout => Outcome::TimedOut,
            StopCause::Deadline => Outcome::Deadline,
            StopCause::SupervisorLost => Outcome::SupervisorLost,
            StopCause::FailFast | StopCause::Operator | StopCause::Shutdown => Outcome::Interrupted {
                cause: request.cause,
                origin: request.origin,
                stage: Some(request.stage),
                work: None,
            },
        }
    }

    fn finish(&mut self, outcome: Outcome, survivors: Vec<Survivor>, out: &mut ExecutionEffects) {
        self.state = State::Finished;
        self.timers.clear_all();
        out.push(ExecutionEffect::Report(Report::Finished(Ending {
            outcome,
            status: self.leader,
            leaked: self.leaked,
            escaped: self.escaped,
            output_truncated: self.output_truncated,
            stages: std::mem::take(&mut self.stages),
            survivors,
        })));
    }
}

#[cfg(test)]
mod tests;
