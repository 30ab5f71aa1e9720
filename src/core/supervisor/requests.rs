//! What people and programs may ask of a session, and what they are answered.

use std::time::Duration;

use super::closing::Life;
use super::mirror::{CommandState, Mirror};
use super::{Effects, Supervisor, Timer};
use crate::core::effect::{Answer, Effect};
use crate::core::event::{Interrupt, Scope};
use crate::core::id::{CommandIndex, ExecutionId, RequestId};
use crate::core::outcome::{Outcome, ShutdownCause};
use crate::core::shutdown::Level;
use crate::core::stop::{Origin, Stage, StopCause, StopRequest};
use crate::core::time::Elapsed;

impl Supervisor {
    pub(super) fn on_interrupt_requested(&mut self, now: Elapsed, interrupt: Interrupt, out: &mut Effects) {
        let answer = match interrupt.scope {
            Scope::One(id) => self.interrupt_one(now, id, &interrupt, out),
            Scope::All => self.interrupt_all(now, &interrupt, out),
        };
        answer_to(interrupt.request, answer, out);
    }

    fn interrupt_one(
        &mut self,
        now: Elapsed,
        id: ExecutionId,
        interrupt: &Interrupt,
        out: &mut Effects,
    ) -> Answer {
        let Some(command) = self.commands.iter_mut().find(|command| command.id == id) else {
            let past = self.past.get(&id).cloned();
            return past.map_or(Answer::ExecutionNotFound, |outcome| Answer::AlreadyFinished { outcome });
        };
        // No restart after an operator's interrupt until an explicit start.
        command.restarting = false;
        command.touched = true;
        let (cause, origin) = (StopCause::Operator, interrupt.origin);
        match &mut command.state {
            CommandState::Queued => {
                command
                    .finish_unstarted(Outcome::Interrupted { cause, origin, stage: None, work: None }, now);
                Answer::Accepted { stage: None }
            }
            CommandState::Finished { ending, .. } => {
                Answer::AlreadyFinished { outcome: ending.outcome.clone() }
            }
            CommandState::Active(mirror) => {
                if let Some(stage) = mirror.wanted_stage(now, interrupt) {
                    command.ask(StopRequest { stage, cause, origin }, out);
                }
                Answer::Accepted { stage: command.active().and_then(Mirror::stage) }
            }
        }
    }

    fn interrupt_all(&mut self, now: Elapsed, interrupt: &Interrupt, out: &mut Effects) -> Answer {
        let (origin, kill) = (interrupt.origin, interrupt.stage == Some(Stage::Kill));
        let counts = !origin.is_person() || self.presses.press(now, interrupt.repeat);
        match &self.life {
            Life::Running if counts => {
                self.begin_shutdown(now, ShutdownCause::Asked(origin), out);
                if kill {
                    self.press_further(origin, out);
                }
            }
            Life::Stopping(_) if origin.is_person() && counts => self.press_further(origin, out),
            Life::Stopping(shutdown) if kill && shutdown.level == Level::Graceful => {
                self.press_further(origin, out);
            }
            Life::Running | Life::Stopping(_) | Life::Closing(..) | Life::Gone => {}
        }
        Answer::Accepted { stage: self.actives().filter_map(Mirror::stage).min() }
    }

    pub(super) fn on_more_time_requested(&mut self, id: ExecutionId, by: Duration, out: &mut Effects) {
        if self.active(id).is_none() {
            return;
        }
        out.push(Effect::GrantTime { id, by });
        // A person's `+` moves the budget, too (SEMANTICS 4).
        for timer in [Timer::Kill, Timer::Reclaim] {
            let moved = self.timers.get(timer).map(|at| at.after(by));
            self.timers.put(timer, moved);
        }
    }

    pub(super) fn on_pause_requested(&mut self, id: ExecutionId, out: &mut Effects) {
        if self.active(id).is_some_and(Mirror::can_pause) {
            out.push(Effect::Pause { id });
        }
    }

    pub(super) fn on_resume_requested(&mut self, id: ExecutionId, out: &mut Effects) {
        if self.active(id).is_some_and(Mirror::is_paused) {
            out.push(Effect::Resume { id });
        }
    }

    pub(super) fn on_start_requested(
        &mut self,
        now: Elapsed,
        command: CommandIndex,
        request: Option<RequestId>,
        out: &mut Effects,
    ) {
        let answer = match self.commands.get(command.get()).map(|command| &command.state) {
            None => Answer::ExecutionNotFound,
            Some(_) if !self.is_running() => Answer::ShuttingDown,
            Some(CommandState::Active(_) | CommandState::Queued) => Answer::AlreadyRunning,
            Some(CommandState::Finished { .. }) => {
                self.queue_again(now, command);
                Answer::Accepted { stage: None }
            }
        };
        answer_to(request, answer, out);
    }

    pub(super) fn on_restart_requested(
        &mut self,
        now: Elapsed,
        command: CommandIndex,
        origin: Origin,
        out: &mut Effects,
    ) {
        let running = self.is_running();
        let Some(found) = self.commands.get_mut(command.get()).filter(|_| running) else { return };
        match found.state {
            CommandState::Queued => {}
            CommandState::Finished { .. } => self.queue_again(now, command),
            CommandState::Active(ref mut mirror) => {
                mirror.note_press(now);
                found.restarting = true;
                found.touched = true;
                let request = StopRequest { stage: Stage::Interrupt, cause: StopCause::Operator, origin };
                found.ask(request, out);
            }
        }
    }

    pub(super) fn on_suspend_requested(&mut self, now: Elapsed, out: &mut Effects) {
        if self.suspended.is_some() || self.life.is_closing() {
            return;
        }
        self.timers.hold(now);
        let can_pause = |id: &ExecutionId| self.active(*id).is_some_and(Mirror::can_pause);
        let ids: Vec<_> = self.commands.iter().map(|command| command.id).filter(can_pause).collect();
        out.extend(ids.iter().map(|id| Effect::Pause { id: *id }));
        self.suspended = Some(ids);
    }

    pub(super) fn on_continue_requested(&mut self, now: Elapsed, out: &mut Effects) {
        let Some(ids) = self.suspended.take() else { return };
        self.timers.release(now);
        out.extend(ids.into_iter().map(|id| Effect::Resume { id }));
    }
}

fn answer_to(request: Option<RequestId>, answer: Answer, out: &mut Effects) {
    if let Some(request) = request {
        out.push(Effect::Answer { request, answer });
    }
}
