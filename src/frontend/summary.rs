//! What is left on the normal screen when a session is over: bounded, whatever was printed.
//!
//! Owns the line a command, the last words of what failed, and the receipt. Never replays output.

use std::io::{self, Write};

use super::Look;
use super::text::{self, EndKind};
use crate::core::outcome::{Ending, Survivor};
use crate::core::view::RowView;
use crate::engine::Ended;

/// Lines for commands that ended well, at most; failures are always named.
const MOST_GOOD: usize = 20;
/// Commands whose last words are shown, at most,
const MOST_WORDS: usize = 10;
/// and how many lines of them.
const LAST_WORDS: usize = 5;
/// A line of output is cut after this many characters.
const LONGEST: usize = 200;

/// Prints it where a person looks after a screen has gone.
pub(crate) fn print_to_stdout(ended: &Ended, look: Look) {
    // A terminal that is gone has no use for it.
    let _unread = write(&mut io::stdout().lock(), ended, look);
}

/// Prints it beside lines that are no part of it.
pub(crate) fn print_to_stderr(ended: &Ended, look: Look) {
    let look = Look { color: look.color && io::IsTerminal::is_terminal(&io::stderr()), ..look };
    // Without standard error, there is nobody to tell.
    let _unread = write(&mut io::stderr().lock(), ended, look);
}

/// Writes the summary.
///
/// # Errors
/// If the writer fails.
fn write(out: &mut impl Write, ended: &Ended, look: Look) -> io::Result<()> {
    let rows: Vec<(&RowView, &Ending)> =
        ended.view.rows.iter().filter_map(|row| Some((&**row, row.ending.as_ref()?))).collect();
    let width = rows.iter().map(|(row, _)| row.name.chars().count()).max().unwrap_or(0);
    let mut good = 0;
    let mut words = 0;
    for (row, ending) in &rows {
        let kind = text::end_kind(&ending.outcome);
        good += usize::from(kind == EndKind::Good);
        if kind == EndKind::Good && good > MOST_GOOD {
            continue;
        }
        write_row(out, row, ending, width, look)?;
        if kind == EndKind::Bad && words < MOST_WORDS {
            words += 1;
            write_words(out, ended, row, look)?;
        }
    }
    if good > MOST_GOOD {
        writeln!(out, "  and {} more that succeeded", good - MOST_GOOD)?;
    }
    write_receipt(out, ended, &rows, look)
}

fn write_row(
    out: &mut impl Write,
    row: &RowView,
    ending: &Ending,
    width: usize,
    look: Look,
) -> io::Result<()> {
    let kind = text::end_kind(&ending.outcome);
    let (mark, ascii, color) = match kind {
        EndKind::Good => ("✓", "+", "32"),
        EndKind::Stopped => ("■", "-", "33"),
        EndKind::Bad => ("✗", "x", "31"),
    };
    let mark = if look.ascii { ascii } else { mark };
    let took = match (row.started, row.ended) {
        (Some(started), Some(ended)) => text::took(ended.since(started)),
        _ => String::new(),
    };
    let words = text::ending(ending);
    let line = format!("{:<width$}  {words}", row.name);
    let painted = paint(mark, color, look);
    if took.is_empty() {
        writeln!(out, "{painted} {line}")
    } else {
        writeln!(out, "{painted} {line}, {took}")
    }
}

/// The last lines of what failed, and where the rest is.
fn write_words(out: &mut impl Write, ended: &Ended, row: &RowView, look: Look) -> io::Result<()> {
    let lines = ended.last_words.get(&row.id).map(Vec::as_slice).unwrap_or_default();
    let bar = if look.ascii { "|" } else { "│" };
    for line in &lines[lines.len().saturating_sub(LAST_WORDS)..] {
        let cut: String = line.chars().take(LONGEST).collect();
        writeln!(out, "  {} {cut}", paint(bar, "2", look))?;
    }
    match (&row.note.log_fault, &row.note.log) {
        (Some(fault), _) => writeln!(out, "  no log: could not {fault}"),
        (None, Some(log)) if row.started.is_some() => writeln!(out, "  log: {log}"),
        (None, _) => Ok(()),
    }
}

/// What is left running: nothing, or by name.
fn write_receipt(
    out: &mut impl Write,
    ended: &Ended,
    rows: &[(&RowView, &Ending)],
    look: Look,
) -> io::Result<()> {
    let survivors: Vec<(&str, &Survivor)> = rows
        .iter()
        .flat_map(|(row, ending)| ending.survivors.iter().map(|survivor| (row.name.as_str(), survivor)))
        .collect();
    let took = text::took(ended.at.since_epoch());
    let unfinished = ended.view.rows.len() - rows.len();
    if unfinished > 0 {
        let text = format!("left at once: {unfinished} still being stopped by their shims");
        return writeln!(out, "{} after {took}", paint(&text, "31", look));
    }
    if survivors.is_empty() {
        return writeln!(out, "{} after {took}", paint("0 processes left", "1", look));
    }
    let text = format!("{} left", text::processes(survivors.len()));
    writeln!(out, "{} after {took}:", paint(&text, "1;31", look))?;
    for (name, survivor) in survivors {
        writeln!(out, "  {name}: {survivor}")?;
    }
    Ok(())
}

fn paint(text: &str, color: &str, look: Look) -> String {
    if look.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
}
