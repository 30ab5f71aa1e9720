//! Operating system commands that the emulator drops: OSC 9;4 progress, and notifications.
//!
//! Reads beside the emulator, over any splitting of the bytes. A sequence is kept up to a bound; what is longer
//! is none of ours.

use memchr::memchr;

use crate::core::progress::Mood;

/// No sequence that is read here is longer.
const LONGEST: usize = 512;

/// What such a sequence said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Osc {
    /// OSC 9;4: how far the program says it is.
    Progress(OscProgress),
    /// OSC 9 or 777: something for the person.
    Notification,
}

/// The states of OSC 9;4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OscProgress {
    /// 0: no progress any more.
    Clear,
    /// 1, 2, 4: percent, and how the program sees it.
    Percent(u8, Mood),
    /// 3: busy.
    Busy,
}

/// Finds the sequences in a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct OscReader {
    state: State,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// Within a sequence.
    Payload,
    /// After ESC within a sequence.
    PayloadEscape,
}

impl OscReader {
    /// Reads on; `said` gets what was said.
    pub(super) fn read(&mut self, mut bytes: &[u8], said: &mut impl FnMut(Osc)) {
        while !bytes.is_empty() {
            if self.state == State::Ground {
                let Some(escape) = memchr(0x1b, bytes) else { return };
                self.state = State::Escape;
                bytes = &bytes[escape + 1..];
                continue;
            }
            self.step(bytes[0], said);
            bytes = &bytes[1..];
        }
    }

    fn step(&mut self, byte: u8, said: &mut impl FnMut(Osc)) {
        self.state = match (self.state, byte) {
            (State::Escape, b']') => {
                self.payload.clear();
                State::Payload
            }
            (State::Escape, 0x1b) => State::Escape,
            (State::Ground | State::Escape, _) => State::Ground,
            (State::Payload, 0x07) | (State::PayloadEscape, b'\\') => self.end(said),
            (State::Payload, 0x1b) => State::PayloadEscape,
            // CAN and SUB abort a sequence, and so does an escape that is not its end.
            (State::Payload, 0x18 | 0x1a) => State::Ground,
            (State::PayloadEscape, b']') => {
                self.payload.clear();
                State::Payload
            }
            (State::PayloadEscape, _) => State::Ground,
            (State::Payload, _) if self.payload.len() < LONGEST => {
                self.payload.push(byte);
                State::Payload
            }
            (State::Payload, _) => State::Payload,
        };
    }

    fn end(&mut self, said: &mut impl FnMut(Osc)) -> State {
        if let Some(osc) = parse(&self.payload) {
            said(osc);
        }
        State::Ground
    }
}

fn parse(payload: &[u8]) -> Option<Osc> {
    let text = std::str::from_utf8(payload).ok()?;
    if text.starts_with("777;notify;") {
        return Some(Osc::Notification);
    }
    let rest = text.strip_prefix("9;")?;
    let mut fields = rest.split(';');
    if fields.next() != Some("4") {
        return Some(Osc::Notification);
    }
    let state = fields.next()?;
    let percent =
        fields.next().and_then(|percent| percent.parse::<u8>().ok()).map(|percent| percent.min(100));
    let progress = match (state, percent) {
        ("0" | "", _) => OscProgress::Clear,
        ("1", percent) => OscProgress::Percent(percent.unwrap_or(0), Mood::Normal),
        ("2", Some(percent)) => OscProgress::Percent(percent, Mood::Error),
        ("4", Some(percent)) => OscProgress::Percent(percent, Mood::Warning),
        ("2" | "3" | "4", _) => OscProgress::Busy,
        _ => return None,
    };
    Some(Osc::Progress(progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<Osc> {
        let (mut reader, mut said) = (OscReader::default(), Vec::new());
        for chunk in chunks {
            reader.read(chunk, &mut |osc| said.push(osc));
        }
        said
    }

    #[test]
    fn progress_is_read_with_either_end_and_split_anywhere() {
        let stream = b"a\x1b]9;4;1;40\x07b\x1b]9;4;2;50\x1b\\c\x1b]9;4;3\x07\x1b]9;4;0;\x07";
        let whole = read(&[stream]);
        let percent = |n, mood| Osc::Progress(OscProgress::Percent(n, mood));
        assert_eq!(
            whole,
            [
                percent(40, Mood::Normal),
                percent(50, Mood::Error),
                Osc::Progress(OscProgress::Busy),
                Osc::Progress(OscProgress::Clear),
            ]
        );
        for cut in 0..stream.len() {
            assert_eq!(read(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn notifications_are_told_from_progress_and_titles_from_both() {
        let said = read(&[b"\x1b]9;done\x07\x1b]777;notify;a;b\x07\x1b]0;title\x07\x1b]8;;http://x\x07"]);
        assert_eq!(said, [Osc::Notification, Osc::Notification]);
    }

    #[test]
    fn a_sequence_without_end_takes_no_memory() {
        let mut reader = OscReader::default();
        reader.read(b"\x1b]9;4;1;", &mut |_| {});
        for _ in 0..1000 {
            reader.read(&[b'9'; 1000], &mut |_| {});
        }
        assert!(reader.payload.capacity() <= 2 * LONGEST);
    }
}
