//! Progress.

use super::emulator::{Marks, Screen};
use super::osc::OscProgress;
use crate::core::progress::{Reading, Source};

#[derive(Debug, Default)]
pub(crate) struct ProgressReader {
    said: Option<OscProgress>,
}

impl ProgressReader {
    pub(crate) fn feed(&mut self, _bytes: &[u8]) {}

    pub(crate) fn read(&mut self, _screen: &Screen, marks: &Marks) -> Option<Reading> {
        if let Some(p) = marks.progress {
            self.said = Some(p);
        }
        match self.said? {
            OscProgress::Clear => None,
            OscProgress::Busy => Some(Reading::new(Source::Osc)),
            OscProgress::Percent(p, mood) => {
                Some(Reading { fraction: Some(f64::from(p) / 100.0), mood, ..Reading::new(Source::Osc) })
            }
        }
    }
}
