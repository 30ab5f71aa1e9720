//! How things ended: an execution, and the session.
//!
//! Owns outcomes, what was noted beside them, and the rule for the exit code (SEMANTICS 6). Ends nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stop::{Origin, Signal, Stage, StopCause};
use super::time::Elapsed;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExitStatus {
    /// It returned this code.
    Code(i32),
    /// A signal ended it.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether it left a core.
        core: bool,
    },
}

/// The one outcome of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Outcome {
    /// Its leader returned 0.
    Success,
    /// Its leader returned something else.
    Failed {
        /// The code.
        code: i32,
    },
    /// A signal that was not ours ended its leader.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether it left a core.
        core: bool,
    },
    /// It was stopped on request.
    Interrupted {
        /// Why.
        cause: StopCause,
        /// Who asked.
        origin: Origin,
        /// The stage it took; none if it was never spawned.
        stage: Option<Stage>,
        /// The phase of its own work it was in.
        work: Option<String>,
    },
    /// It ran for as long as it may.
    TimedOut,
    /// A moment came at which it had to be done.
    Deadline,
    /// It could not be started.
    SpawnError {
        /// 127 not found, 126 not executable, 125 our own failure.
        code: i32,
        /// What could not be done, and why.
        message: String,
    },
    /// It was not started, because of another command.
    Skipped {
        /// The command that failed.
        because: String,
    },
    /// The kernel took its memory back.
    OomKilled,
    /// It is still there after `SIGKILL`.
    Unkillable,
    /// Its shim died.
    ShimLost,
    /// The engine died; its shim stopped it.
    SupervisorLost,
}

impl Outcome {
    /// What a leader's status means when nobody asked it to stop.
    pub(crate) fn of_exit(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Code(0) => Self::Success,
            ExitStatus::Code(code) => Self::Failed { code },
            ExitStatus::Signaled { signal, core } => Self::Signaled { signal, core },
        }
    }

    /// True only for success.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }

    /// True if it went wrong by itself: what failing fast is about.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Failed { .. }
            | Self::Signaled { .. }
            | Self::TimedOut
            | Self::Deadline
            | Self::SpawnError { .. }
            | Self::OomKilled
            | Self::Unkillable
            | Self::ShimLost
            | Self::SupervisorLost => true,
            Self::Success | Self::Interrupted { .. } | Self::Skipped { .. } => false,
        }
    }

    /// The code with which a shell would report it.
    fn code(&self) -> i32 {
        match self {
            Self::Success => 0,
            Self::Failed { code } | Self::SpawnError { code, .. } => *code,
            Self::Signaled { signal, .. } => 128 + signal.0,
            Self::TimedOut | Self::Deadline => 124,
            Self::OomKilled => 128 + Signal::KILL.0,
            Self::Interrupted { .. }
            | Self::Skipped { .. }
            | Self::Unkillable
            | Self::ShimLost
            | Self::SupervisorLost => 1,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("succeeded"),
            Self::Failed { code } => write!(f, "failed ({code})"),
            Self::Signaled { signal, core: false } => write!(f, "died of {signal}"),
            Self::Signaled { signal, core: true } => write!(f, "died of {signal}, core dumped"),
            Self::Interrupted { stage: None, .. } => f.write_str("never started"),
            Self::Interrupted { stage: Some(Stage::Interrupt), .. } => f.write_str("interrupted"),
            Self::Interrupted { stage: Some(Stage::Terminate), .. } => f.write_str("terminated"),
            Self::Interrupted { stage: Some(Stage::Kill), .. } => f.write_str("killed"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Deadline => f.write_str("past its deadline"),
            Self::SpawnError { message, .. } => write!(f, "not started: {message}"),
            Self::Skipped { because } => write!(f, "skipped, {because} failed"),
            Self::OomKilled => f.write_str("out of memory"),
            Self::Unkillable => f.write_str("unkillable"),
            Self::ShimLost => f.write_str("lost its shim"),
            Self::SupervisorLost => f.write_str("lost its supervisor"),
        }
    }
}

