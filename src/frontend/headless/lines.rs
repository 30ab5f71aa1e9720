//! Lines behind names: one log, cut into lines as it grows.

/// A line that has not ended is printed after this many bytes all the same.
const LONGEST: usize = 64 << 10;

/// Cuts the bytes of one command into lines.
#[derive(Debug)]
pub(super) struct Lines {
    rest: Vec<u8>,
    tty: bool,
}

impl Lines {
    /// Lines of a command; of one with a terminal, which writes CR LF for every LF, if `tty`.
    pub(super) const fn new(tty: bool) -> Self {
        Self { rest: Vec::new(), tty }
    }

    /// Takes in `bytes`; `line` gets every whole line, without its end.
    pub(super) fn feed(&mut self, bytes: &[u8], line: &mut impl FnMut(&[u8])) {
        let mut bytes = bytes;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
            if self.rest.is_empty() {
                line(self.strip(head));
            } else {
                self.rest.extend_from_slice(head);
                let whole = std::mem::take(&mut self.rest);
                line(self.strip(&whole));
            }
            bytes = tail;
        }
        self.rest.extend_from_slice(bytes);
        if self.rest.len() > LONGEST {
            line(&std::mem::take(&mut self.rest));
        }
    }

    /// Nothing more comes: what is left is a line, too.
    pub(super) fn end(&mut self, line: &mut impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            line(&std::mem::take(&mut self.rest));
        }
    }

    /// Takes back the one CR that the terminal has put before the LF.
    fn strip<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        line.strip_suffix(b"\r").filter(|_| self.tty).unwrap_or(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(tty: bool, chunks: &[&str]) -> Vec<String> {
        let (mut lines, mut out) = (Lines::new(tty), Vec::new());
        let mut push = |line: &[u8]| out.push(String::from_utf8_lossy(line).into_owned());
        for chunk in chunks {
            lines.feed(chunk.as_bytes(), &mut push);
        }
        lines.end(&mut push);
        out
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        assert_eq!(cut(true, &["a\r\nb", "c\r", "\n\r\nd"]), ["a", "bc", "", "d"]);
        assert_eq!(cut(false, &["a\r\nb\n"]), ["a\r", "b"]);
        assert_eq!(cut(true, &["a\r\r\n"]), ["a\r"], "only the terminal's own CR is taken back");
    }

    #[test]
    fn a_line_without_end_is_printed_in_pieces() {
        let long = "x".repeat(LONGEST);
        let pieces = cut(true, &[&long, "yz"]);
        assert_eq!(pieces.iter().map(String::len).sum::<usize>(), LONGEST + 2);
        assert_eq!(pieces.len(), 1);
    }
}
