//! Reading progress from what tools print.
//!
//! Owns the choice of the line that speaks for the whole: what the program says in so many words first (OSC 9;4),
//! then the line it writes over, then the rows of its screen. Rules are in `rules.rs`; what is shown of a reading,
//! and that it never goes back, is the core's.

mod rules;
mod stream;
#[cfg(test)]
mod tests;
mod values;

use std::sync::LazyLock;

use self::rules::Line;
use self::stream::Stream;
use self::values::{Pattern, compile};
use super::emulator::{Marks, Screen};
use super::osc::OscProgress;
use crate::core::progress::{Reading, Source};

/// Rows of the screen, from its last, that are looked at.
const ROWS: usize = 6;
/// A log that reports progress is believed when this many of the rows are alike, and grow.
const LOG_LINES: usize = 4;
/// A reading holds for this many further lines in which nobody says anything.
const PATIENCE: usize = 24;

/// Reads one command's progress.
#[derive(Debug, Default)]
pub(crate) struct ProgressReader {
    stream: Stream,
    said: Option<OscProgress>,
    last: Option<Reading>,
}

impl ProgressReader {
    /// Takes in what was printed.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.stream.feed(bytes);
    }

    /// How far it is, as the screen and the marks on it say now; none if nobody says anything.
    pub(crate) fn read(&mut self, screen: &Screen, marks: &Marks) -> Option<Reading> {
        self.said = marks.progress.or(self.said);
        match self.said {
            Some(OscProgress::Percent(percent, mood)) => {
                let fraction = Some(f64::from(percent) / 100.0);
                return Some(Reading { fraction, mood, ..Reading::new(Source::Osc) });
            }
            Some(OscProgress::Busy) => return Some(Reading::new(Source::Osc)),
            Some(OscProgress::Clear) | None => {}
        }
        // What has the screen to itself draws, and does not report.
        if screen.modes().alternate_screen {
            return None;
        }
        match self.of_screen(screen) {
            Some(reading) => {
                self.stream.lines = 0;
                self.last = Some(reading);
            }
            None if self.stream.lines > PATIENCE => self.last = None,
            None => {}
        }
        self.last.clone()
    }

    fn of_screen(&self, screen: &Screen) -> Option<Reading> {
        let rows = self.rows(screen);
        if let Some(reading) = docker(&rows) {
            return Some(reading);
        }
        let live = self.stream.is_live();
        let text = |n: usize| rows.get(n).map_or("", |row| row.trim());
        let line = |n: usize, live| Line { text: text(n), above: text(n + 1), live, stream: &self.stream };
        let as_live = |n: usize| rules::read(&line(n, true));
        let read = |n: usize| {
            rules::read(&line(n, live)).or_else(|| as_live(n).filter(|_| grows(&rows, n, as_live)))
        };
        let first = (0..rows.len()).find(|n| read(*n).is_some())?;
        if !self.stream.goes_up() {
            return read(first);
        }
        // Several lines are one picture: the topmost that is not done is about the whole.
        let block = (first..rows.len()).map_while(read).collect::<Vec<_>>();
        let undone = |reading: &&Reading| reading.fraction.is_none_or(|fraction| fraction < 1.0);
        block.iter().rev().find(undone).or(block.first()).cloned()
    }

    /// The last rows that are not blank, the lowest first. Of a row that is written over, only what was written
    /// last: a shorter text leaves the tail of a longer one behind.
    fn rows(&self, screen: &Screen) -> Vec<String> {
        let segment = self.stream.segment();
        let segment = segment.trim();
        let cursor = screen.cursor().1;
        let row = |n: u16| {
            let text = screen.row_text(n);
            let written_over = n == cursor && !segment.is_empty() && text.trim_start().starts_with(segment);
            if written_over { segment.to_owned() } else { text }
        };
        let mut rows: Vec<String> = (0..screen.size().rows)
            .rev()
            .map(row)
            .filter(|text| !text.trim().is_empty())
            .take(ROWS)
            .collect();
        if segment.starts_with('{') {
            // A line of JSON is read before it is broken at the screen's edge.
            rows.insert(0, segment.to_owned());
        }
        rows
    }
}

/// True if the rows above this one say the same with ever smaller shares: a log that reports progress line by line.
fn grows(rows: &[String], n: usize, read: impl Fn(usize) -> Option<Reading>) -> bool {
    let fraction = |n: usize| read(n).and_then(|reading| reading.fraction);
    let alike = |m: &usize| shape(&rows[*m]) == shape(&rows[n]);
    let Some(shares) = (n..rows.len()).filter(alike).map(fraction).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let rises = shares.windows(2).all(|pair| pair[0] >= pair[1]);
    shares.len() >= LOG_LINES && rises && shares.first() > shares.last()
}

/// The beginning of a line up to its first digit: what lines of one kind share.
fn shape(line: &str) -> &str {
    let line = line.trim();
    line.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default()
}

/// docker pull: a row a layer, each with a bar of its own and none for the whole.
fn docker(rows: &[String]) -> Option<Reading> {
    static LAYER: Pattern = LazyLock::new(|| compile(r"^[0-9a-f]{12}: ([A-Z][a-z]+ ?[a-z]*)"));
    let states: Vec<&str> =
        rows.iter().filter_map(|row| Some(LAYER.captures(row.trim())?.get(1)?.as_str())).collect();
    if states.len() < 2 {
        return None;
    }
    let is_done = |state: &&&str| state.starts_with("Pull complete") || state.starts_with("Already exists");
    let done = states.iter().filter(is_done).count();
    let fraction = (done > 0).then(|| done as f64 / states.len() as f64);
    Some(Reading {
        fraction,
        done: Some(done as f64).filter(|_| done > 0),
        total: Some(states.len() as f64),
        unit: Some("layers".into()),
        phase: Some("Pulling".into()),
        ..Reading::new(if fraction.is_some() { Source::Count } else { Source::Busy })
    })
}