/// A process that is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Survivor {
    /// Its process id.
    pub(crate) pid: i32,
    /// Its name, as the kernel has it.
    pub(crate) name: String,
    /// Its state letter, as in `/proc/PID/stat`.
    pub(crate) state: char,
    /// What it waits for in the kernel, if that can be read.
    pub(crate) wchan: Option<String>,
    /// Why it could not be ended, if we were refused.
    pub(crate) refused: bool,
}

impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} {} state {}", self.pid, self.name, self.state)?;
        match &self.wchan {
            Some(wchan) => write!(f, " in {wchan}")?,
            None if self.refused => f.write_str(" (not permitted)")?,
            None => {}
        }
        Ok(())
    }
}

/// One stage of a stop, as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StageRecord {
    /// Which.
    pub(crate) stage: Stage,
    /// What it sent.
    pub(crate) signal: Signal,
    /// To how many processes, as far as is known; of a foreground group only that it was one target.
    pub(crate) targets: u32,
    /// Every process ignored the signal, so the stage was not waited for.
    pub(crate) ignored_by_all: bool,
    /// When it began.
    pub(crate) start: Elapsed,
    /// When the next began, or the tree was empty.
    pub(crate) end: Option<Elapsed>,
}

impl StageRecord {
    /// A stage that begins at `start`.
    pub(crate) const fn begun(stage: Stage, signal: Signal, start: Elapsed) -> Self {
        Self { stage, signal, targets: 0, ignored_by_all: false, start, end: None }
    }
}

/// An outcome, and what was noted on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The leader's own status, if it had one.
    pub(crate) status: Option<ExitStatus>,
    /// Processes that outlived the leader's own end by the leak grace.
    pub(crate) leaked: u32,
    /// Processes that had left the leader's parentage: daemons, and children of dead parents.
    pub(crate) escaped: u32,
    /// Output was still open somewhere when we stopped reading.
    pub(crate) output_truncated: bool,
    /// The stages of its stop, in order.
    pub(crate) stages: Vec<StageRecord>,
    /// What is still there.
    pub(crate) survivors: Vec<Survivor>,
}

impl Ending {
    /// An ending with nothing beside its outcome.
    pub(crate) const fn plain(outcome: Outcome) -> Self {
        Self {
            outcome,
            status: None,
            leaked: 0,
            escaped: 0,
            output_truncated: false,
            stages: Vec::new(),
            survivors: Vec::new(),
        }
    }

    /// True if nothing is left of it.
    pub(crate) fn is_clean(&self) -> bool {
        self.survivors.is_empty() && self.outcome != Outcome::Unkillable
    }
}

/// Why the session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShutdownCause {
    /// The last execution ended.
    Done,
    /// A command failed, and failing fast was asked for.
    FailFast,
    /// Somebody asked.
    Asked(Origin),
}

impl ShutdownCause {
    /// How sundown ends if anything had to be stopped for it: by the signal that asked. Any other way to ask
    /// counts as Ctrl-C (SEMANTICS 6: `&&` must not go on).
    const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Done | Self::FailFast => None,
            Self::Asked(Origin::Signal(signal)) => Some(Verdict::Signal(signal)),
            Self::Asked(Origin::HangUp) => Some(Verdict::Signal(Signal::HUP)),
            Self::Asked(Origin::Key) => Some(Verdict::CtrlC),
            Self::Asked(_) => Some(Verdict::Signal(Signal::INT)),
        }
    }
}

/// How sundown itself is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// With this code.
    Code(i32),
    /// By this signal, raised again so that the caller sees it.
    Signal(Signal),
    /// By SIGINT, which the whole foreground group gets: as if the terminal had not been raw when the key was
    /// pressed. A shell script that waits for us runs on unless it gets one, too (measured).
    CtrlC,
}

impl Verdict {
    /// Stopped, but not clean.
    pub(crate) const NOT_CLEAN: Self = Self::Code(3);

    /// A part of sundown failed meanwhile: its own failure, unless there is worse.
    pub(crate) fn with_failure(self) -> Self {
        if self == Self::NOT_CLEAN { self } else { Self::Code(125) }
    }

