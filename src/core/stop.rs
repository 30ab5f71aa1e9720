//! What it means to ask an execution to stop.
//!
//! Owns stages, signals, causes and origins, the ladder of one command, and which of a person's presses
//! count. Sends nothing: `execution.rs` decides when a stage begins, the shim delivers it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{Elapsed, Wait};

/// Where a stopping execution is on its ladder. Stages never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Asked as Ctrl-C asks: `SIGINT`, unless the command wants another signal.
    Interrupt,
    /// Told to end: `SIGTERM`, to every process of the tree.
    Terminate,
    /// `SIGKILL`, until nothing is left.
    Kill,
}

impl Stage {
    /// All stages, in order.
    pub(crate) const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::Kill];

    /// The stage after this one.
    pub(crate) const fn next(self) -> Option<Self> {
        match self {
            Self::Interrupt => Some(Self::Terminate),
            Self::Terminate => Some(Self::Kill),
            Self::Kill => None,
        }
    }

    /// The word for it on screen and in records.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A signal, by its number on this system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Signal(pub(crate) i32);

impl Signal {
    /// Its bit in a mask of signals, where bit 0 is signal 1.
    pub(crate) fn bit(self) -> u64 {
        u32::try_from(self.0 - 1).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
    }
}

macro_rules! signals {
    ($($name:ident = $text:literal, $linux:literal, $bsd:literal;)*) => {
        impl Signal {
            $(
                #[doc = concat!("`SIG", $text, "`.")]
                pub(crate) const $name: Self = Self(if cfg!(target_os = "linux") { $linux } else { $bsd });
            )*
            const NAMED: &'static [(Self, &'static str)] = &[$((Self::$name, $text)),*];
        }
    };
}

signals! {
    HUP = "HUP", 1, 1;
    INT = "INT", 2, 2;
    QUIT = "QUIT", 3, 3;
    ILL = "ILL", 4, 4;
    TRAP = "TRAP", 5, 5;
    ABRT = "ABRT", 6, 6;
    BUS = "BUS", 7, 10;
    FPE = "FPE", 8, 8;
    KILL = "KILL", 9, 9;
    USR1 = "USR1", 10, 30;
    SEGV = "SEGV", 11, 11;
    USR2 = "USR2", 12, 31;
    PIPE = "PIPE", 13, 13;
    ALRM = "ALRM", 14, 14;
    TERM = "TERM", 15, 15;
    CONT = "CONT", 18, 19;
    STOP = "STOP", 19, 17;
    TSTP = "TSTP", 20, 18;
    XCPU = "XCPU", 24, 24;
    XFSZ = "XFSZ", 25, 25;
    WINCH = "WINCH", 28, 28;
    SYS = "SYS", 31, 12;
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(signal, _)| signal == self) {
            Some((_, name)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?} as a signal: use a name like INT, SIGTERM or HUP, or a number")]
pub(crate) struct BadSignal(String);

impl FromStr for Signal {
    type Err = BadSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = Self::NAMED.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal);
        let number = || name.parse().ok().filter(|n| (1..=64).contains(n)).map(Self);
        named.or_else(number).ok_or_else(|| BadSignal(text.to_owned()))
    }
}

/// One step of a ladder: what is sent, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// What is sent when the stage begins.
    pub(crate) signal: Signal,
    /// How long the stage lasts; zero skips it.
    pub(crate) wait: Wait,
}

/// How one command is stopped: the rungs before `SIGKILL`, which always comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ladder {
    /// The stage that asks.
    pub(crate) interrupt: Rung,
    /// The stage that tells.
    pub(crate) terminate: Rung,
}

impl Default for Ladder {
    fn default() -> Self {
        let rung = |signal| Rung { signal, wait: Wait::For(Duration::from_secs(5)) };
        Self { interrupt: rung(Signal::INT), terminate: rung(Signal::TERM) }
    }
}

