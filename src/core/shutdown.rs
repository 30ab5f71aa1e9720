//! The way of the whole session down.
//!
//! Owns the order of phases, the budget and the levels of a person's presses (SEMANTICS 4). Stops nothing
//! itself: `supervisor.rs` asks it what is due.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::execution::VERIFY;
use super::outcome::ShutdownCause;
use super::time::Elapsed;

/// Reserved for writing everything out.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);
/// Reserved for hooks and unmounts.
const CLEANUP: Duration = Duration::from_secs(5);
/// How long a client may take to let go of its terminal.
pub(crate) const RESTORE: Duration = Duration::from_millis(500);

/// Where the session is on its way down. Phases never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Commands run, and may be started.
    Running,
    /// Nothing starts any more.
    Quiesce,
    /// What asked for it finishes its work.
    Drain,
    /// Everything is on its ladder.
    Stop,
    /// What is left is killed.
    Sweep,
    /// What was left behind is removed.
    Cleanup,
    /// Everything is written out.
    Flush,
    /// The terminal is given back.
    Restore,
}

impl Phase {
    /// The phases of a way down, in order.
    pub(crate) const DOWN: [Self; 7] =
        [Self::Quiesce, Self::Drain, Self::Stop, Self::Sweep, Self::Cleanup, Self::Flush, Self::Restore];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Quiesce => "quiesce",
            Self::Drain => "drain",
            Self::Stop => "stop",
            Self::Sweep => "sweep",
            Self::Cleanup => "cleanup",
            Self::Flush => "flush",
            Self::Restore => "restore",
        }
    }
}

/// How hard a person wants it to end. Each press that counts goes one further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Every ladder from its first stage.
    Graceful,
    /// SIGKILL now.
    Kill,
    /// Give the terminal back at once; the shims finish.
    Leave,
}

/// How much time a shutdown may take in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// From the request to the end.
    pub(crate) total: Duration,
}

impl Default for Budget {
    /// 25 s: fits Kubernetes' 30 and systemd's 90.
    fn default() -> Self {
        Self { total: Duration::from_secs(25) }
    }
}

impl Budget {
    /// From the request to SIGKILL for everything that is left.
    pub(crate) fn until_kill(self) -> Duration {
        self.total.saturating_sub(FLUSH + CLEANUP + VERIFY)
    }

    /// From the request to when shims that have not answered are given up.
    pub(crate) fn until_reclaim(self) -> Duration {
        self.total.saturating_sub(FLUSH + VERIFY)
    }
}

/// A shutdown under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shutdown {
    /// Why.
    pub(crate) cause: ShutdownCause,
    /// How hard.
    pub(crate) level: Level,
    /// When it was asked for.
    pub(crate) since: Elapsed,
    /// Whether anything had to be stopped for it.
    pub(crate) unfinished: bool,
    /// How many executions it found active.
    pub(crate) to_drain: u32,
    /// When each phase began; a phase that was passed over began when the next one did.
    entered: [Option<Elapsed>; Phase::DOWN.len()],
}

impl Shutdown {
    /// A shutdown asked for at `now`, in its first phase.
    pub(crate) fn begin(cause: ShutdownCause, now: Elapsed, to_drain: u32, unfinished: bool) -> Self {
        let mut entered = [None; Phase::DOWN.len()];
        entered[0] = Some(now);
        Self { cause, level: Level::Graceful, since: now, unfinished, to_drain, entered }
    }

    /// The phase it is in: the last that was entered.
    pub(crate) fn phase(&self) -> Phase {
        let last = self.entered.iter().rposition(Option::is_some).unwrap_or(0);
        Phase::DOWN[last]
    }

    /// Enters `phase`, and with it every one before it. At or below the current one, a no-op.
    pub(crate) fn enter(&mut self, phase: Phase, now: Elapsed) {
        for (entered, passed) in self.entered.iter_mut().zip(Phase::DOWN) {
            if passed <= phase {
                entered.get_or_insert(now);
            }
        }
    }

    /// When `phase` began, if it has.
    pub(crate) fn entered(&self, phase: Phase) -> Option<Elapsed> {
        Phase::DOWN.iter().position(|p| *p == phase).and_then(|n| self.entered[n])
    }

    /// Goes one level further; the last one stays.
    pub(crate) fn press(&mut self) -> Level {
        self.level = match self.level {
            Level::Graceful => Level::Kill,
            Level::Kill | Level::Leave => Level::Leave,
        };
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::stop::Origin;

    #[test]
    fn phases_never_go_back_for_each_pair() {
        for a in Phase::DOWN {
            for b in Phase::DOWN {
                let mut shutdown = Shutdown::begin(ShutdownCause::Asked(Origin::Key), Elapsed::ZERO, 1, true);
                shutdown.enter(a, Elapsed::from_millis(1));
                shutdown.enter(b, Elapsed::from_millis(2));
                assert_eq!(shutdown.phase(), a.max(b));
                let first = if a == Phase::Quiesce { 0 } else { 1 };
                assert_eq!(shutdown.entered(a), Some(Elapsed::from_millis(first)));
            }
        }
    }

    #[test]
    fn the_default_budget_kills_after_17_s() {
        assert_eq!(Budget::default().until_kill(), Duration::from_secs(17));
        assert!(Budget { total: Duration::from_secs(3) }.until_kill().is_zero());
    }

    #[test]
    fn the_third_press_leaves_and_further_ones_change_nothing() {
        let mut shutdown = Shutdown::begin(ShutdownCause::Asked(Origin::Key), Elapsed::ZERO, 1, true);
        assert_eq!(shutdown.level, Level::Graceful);
        assert_eq!(
            [shutdown.press(), shutdown.press(), shutdown.press()],
            [Level::Kill, Level::Leave, Level::Leave]
        );
    }
}
