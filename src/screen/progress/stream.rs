//! What the bytes say that the screen does not keep: lengths named long ago, counts across lines, and whether
//! lines are written over.
//!
//! Owns a short tail of the stream and a few numbers; never more, however much is printed.

use std::sync::LazyLock;

use super::values::{self, Pattern, compile};

/// What is kept of the stream.
const TAIL: usize = 2048;
/// A line is searched for words up to this many bytes.
const LONGEST_LINE: usize = 512;

/// The state of a stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    tail: Vec<u8>,
    /// Lines ended since a rule spoke last.
    pub(super) lines: usize,
    /// ffmpeg: the length of the last input, in seconds.
    pub(super) duration: Option<f64>,
    /// pytest: how many tests there are.
    pub(super) collected: Option<f64>,
    /// terraform: how much is planned, and done.
    pub(super) planned: Option<f64>,
    pub(super) applied: f64,
    /// ansible: tasks begun; none outside of a play.
    pub(super) tasks: Option<u32>,
    rest: Vec<u8>,
}

impl Stream {
    /// Takes in what was printed.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.keep_tail(bytes);
        let mut rest = bytes;
        // In a flood, words are searched for in the last lines only: whoever counts prints little.
        if rest.len() > 4 * TAIL {
            let cut = rest.len() - 4 * TAIL;
            self.lines += memchr::memchr_iter(b'\n', &rest[..cut]).count();
            rest = &rest[cut..];
            self.rest.clear();
        }
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.rest.extend_from_slice(&rest[..end.min(LONGEST_LINE)]);
            self.lines += 1;
            let line = std::mem::take(&mut self.rest);
            self.on_line(&line);
            self.rest = line;
            self.rest.clear();
            rest = &rest[end + 1..];
        }
        let room = LONGEST_LINE.saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&rest[..rest.len().min(room)]);
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + new.len()).saturating_sub(TAIL);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend_from_slice(new);
    }

    /// Looks for the few words that are counted or remembered.
    fn on_line(&mut self, line: &[u8]) {
        const WORDS: [&[u8]; 6] =
            [b"Duration: ", b"collected ", b"Plan: ", b" complete after ", b"TASK [", b"PLAY "];
        if !WORDS.iter().any(|word| memchr::memmem::find(line, word).is_some()) {
            return;
        }
        static DURATION: Pattern = LazyLock::new(|| compile(r"Duration: ([0-9]+):([0-9]+):([0-9.]+)"));
        static COLLECTED: Pattern = LazyLock::new(|| compile(r"\bcollected ([0-9]+) items?"));
        static PLAN: Pattern =
            LazyLock::new(|| compile(r"Plan: ([0-9]+) to add, ([0-9]+) to change, ([0-9]+) to destroy"));
        static APPLIED: Pattern =
            LazyLock::new(|| compile(r": (?:Creation|Modifications|Destruction) complete after "));
        let text = plain(line);
        let text = text.trim();
        if text.contains("Duration: ") {
            self.duration = DURATION.captures(text).and_then(|found| {
                Some(number(&found[1])? * 3600.0 + number(&found[2])? * 60.0 + number(&found[3])?)
            });
        } else if let Some(found) = COLLECTED.captures(text) {
            self.collected = number(&found[1]);
        } else if let Some(found) = PLAN.captures(text) {
            self.planned = (1..=3).map(|n| number(&found[n])).sum();
            self.applied = 0.0;
        } else if APPLIED.is_match(text) {
            self.applied += 1.0;
        } else if text.starts_with("TASK [") {
            self.tasks = Some(self.tasks.unwrap_or(0) + 1);
        } else if text.starts_with("PLAY RECAP") {
            self.tasks = None;
        }
    }

    /// The text since the last CR or LF, or before it where nothing has followed yet; without escapes.
    pub(super) fn segment(&self) -> String {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let end = self.tail.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1);
        let start = self.tail[..end].iter().rposition(is_end).map_or(0, |last| last + 1);
        plain(&self.tail[start..end])
    }

    /// True if lines are being written over: by CR, backspaces, or a cursor that moves.
    pub(super) fn is_live(&self) -> bool {
        let over = |pair: &[u8]| pair[0] == b'\r' && !matches!(pair[1], b'\n' | b'\r');
        let ends_over = self.tail.ends_with(b"\r");
        self.tail.windows(2).any(over) || ends_over || self.tail.contains(&0x08) || self.moves(b"AGHfF")
    }

    /// True if the cursor goes up: several lines are one picture.
    pub(super) fn goes_up(&self) -> bool {
        self.moves(b"AF")
    }

    /// True if a control sequence ends with one of these.
    fn moves(&self, finals: &[u8]) -> bool {
        let ends = |start: usize| {
            let rest = self.tail.get(start + 1..)?.strip_prefix(b"[")?;
            let end = rest.iter().find(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
            finals.contains(end).then_some(())
        };
        memchr::memchr_iter(0x1b, &self.tail).any(|start| ends(start).is_some())
    }
}

fn number(text: &str) -> Option<f64> {
    values::number(text)
}

/// Bytes as text, without control sequences; a backspace takes the character before it.
pub(super) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_sequence(&mut chars),
            '\x08' => drop(out.pop()),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']') => while chars.next().is_some_and(|c| c != '\x07' && c != '\x1b') {},
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(bytes: &str) -> Stream {
        let mut stream = Stream::default();
        stream.feed(bytes.as_bytes());
        stream
    }

    #[test]
    fn the_segment_is_what_was_written_last() {
        assert_eq!(stream("a\r\nb 1%\rb 2%").segment(), "b 2%");
        assert_eq!(stream("a\r\nb 1%\rb 2%\r").segment(), "b 2%");
        assert_eq!(stream("a\x1b[31mb\x1b[0m").segment(), "ab");
        assert_eq!(stream("tables:  0/64\x08\x08\x08\x08\x08 1/64").segment(), "tables:  1/64");
    }

    #[test]
    fn lines_written_over_are_told_from_lines_written_on() {
        assert!(!stream("one\r\ntwo\r\n\x1b[31mthree\x1b[0m\r\n").is_live());
        assert!(stream("one\rtwo").is_live());
        assert!(stream("one\x08\x08").is_live());
        assert!(stream("one\r\n\x1b[1Atwo").goes_up());
        assert!(!stream("one\rtwo").goes_up());
    }

    #[test]
    fn what_was_named_long_ago_is_remembered() {
        let mut stream = stream("  Duration: 00:00:20.00, start\r\ncollected 40 items\r\n");
        for _ in 0..1000 {
            stream.feed(b"something else entirely\r\n");
        }
        assert_eq!((stream.duration, stream.collected), (Some(20.0), Some(40.0)));
        stream.feed(b"Duration: N/A\r\n");
        assert_eq!(stream.duration, None);
        assert!(stream.tail.capacity() < 4 * TAIL);
    }
}
