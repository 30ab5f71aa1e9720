//! How far an execution is, and when it may be done.
//!
//! Owns what a reading is, and the rules that make readings honest over time: the bar never goes back within
//! a pass, 100 % is not success, unknown stays unknown. Reads no output: `screen/` does, and sends readings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Elapsed;

/// Where a reading was learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The program said so in so many words (OSC 9;4).
    Osc,
    /// A field of a line of JSON.
    Json,
    /// A column of a table that has no sign of its own.
    Table,
    /// `n` of `m`.
    Count,
    /// A clock within a known length.
    Time,
    /// A percentage.
    Percent,
    /// The cells of a drawn bar.
    Bar,
    /// An amount of an amount, such as `3 MB / 9 MB`.
    Amount,
    /// Only the fact that it moves.
    Busy,
}

/// How the program sees its own progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mood {
    /// All is well.
    #[default]
    Normal,
    /// It met an error.
    Error,
    /// It is paused, or warns.
    Warning,
}

/// What one look at the output said about progress. What was not said is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// Where it was learned.
    pub(crate) source: Source,
    /// Share done, 0 to 1. None: busy, for nobody knows how long.
    pub(crate) fraction: Option<f64>,
    /// Units done.
    pub(crate) done: Option<f64>,
    /// Units in all.
    pub(crate) total: Option<f64>,
    /// What is counted.
    pub(crate) unit: Option<String>,
    /// The program's own estimate of the time left.
    pub(crate) eta: Option<Duration>,
    /// How fast, in the program's own words.
    pub(crate) rate: Option<String>,
    /// What it is doing.
    pub(crate) phase: Option<String>,
    /// How it sees itself.
    pub(crate) mood: Mood,
}

impl Reading {
    /// A reading that says only where it comes from.
    pub(crate) const fn new(source: Source) -> Self {
        Self {
            source,
            fraction: None,
            done: None,
            total: None,
            unit: None,
            eta: None,
            rate: None,
            phase: None,
            mood: Mood::Normal,
        }
    }

    /// The word that names the pass: `Building` of `Building regex-syntax`, for the rest changes with every
    /// unit of it.
    fn pass(&self) -> Option<&str> {
        self.phase.as_deref()?.split_whitespace().next()
    }
}

/// Progress as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The last reading, with its fraction held where it may not go back.
    pub(crate) reading: Reading,
    /// When it may be done, if that can be said.
    pub(crate) eta_at: Option<Elapsed>,
    pass: Pass,
}

/// One run of the bar from where it was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Pass {
    since: Elapsed,
    from: f64,
}

/// A bar that falls from here
const NEARLY_DONE: f64 = 0.9;
/// to here has begun anew, and did not go back.
const JUST_BEGUN: f64 = 0.1;
/// An estimate of our own needs to have seen this much of the pass,
const ESTIMATE_SHARE: f64 = 0.02;
/// over this long.
const ESTIMATE_TIME: Duration = Duration::from_secs(2);

impl Progress {
    /// Progress that begins with this reading.
    pub(crate) fn first(now: Elapsed, reading: Reading) -> Self {
        let pass = Pass { since: now, from: reading.fraction.unwrap_or(0.0) };
        let mut progress = Self { reading, eta_at: None, pass };
        progress.estimate(now);
        progress
    }

    /// Takes the next reading.
    pub(crate) fn read(&mut self, now: Elapsed, reading: Reading) {
        let Some(known) = reading.fraction else {
            // The program no longer says: what was known before is no longer true either.
            self.reading = reading;
            self.eta_at = None;
            return;
        };
        let before = self.reading.fraction;
        let new_pass =
            before.is_none_or(|before| known < before && self.begins_anew(&reading, before, known));
        let fraction = if new_pass { known } else { before.map_or(known, |before| known.max(before)) };
        if new_pass {
            self.pass = Pass { since: now, from: known };
        }
        let moved = new_pass || before != Some(fraction) || reading.eta != self.reading.eta;
        self.reading = Reading { fraction: Some(fraction), ..reading };
        if moved {
            self.estimate(now);
        }
    }