    /// The first row of SEMANTICS 6 that applies. `unfinished` says whether anything had to be stopped when
    /// the session was asked to end.
    pub(crate) fn of(cause: ShutdownCause, unfinished: bool, endings: &[Ending]) -> Self {
        if !endings.iter().all(Ending::is_clean) {
            return Self::NOT_CLEAN;
        }
        if let Some(verdict) = cause.verdict().filter(|_| unfinished) {
            return verdict;
        }
        match endings {
            [only] => Self::Code(only.outcome.code()),
            several => Self::of_several(several),
        }
    }

    fn of_several(endings: &[Ending]) -> Self {
        let timed_out = |e: &Ending| matches!(e.outcome, Outcome::TimedOut | Outcome::Deadline);
        if endings.iter().any(timed_out) {
            Self::Code(124)
        } else {
            Self::Code(i32::from(!endings.iter().all(|e| e.outcome.is_success())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(cause: ShutdownCause, unfinished: bool, outcomes: &[Outcome]) -> Verdict {
        let endings: Vec<_> = outcomes.iter().cloned().map(Ending::plain).collect();
        Verdict::of(cause, unfinished, &endings)
    }

    fn interrupted() -> Outcome {
        Outcome::Interrupted {
            cause: StopCause::Shutdown,
            origin: Origin::Key,
            stage: Some(Stage::Interrupt),
            work: None,
        }
    }

    #[test]
    fn all_succeeded_is_0_and_one_failure_of_several_is_1() {
        use Outcome::Success;
        let failed = Outcome::Failed { code: 7 };
        assert_eq!(verdict(ShutdownCause::Done, false, &[Success, Success]), Verdict::Code(0));
        assert_eq!(verdict(ShutdownCause::Done, false, &[Success, failed.clone()]), Verdict::Code(1));
        assert_eq!(verdict(ShutdownCause::FailFast, true, &[interrupted(), failed]), Verdict::Code(1));
        assert_eq!(verdict(ShutdownCause::Done, false, &[Success, interrupted()]), Verdict::Code(1));
    }

    #[test]
    fn a_single_command_gives_its_own_code() {
        let one = |outcome| verdict(ShutdownCause::Done, false, &[outcome]);
        assert_eq!(one(Outcome::Failed { code: 7 }), Verdict::Code(7));
        assert_eq!(one(Outcome::Signaled { signal: Signal::KILL, core: false }), Verdict::Code(137));
        assert_eq!(one(Outcome::SpawnError { code: 127, message: String::new() }), Verdict::Code(127));
        assert_eq!(one(Outcome::TimedOut), Verdict::Code(124));
        assert_eq!(one(interrupted()), Verdict::Code(1));
    }

    #[test]
    fn ended_by_a_signal_is_that_signal_if_work_was_unfinished() {
        let term = ShutdownCause::Asked(Origin::Signal(Signal::TERM));
        assert_eq!(verdict(term, true, &[interrupted()]), Verdict::Signal(Signal::TERM));
        let key = ShutdownCause::Asked(Origin::Key);
        assert_eq!(verdict(key, true, &[interrupted(), Outcome::Success]), Verdict::CtrlC);
        assert_eq!(verdict(key, false, &[Outcome::Success]), Verdict::Code(0));
        assert_eq!(
            verdict(ShutdownCause::Asked(Origin::HangUp), true, &[interrupted()]),
            Verdict::Signal(Signal::HUP)
        );
    }

    #[test]
    fn a_timeout_of_one_of_several_is_124() {
        let outcomes = [Outcome::TimedOut, Outcome::Failed { code: 2 }];
        assert_eq!(verdict(ShutdownCause::Done, false, &outcomes), Verdict::Code(124));
    }

    #[test]
    fn a_survivor_is_3_whatever_ended_the_session() {
        let term = ShutdownCause::Asked(Origin::Signal(Signal::TERM));
        assert_eq!(verdict(term, true, &[Outcome::Unkillable]), Verdict::NOT_CLEAN);
        let survivor = Survivor { pid: 7, name: "x".into(), state: 'S', wchan: None, refused: true };
        let ending = Ending { survivors: vec![survivor], ..Ending::plain(Outcome::Success) };
        assert_eq!(Verdict::of(ShutdownCause::Done, false, &[ending]), Verdict::NOT_CLEAN);
    }
}
