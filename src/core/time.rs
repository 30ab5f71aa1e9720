//! Moments and waits, as the core sees them.
//!
//! Owns [`Elapsed`] and [`Wait`]. Reads no clock: the shell measures, the core compares.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: time since the session's epoch on the monotonic clock (`CLOCK_MONOTONIC`).
///
/// The engine and its shims share the epoch, so their moments can be compared. Arithmetic saturates.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Elapsed(Duration);

impl Elapsed {
    /// The epoch itself.
    pub(crate) const ZERO: Self = Self(Duration::ZERO);

    /// The moment `since_epoch` after the epoch.
    pub(crate) const fn new(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The moment `ms` milliseconds after the epoch.
    #[cfg(test)]
    pub(crate) const fn from_millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// Time since the epoch.
    pub(crate) const fn since_epoch(self) -> Duration {
        self.0
    }

    /// Whole milliseconds since the epoch.
    pub(crate) const fn as_millis(self) -> u64 {
        self.0.as_millis() as u64
    }

    /// Time from `earlier` to this moment; zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `by` later.
    #[must_use]
    pub(crate) fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// The moment at which `wait` is over, if it ever is.
    pub(crate) fn after_wait(self, wait: Wait) -> Option<Self> {
        match wait {
            Wait::For(duration) => Some(self.after(duration)),
            Wait::Forever => None,
        }
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

// On the wire a moment is whole nanoseconds: exact, compact, and no unit to guess.
impl Serialize for Elapsed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl<'de> Deserialize<'de> for Elapsed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(|ns| Self(Duration::from_nanos(ns)))
    }
}

/// How long a stage may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wait {
    /// At most this long; zero skips the stage.
    For(Duration),
    /// Until it is over by itself.
    Forever,
}

impl Wait {
    /// True if the wait is over before it begins.
    pub(crate) fn is_zero(self) -> bool {
        self == Self::For(Duration::ZERO)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(duration) => write!(f, "{duration:?}"),
            Self::Forever => f.write_str("infinity"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let late = Elapsed::new(Duration::MAX);
        assert_eq!(late.after(Duration::from_secs(1)), late);
        assert_eq!(Elapsed::ZERO.since(late), Duration::ZERO);
        assert_eq!(
            Elapsed::ZERO.after_wait(Wait::For(Duration::from_secs(1_000_000_000_000))),
            Some(Elapsed::new(Duration::from_secs(1_000_000_000_000)))
        );
        assert_eq!(Elapsed::ZERO.after_wait(Wait::Forever), None);
    }

    #[test]
    fn the_wire_form_is_whole_nanoseconds() {
        let json = serde_json::to_string(&Elapsed::from_millis(1500)).expect("serializes");
        assert_eq!(json, "1500000000");
        assert_eq!(serde_json::from_str::<Elapsed>(&json).expect("parses"), Elapsed::from_millis(1500));
    }
}