impl Ladder {
    /// What `stage` sends, and how long it lasts.
    pub(crate) const fn rung(&self, stage: Stage) -> Rung {
        match stage {
            Stage::Interrupt => self.interrupt,
            Stage::Terminate => self.terminate,
            Stage::Kill => Rung { signal: Signal::KILL, wait: Wait::Forever },
        }
    }

    /// The first stage from `stage` on that is not skipped.
    pub(crate) fn first_useful(&self, stage: Stage) -> Stage {
        let useful = |s: &Stage| *s >= stage && !self.rung(*s).wait.is_zero();
        Stage::ALL.into_iter().find(useful).unwrap_or(Stage::Kill)
    }

    /// Time from the first signal to `SIGKILL`.
    pub(crate) fn span(&self) -> Wait {
        match (self.interrupt.wait, self.terminate.wait) {
            (Wait::For(a), Wait::For(b)) => Wait::For(a.saturating_add(b)),
            _ => Wait::Forever,
        }
    }
}

/// Why an execution is being stopped. The greatest of several names its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StopCause {
    /// Its leader ended and left processes behind.
    Leak,
    /// Another command failed, and failing fast was asked for.
    FailFast,
    /// Somebody asked to stop this one.
    Operator,
    /// The whole session is going down.
    Shutdown,
    /// It ran for as long as it may.
    Timeout,
    /// A moment came at which it had to be done.
    Deadline,
    /// The engine is gone; the shim stops what it holds.
    SupervisorLost,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A key in the TUI.
    Key,
    /// A signal to sundown.
    Signal(Signal),
    /// The terminal is gone, or the reader of our output.
    HangUp,
    /// A timeout or a deadline.
    Timer,
    /// A rule of the session, such as failing fast.
    Policy,
    /// sundown itself, a part of which failed.
    Failure,
    /// A verb on the control socket.
    Socket,
    /// An HTTP request.
    Http,
    /// A WebSocket message.
    WebSocket,
    /// Another host.
    Bus,
    /// The shim, on its own.
    Shim,
}

impl Origin {
    /// True for a person's hands: keys, and signals, which stand for a Ctrl-C or a `kill` typed by somebody.
    /// Only a person escalates by repeating (SEMANTICS 4).
    pub(crate) const fn is_person(self) -> bool {
        match self {
            Self::Key | Self::Signal(_) => true,
            Self::HangUp
            | Self::Timer
            | Self::Policy
            | Self::Failure
            | Self::Socket
            | Self::Http
            | Self::WebSocket
            | Self::Bus
            | Self::Shim => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("a key"),
            Self::Signal(signal) => fmt::Display::fmt(signal, f),
            Self::HangUp => f.write_str("hang-up"),
            Self::Timer => f.write_str("a timer"),
            Self::Policy => f.write_str("a rule"),
            Self::Failure => f.write_str("a failure of sundown"),
            Self::Socket => f.write_str("the control socket"),
            Self::Http => f.write_str("HTTP"),
            Self::WebSocket => f.write_str("WebSocket"),
            Self::Bus => f.write_str("another host"),
            Self::Shim => f.write_str("its shim"),
        }
    }
}

/// Asks one execution to be at `stage` or further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopRequest {
    /// The least stage wanted.
    pub(crate) stage: Stage,
    /// Why.
    pub(crate) cause: StopCause,
    /// Who asked.
    pub(crate) origin: Origin,
}

impl StopRequest {
    /// Both requests in one: the further stage; the greater cause, with who gave it.
    #[must_use]
    pub(crate) fn joined(self, other: Self) -> Self {
        let stage = self.stage.max(other.stage);
        if other.cause > self.cause { Self { stage, ..other } } else { Self { stage, ..self } }
    }
}

/// Which of a person's presses count (SEMANTICS 4): so that a held key, a wrapper that sends again, and a
/// terminal's `SIGINT` beside a forwarded one are one press.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presses {
    last_counted: Option<Elapsed>,
    last: Option<Elapsed>,
}

impl Presses {
    /// A press counts this long after the last that counted,
    const AFTER_COUNTED: Duration = Duration::from_millis(700);
    /// and this long after any.
    const AFTER_ANY: Duration = Duration::from_millis(100);

