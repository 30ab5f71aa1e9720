//! What is typed, clicked and pasted: bytes in, events out.
//!
//! Owns the cutting of the stream into keys, over any splitting of it by a slow line. Keeps the bytes of each key,
//! because a command that has the keyboard gets them as they came.

use std::time::Duration;

use terminput::Event;

/// A lone ESC is the key once this long nothing has followed it.
pub(super) const ESC_TIME: Duration = Duration::from_millis(30);
/// A paste may be this long; what is longer is cut into several.
const LONGEST: usize = 1 << 20;

/// One thing that was typed, clicked or pasted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    /// What it was.
    pub(super) event: Event,
    /// How it came.
    pub(super) bytes: Vec<u8>,
}

/// Cuts the stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// Takes in bytes; returns what is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        let mut inputs = Vec::new();
        for &byte in bytes {
            self.push(byte, &mut inputs);
        }
        inputs
    }

    /// True if an ESC waits for what may follow it.
    pub(super) fn is_waiting(&self) -> bool {
        self.buffer == [0x1b]
    }

    /// Nothing followed the ESC: it is the key.
    pub(super) fn time_out(&mut self) -> Option<Input> {
        let event =
            if self.is_waiting() { Event::parse_from(&self.buffer).ok().flatten()? } else { return None };
        Some(Input { event, bytes: std::mem::take(&mut self.buffer) })
    }

    fn push(&mut self, byte: u8, inputs: &mut Vec<Input>) {
        self.buffer.push(byte);
        // What may follow an ESC decides what it is; only time tells that nothing does.
        if self.is_waiting() {
            return;
        }
        match Event::parse_from(&self.buffer) {
            Ok(Some(event)) => inputs.push(Input { event, bytes: std::mem::take(&mut self.buffer) }),
            Ok(None) if self.buffer.len() < LONGEST => {}
            // Nothing that we know, or nothing that ends.
            Ok(None) => self.buffer.clear(),
            Err(_) => self.unknown(byte, inputs),
        }
    }

    /// Drops a sequence that we do not know; what came last may begin the next.
    fn unknown(&mut self, last: u8, inputs: &mut Vec<Input>) {
        let several = self.buffer.len() > 1;
        self.buffer.clear();
        if last == 0x1b && several {
            self.push(last, inputs);
        }
    }
}

#[cfg(test)]
mod tests {
    use terminput::{KeyCode, KeyModifiers};

    use super::*;

    fn keys(chunks: &[&[u8]]) -> Vec<(KeyCode, Vec<u8>)> {
        let mut reader = Reader::default();
        let mut inputs: Vec<Input> = chunks.iter().flat_map(|chunk| reader.feed(chunk)).collect();
        inputs.extend(reader.time_out());
        let key = |input: Input| match input.event {
            Event::Key(key) => Some((key.code, input.bytes)),
            _ => None,
        };
        inputs.into_iter().filter_map(key).collect()
    }

    #[test]
    fn keys_are_cut_however_the_line_splits_them() {
        let stream = b"a\x1b[A\x1bOB\x1b[15~\xc3\xa4\x03q";
        let whole = keys(&[stream]);
        let codes: Vec<_> = whole.iter().map(|(code, _)| *code).collect();
        assert_eq!(
            codes,
            [
                KeyCode::Char('a'),
                KeyCode::Up,
                KeyCode::Down,
                KeyCode::F(5),
                KeyCode::Char('ä'),
                KeyCode::Char('c'),
                KeyCode::Char('q'),
            ]
        );
        for cut in 0..stream.len() {
            assert_eq!(keys(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
        }
        let bytes: Vec<u8> = whole.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(bytes, stream, "no byte is lost");
    }

    #[test]
    fn a_lone_escape_is_the_key_when_nothing_follows() {
        assert_eq!(keys(&[b"\x1b"]), [(KeyCode::Esc, b"\x1b".to_vec())]);
        let mut reader = Reader::default();
        let alt = reader.feed(b"\x1bx");
        let Event::Key(key) = &alt[0].event else { panic!("{alt:?}") };
        assert_eq!((key.code, key.modifiers), (KeyCode::Char('x'), KeyModifiers::ALT));
    }

    #[test]
    fn a_paste_is_one_thing() {
        let mut reader = Reader::default();
        let inputs = reader.feed(b"\x1b[200~q\x03\x1b[31mx\x1b[201~");
        assert_eq!(inputs.len(), 1);
        assert_eq!(inputs[0].event, Event::Paste("q\x03\x1b[31mx".into()));
    }

    #[test]
    fn unknown_sequences_are_dropped_and_what_follows_is_not() {
        assert_eq!(keys(&[b"\x1b[999;999zq"]).last().map(|(code, _)| *code), Some(KeyCode::Char('q')));
        assert_eq!(keys(&[b"\xff\xffq"]).last().map(|(code, _)| *code), Some(KeyCode::Char('q')));
    }
}
