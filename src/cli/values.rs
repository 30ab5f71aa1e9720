//! Values on the command line: durations, ladders, variables.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use clap::builder::TypedValueParser;

use crate::core::stop::{Ladder, Rung, Signal, Stage};
use crate::core::time::Wait;

/// Parses `30m`, `1h 30m`, `90s`, `500ms`, or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration: write 30m, 1h 30m, 90s or 500ms");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

fn wait(text: &str) -> Result<Wait, String> {
    if matches!(text, "infinity" | "inf") { Ok(Wait::Forever) } else { duration(text).map(Wait::For) }
}

/// Parses `INT:5s,TERM:5s,KILL`: at most one signal that asks, one that tells, and KILL at the end, which may be
/// left out.
pub(super) fn ladder(text: &str) -> Result<Ladder, String> {
    const FORM: &str = "write it as INT:5s,TERM:5s,KILL";
    let skipped = |signal| Rung { signal, wait: Wait::For(Duration::ZERO) };
    let mut ladder = Ladder { interrupt: skipped(Signal::INT), terminate: skipped(Signal::TERM) };
    let mut last = None;
    for step in text.split(',').map(str::trim) {
        let (name, time) = step.split_once(':').map_or((step, None), |(name, time)| (name, Some(time)));
        let signal: Signal = name.trim().parse().map_err(|error| format!("{error}; {FORM}"))?;
        let stage = stage_of(signal);
        if last >= Some(stage) {
            let rule = "there is one signal that asks (INT, QUIT, USR1…), then one that tells (TERM, HUP), then KILL";
            return Err(format!("{signal} comes too late: {rule}"));
        }
        last = Some(stage);
        match (stage, time) {
            (Stage::Kill, None) => {}
            (Stage::Kill, Some(_)) => return Err("KILL has no time: nothing comes after it".into()),
            (_, None) => return Err(format!("'{step}' has no time before the next step; {FORM}")),
            (Stage::Interrupt, Some(time)) => ladder.interrupt = Rung { signal, wait: wait(time.trim())? },
            (Stage::Terminate, Some(time)) => ladder.terminate = Rung { signal, wait: wait(time.trim())? },
        }
    }
    Ok(ladder)
}

/// The stage that a signal is for.
fn stage_of(signal: Signal) -> Stage {
    match signal {
        Signal::KILL => Stage::Kill,
        Signal::TERM | Signal::HUP => Stage::Terminate,
        _ => Stage::Interrupt,
    }
}

/// Parses `NAME=VALUE`, which need not be UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable;

impl TypedValueParser for Variable {
    type Value = (OsString, OsString);

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let bytes = value.as_bytes();
        match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) if at > 0 => {
                Ok((OsString::from_vec(bytes[..at].to_vec()), OsString::from_vec(bytes[at + 1..].to_vec())))
            }
            _ => {
                let message = format!("--env {}: write NAME=VALUE\n", value.to_string_lossy());
                Err(clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).with_cmd(command))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let secs = |secs| Ok(Duration::from_secs(secs));
        assert_eq!(duration("90s"), secs(90));
        assert_eq!(duration("1h 30m"), secs(5400));
        assert_eq!(duration("1h30m"), secs(5400));
        assert_eq!(duration("0"), secs(0));
        assert_eq!(duration("15"), secs(15));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1ns"), Ok(Duration::from_nanos(1)));
        assert_eq!(duration("1000000000000s"), secs(1_000_000_000_000));
        for wrong in ["", "soon", "-5s", "5 parsecs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ladder_has_what_it_names_and_skips_the_rest() {
        let full = ladder("INT:5s,TERM:5s,KILL").expect("parses");
        assert_eq!(full, Ladder::default());
        assert_eq!(ladder("INT:5s, TERM:5s").expect("parses"), full);
        let patient = ladder("QUIT:infinity").expect("parses");
        assert_eq!(patient.interrupt, Rung { signal: Signal::QUIT, wait: Wait::Forever });
        assert!(patient.terminate.wait.is_zero());
        let at_once = ladder("KILL").expect("parses");
        assert_eq!(at_once.first_useful(Stage::Interrupt), Stage::Kill);
        assert_eq!(ladder("HUP:1s,KILL").expect("parses").terminate.signal, Signal::HUP);
    }

    #[test]
    fn a_wrong_ladder_says_what_is_wrong() {
        for (text, says) in [
            ("NOPE:5s", "signal"),
            ("INT", "no time"),
            ("TERM:5s,INT:5s", "too late"),
            ("INT:5s,QUIT:5s", "too late"),
            ("KILL:5s", "no time"),
            ("INT:soon", "duration"),
            ("", "signal"),
        ] {
            let error = ladder(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