    /// Notes a press at `now`; true if it counts. A key repeat that the terminal reported as one never does.
    pub(crate) fn press(&mut self, now: Elapsed, repeat: bool) -> bool {
        let long_ago =
            |then: Option<Elapsed>, least: Duration| then.is_none_or(|then| now.since(then) >= least);
        let counts = !repeat
            && long_ago(self.last_counted, Self::AFTER_COUNTED)
            && long_ago(self.last, Self::AFTER_ANY);
        self.last = Some(now);
        if counts {
            self.last_counted = Some(now);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_in_order_and_end_with_kill() {
        assert!(Stage::Interrupt < Stage::Terminate && Stage::Terminate < Stage::Kill);
        assert_eq!(Stage::Interrupt.next(), Some(Stage::Terminate));
        assert_eq!(Stage::Terminate.next(), Some(Stage::Kill));
        assert_eq!(Stage::Kill.next(), None);
    }

    #[test]
    fn a_skipped_stage_is_passed_over_and_kill_never_is() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.first_useful(Stage::Interrupt), Stage::Interrupt);
        ladder.interrupt.wait = Wait::For(Duration::ZERO);
        assert_eq!(ladder.first_useful(Stage::Interrupt), Stage::Terminate);
        ladder.terminate.wait = Wait::For(Duration::ZERO);
        assert_eq!(ladder.first_useful(Stage::Interrupt), Stage::Kill);
        assert_eq!(ladder.first_useful(Stage::Kill), Stage::Kill);
    }

    #[test]
    fn joining_requests_never_goes_back_for_each_pair() {
        let causes = [StopCause::Operator, StopCause::Timeout, StopCause::SupervisorLost];
        let requests: Vec<_> = Stage::ALL
            .into_iter()
            .flat_map(|stage| causes.map(|cause| StopRequest { stage, cause, origin: Origin::Key }))
            .collect();
        for a in &requests {
            for b in &requests {
                let joined = a.joined(*b);
                assert_eq!(joined.stage, a.stage.max(b.stage));
                assert_eq!(joined.cause, a.cause.max(b.cause));
            }
        }
    }

    #[test]
    fn signals_have_names_and_numbers() {
        assert_eq!("int".parse(), Ok(Signal::INT));
        assert_eq!("SIGTERM".parse(), Ok(Signal::TERM));
        assert_eq!("9".parse(), Ok(Signal::KILL));
        assert!("SIGNOPE".parse::<Signal>().is_err());
        assert!("0".parse::<Signal>().is_err());
        assert_eq!(Signal::HUP.to_string(), "SIGHUP");
        assert_eq!(Signal(63).to_string(), "signal 63");
    }

    /// Presses at these milliseconds; returns those that count.
    fn counted(at: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut presses = Presses::default();
        at.into_iter().filter(|ms| presses.press(Elapsed::from_millis(*ms), false)).collect()
    }

    #[test]
    fn a_press_counts_700_ms_after_the_last_that_counted() {
        assert_eq!(counted([0, 5]), [0]);
        assert_eq!(counted([0, 699]), [0]);
        assert_eq!(counted([0, 700]), [0, 700]);
        assert_eq!(counted([0, 900, 1800]), [0, 900, 1800]);
    }

    #[test]
    fn a_press_counts_100_ms_after_any_press() {
        assert_eq!(counted([0, 650, 720]), [0]);
        assert_eq!(counted([0, 600, 700]), [0, 700]);
    }

    #[test]
    fn a_held_key_is_one_press_for_every_usual_repeat() {
        for delay in [250, 500, 660] {
            for every in [11, 30, 50, 90] {
                let held = std::iter::once(0).chain((0..200).map(|n| delay + n * every));
                assert_eq!(counted(held), [0], "delay {delay} every {every}");
            }
        }
    }

    #[test]
    fn a_reported_repeat_never_counts() {
        let mut presses = Presses::default();
        assert!(presses.press(Elapsed::ZERO, false));
        assert!(!presses.press(Elapsed::from_millis(5000), true));
    }
}