    fn begins_anew(&self, reading: &Reading, before: f64, known: f64) -> bool {
        reading.pass() != self.reading.pass() || (before >= NEARLY_DONE && known <= JUST_BEGUN)
    }

    fn estimate(&mut self, now: Elapsed) {
        let left = self.reading.eta.or_else(|| self.own_estimate(now));
        self.eta_at = left.map(|left| now.after(left));
    }

    fn own_estimate(&self, now: Elapsed) -> Option<Duration> {
        let fraction = self.reading.fraction?;
        let (share, time) = (fraction - self.pass.from, now.since(self.pass.since));
        if share < ESTIMATE_SHARE || time < ESTIMATE_TIME {
            return None;
        }
        Duration::try_from_secs_f64(time.as_secs_f64() * (1.0 - fraction) / share).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Elapsed {
        Elapsed::from_millis(1000 * secs)
    }

    fn percent(percent: f64, phase: &str) -> Reading {
        Reading {
            fraction: Some(percent / 100.0),
            phase: Some(phase.to_owned()).filter(|phase| !phase.is_empty()),
            ..Reading::new(Source::Percent)
        }
    }

    /// Feeds percentages one second apart; returns those shown.
    fn shown(readings: &[(f64, &str)]) -> Vec<i64> {
        let mut progress: Option<Progress> = None;
        let mut show = |(n, &(pct, phase)): (usize, &(f64, &str))| {
            let (now, reading) = (at(n as u64), percent(pct, phase));
            match &mut progress {
                Some(progress) => progress.read(now, reading),
                none => *none = Some(Progress::first(now, reading)),
            }
            let fraction = progress.as_ref().and_then(|p| p.reading.fraction).unwrap_or(-1.0);
            (fraction * 100.0).round() as i64
        };
        readings.iter().enumerate().map(&mut show).collect()
    }

    #[test]
    fn the_bar_never_goes_back_within_a_pass() {
        assert_eq!(shown(&[(10.0, ""), (50.0, ""), (40.0, ""), (60.0, "")]), [10, 50, 50, 60]);
        let building = [(50.0, "Building a"), (48.0, "Building b"), (52.0, "Building c")];
        assert_eq!(shown(&building), [50, 50, 52]);
    }

    #[test]
    fn a_new_phase_may_begin_anew() {
        let clone = [(80.0, "Receiving objects"), (5.0, "Resolving deltas"), (3.0, "Resolving deltas")];
        assert_eq!(shown(&clone), [80, 5, 5]);
    }

    #[test]
    fn a_bar_that_was_done_may_begin_anew() {
        let files = [(100.0, "Downloading a"), (2.0, "Downloading b"), (50.0, "Downloading b")];
        assert_eq!(shown(&files), [100, 2, 50]);
    }

    #[test]
    fn a_phase_that_goes_on_where_the_last_one_was_is_the_same_pass() {
        let mut progress = Progress::first(at(0), percent(0.0, "Unpacking a"));
        progress.read(at(10), percent(50.0, "Setting up a"));
        assert_eq!(progress.eta_at, Some(at(20)));
    }

    #[test]
    fn the_estimate_counts_from_where_the_pass_was_first_seen() {
        let mut progress = Progress::first(at(0), percent(50.0, ""));
        assert_eq!(progress.eta_at, None, "nothing to go by yet");
        progress.read(at(10), percent(75.0, ""));
        assert_eq!(progress.eta_at, Some(at(20)));
    }

    #[test]
    fn the_programs_own_estimate_is_preferred() {
        let reading = Reading { eta: Some(Duration::from_secs(3)), ..percent(1.0, "") };
        assert_eq!(Progress::first(at(1), reading).eta_at, Some(at(4)));
    }

    #[test]
    fn what_is_no_longer_known_is_unknown() {
        let mut progress = Progress::first(at(0), percent(50.0, ""));
        progress.read(at(1), Reading::new(Source::Busy));
        assert_eq!((progress.reading.fraction, progress.eta_at), (None, None));
    }
}
