//! The session's way down: begin, press on, drain, flush, let go.

use super::mirror::{Command, Mirror};
use super::{Effects, Supervisor, Timer};
use crate::core::effect::Effect;
use crate::core::outcome::{Outcome, ShutdownCause, Verdict};
use crate::core::shutdown::{FLUSH, Level, Phase, RESTORE, Shutdown};
use crate::core::stop::{Origin, Stage, StopCause, StopRequest};
use crate::core::time::Elapsed;
use crate::core::view::ShutdownView;

/// Proof that no execution is active. Only [`Supervisor::drained`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drained(());

/// Where the session is in its life.
#[derive(Clone, Debug)]
pub(super) enum Life {
    Running,
    /// On its way down, with executions to wait for.
    Stopping(Shutdown),
    /// Only built with a proof: the screen cannot go before the last worker.
    Closing(Shutdown, Drained),
    Gone,
}

impl Life {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Running => Phase::Running,
            Self::Stopping(shutdown) | Self::Closing(shutdown, _) => shutdown.phase(),
            Self::Gone => Phase::Restore,
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self, Self::Closing(..) | Self::Gone)
    }

    const fn shutdown(&self) -> Option<&Shutdown> {
        match self {
            Self::Stopping(shutdown) | Self::Closing(shutdown, _) => Some(shutdown),
            Self::Running | Self::Gone => None,
        }
    }
}

impl Supervisor {
    /// Quiesces and, as nothing asked to drain, goes on to stop.
    pub(super) fn begin_shutdown(&mut self, now: Elapsed, cause: ShutdownCause, out: &mut Effects) {
        self.on_continue_requested(now, out);
        let unstarted = self.outcome_of_unstarted(cause);
        let mut unfinished = false;
        for command in &mut self.commands {
            command.restarting = false;
            if command.is_queued() {
                unfinished = true;
                command.finish_unstarted(unstarted.clone(), now);
            }
        }
        let active = self.actives().count();
        let to_drain = u32::try_from(active).unwrap_or(u32::MAX);
        let mut shutdown = Shutdown::begin(cause, now, to_drain, unfinished || active > 0);
        shutdown.enter(Phase::Stop, now);
        self.life = Life::Stopping(shutdown);
        self.timers.set(Timer::Kill, now.after(self.policy.budget.until_kill()));
        self.timers.set(Timer::Reclaim, now.after(self.policy.budget.until_reclaim()));
        let (stop_cause, origin) = match cause {
            ShutdownCause::Asked(origin) => (StopCause::Shutdown, origin),
            ShutdownCause::FailFast | ShutdownCause::Done => (StopCause::FailFast, Origin::Policy),
        };
        self.ask_all(StopRequest { stage: Stage::Interrupt, cause: stop_cause, origin }, out);
    }

    fn outcome_of_unstarted(&self, cause: ShutdownCause) -> Outcome {
        match cause {
            ShutdownCause::Asked(origin) => {
                Outcome::Interrupted { cause: StopCause::Shutdown, origin, stage: None, work: None }
            }
            ShutdownCause::FailFast | ShutdownCause::Done => {
                let failed = |c: &&Command| c.ending().is_some_and(|ending| ending.outcome.is_failure());
                let name = self.commands.iter().find(failed).map(|command| command.spec.name.clone());
                Outcome::Skipped { because: name.unwrap_or_default() }
            }
        }
    }

    /// One level further: kill now, then leave at once.
    pub(super) fn press_further(&mut self, origin: Origin, out: &mut Effects) {
        let Life::Stopping(shutdown) = &mut self.life else { return };
        match shutdown.press() {
            Level::Graceful => {}
            Level::Kill => self.kill_all(origin, out),
            Level::Leave => {
                self.life = Life::Gone;
                self.timers.clear_all();
                out.push(Effect::CloseClients);
                out.push(Effect::Exit(Verdict::NOT_CLEAN));
            }
        }
    }

    pub(super) fn kill_all(&mut self, origin: Origin, out: &mut Effects) {
        self.ask_all(StopRequest { stage: Stage::Kill, cause: StopCause::Shutdown, origin }, out);
    }

    fn ask_all(&mut self, request: StopRequest, out: &mut Effects) {
        for command in &mut self.commands {
            command.touched = true;
            command.ask(request, out);
        }
    }

    /// Shims that have not answered until now are taken for lost.
    pub(super) fn reclaim_all(&mut self, now: Elapsed, out: &mut Effects) {
        let silent: Vec<_> =
            self.commands.iter().filter(|command| command.active().is_some()).map(|c| c.id).collect();
        for id in silent {
            self.on_shim_lost(now, id, out);
        }
    }

    /// Goes on to flush once nothing is active; says when only killing is left to do.
    pub(super) fn close_when_drained(&mut self, now: Elapsed, out: &mut Effects) {
        let drained = self.drained();
        let only_killing = self.actives().all(Mirror::is_being_killed);
        let Life::Stopping(shutdown) = &mut self.life else { return };
        if let Some(drained) = drained {
            shutdown.enter(Phase::Flush, now);
            self.life = Life::Closing(shutdown.clone(), drained);
            self.timers.clear_all();
            self.timers.set(Timer::Flush, now.after(FLUSH));
            out.push(Effect::Flush);
        } else if only_killing {
            shutdown.enter(Phase::Sweep, now);
        }
    }

    /// The proof that no execution is active, if none is.
    fn drained(&self) -> Option<Drained> {
        (self.actives().next().is_none()).then_some(Drained(()))
    }

    pub(super) fn on_flushed(&mut self, now: Elapsed, out: &mut Effects) {
        if let Life::Closing(shutdown, _) = &mut self.life
            && shutdown.phase() == Phase::Flush
        {
            shutdown.enter(Phase::Restore, now);
            self.timers.clear(Timer::Flush);
            self.timers.set(Timer::Restore, now.after(RESTORE));
            out.push(Effect::CloseClients);
        }
    }

    pub(super) fn on_clients_closed(&mut self, out: &mut Effects) {
        if let Life::Closing(shutdown, _) = &self.life
            && shutdown.phase() == Phase::Restore
        {
            let endings: Vec<_> = self.commands.iter().filter_map(Command::ending).cloned().collect();
            let verdict = Verdict::of(shutdown.cause, shutdown.unfinished, &endings);
            self.life = Life::Gone;
            self.timers.clear_all();
            out.push(Effect::Exit(verdict));
        }
    }

    pub(super) fn shutdown_view(&self) -> Option<ShutdownView> {
        let shutdown = self.life.shutdown()?;
        let active = u32::try_from(self.actives().count()).unwrap_or(u32::MAX);
        Some(ShutdownView {
            cause: shutdown.cause,
            level: shutdown.level,
            phases: Phase::DOWN.map(|phase| (phase, shutdown.entered(phase))).to_vec(),
            to_drain: shutdown.to_drain,
            drained: shutdown.to_drain.saturating_sub(active),
            kill_at: self.timers.get(Timer::Kill),
        })
    }
}
