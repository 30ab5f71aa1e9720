//! Words and marks that all front-ends share.

use std::time::Duration;

use crate::core::outcome::{Ending, Outcome};
use crate::core::stop::{Signal, Stage};

/// A running clock: `0:42`, `12:03`, `1:02:03`, `2d 03:04`.
pub(crate) fn clock(elapsed: Duration) -> String {
    let secs = elapsed.as_secs();
    let (days, hours, minutes, seconds) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, hours) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (days, hours) => format!("{days}d {hours:02}:{minutes:02}"),
    }
}

/// A time that is over: `0.3 s`, `42 s`, `12:03`.
pub(crate) fn took(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..=9 => format!("{:.1} s", elapsed.as_secs_f64()),
        secs @ 10..=59 => format!("{secs} s"),
        _ => clock(elapsed),
    }
}

/// Whole seconds until something happens, counted so that the last one is 1.
pub(crate) fn seconds_left(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// What kind of end it was, for its mark and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndKind {
    /// As wished.
    Good,
    /// Stopped on request.
    Stopped,
    /// Not as wished.
    Bad,
}

/// The kind of an outcome.
pub(crate) fn end_kind(outcome: &Outcome) -> EndKind {
    match outcome {
        Outcome::Success => EndKind::Good,
        Outcome::Interrupted { .. } | Outcome::Skipped { .. } => EndKind::Stopped,
        Outcome::Failed { .. }
        | Outcome::Signaled { .. }
        | Outcome::TimedOut
        | Outcome::Deadline
        | Outcome::SpawnError { .. }
        | Outcome::OomKilled
        | Outcome::Unkillable
        | Outcome::ShimLost
        | Outcome::SupervisorLost => EndKind::Bad,
    }
}

/// An outcome and what was noted beside it, in words.
pub(crate) fn ending(ending: &Ending) -> String {
    let mut text = ending.outcome.to_string();
    if let Outcome::Interrupted { work: Some(work), .. } = &ending.outcome {
        text += &format!(" while {work}");
    }
    let ignored: Vec<String> = ignored_signals(ending).map(|signal| signal.to_string()).collect();
    if !ignored.is_empty() && ending.outcome != Outcome::Success {
        text += &format!(", after {}", ignored.join(" and "));
    }
    if ending.leaked > 0 {
        text += &format!(", {} it left ended", processes(ending.leaked as usize));
    }
    if ending.output_truncated {
        text += ", output cut short";
    }
    text
}

/// The signals that did not end it, before the one that did.
fn ignored_signals(ending: &Ending) -> impl Iterator<Item = Signal> {
    let before_last = ending.stages.len().saturating_sub(1);
    let killed = ending.stages.last().is_some_and(|stage| stage.stage == Stage::Kill);
    ending.stages[..before_last].iter().filter(move |_| killed).map(|stage| stage.signal)
}

/// `1 process`, `2 processes`.
pub(crate) fn processes(count: usize) -> String {
    format!("{count} process{}", if count == 1 { "" } else { "es" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_tell_their_unit() {
        let secs = Duration::from_secs;
        assert_eq!(clock(secs(42)), "0:42");
        assert_eq!(clock(secs(723)), "12:03");
        assert_eq!(clock(secs(3723)), "1:02:03");
        assert_eq!(clock(secs(2 * 86_400 + 3 * 3600 + 240)), "2d 03:04");
        assert_eq!(took(Duration::from_millis(340)), "0.3 s");
        assert_eq!(took(secs(42)), "42 s");
        assert_eq!(took(secs(61)), "1:01");
        assert_eq!(seconds_left(Duration::from_millis(4001)), 5);
        assert_eq!(seconds_left(secs(4)), 4);
    }
}
