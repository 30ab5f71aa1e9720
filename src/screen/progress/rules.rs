//! Rules: how one line of a tool says how far it is.
//!
//! Owns one function a rule, in the order of formats/progress.md; the first that speaks wins. A rule would rather
//! say nothing, or that it is busy, than something wrong.

use std::sync::LazyLock;

use super::stream::Stream;
use super::values::{self, Pattern, compile};
use crate::core::progress::{Reading, Source};

/// A line to be read, and what is known around it.
pub(super) struct Line<'a> {
    /// Its text, without blanks at its ends.
    pub(super) text: &'a str,
    /// The line above, if any.
    pub(super) above: &'a str,
    /// It, or its neighbours, are written over.
    pub(super) live: bool,
    /// The stream it is from.
    pub(super) stream: &'a Stream,
}

type Rule = fn(&Line<'_>) -> Option<Reading>;

/// In order; the first that speaks wins.
const RULES: [Rule; 12] =
    [json, curl, parallel, moving_mark, ffmpeg, terraform, pnpm, percent, amount, count, bar, rate_only];

/// What a line says.
pub(super) fn read(line: &Line<'_>) -> Option<Reading> {
    let says_something = line.text.bytes().any(|byte| byte.is_ascii_digit());
    let found = RULES.iter().filter(|_| says_something).find_map(|rule| rule(line));
    found.or_else(|| ansible(line)).or_else(|| spinner(line))
}

fn percent_reading(percent: f64, source: Source) -> Option<Reading> {
    (0.0..=100.0)
        .contains(&percent)
        .then(|| Reading { fraction: Some(percent / 100.0), ..Reading::new(source) })
}

fn count_reading(done: f64, total: f64, source: Source) -> Option<Reading> {
    let known = total > 0.0 && (0.0..=total).contains(&done);
    known.then(|| Reading {
        fraction: Some(done / total),
        done: Some(done),
        total: Some(total),
        ..Reading::new(source)
    })
}

/// restic and others with `--json`: a share from 0 to 1.
fn json(line: &Line<'_>) -> Option<Reading> {
    static SHARE: Pattern = LazyLock::new(|| {
        compile(r#""(?:percent_done|progress|fraction)": ?([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)"#)
    });
    static LEFT: Pattern = LazyLock::new(|| compile(r#""seconds_remaining": ?([0-9]+)"#));
    static TOTAL: Pattern = LazyLock::new(|| compile(r#""total_bytes": ?([0-9]+)"#));
    static DONE: Pattern = LazyLock::new(|| compile(r#""bytes_done": ?([0-9]+)"#));
    let text = line.text.strip_prefix('{').map(|_| line.text)?;
    let share: f64 = SHARE.captures(text)?[1].parse().ok()?;
    let field = |pattern: &Pattern| pattern.captures(text).and_then(|found| values::number(&found[1]));
    let reading = percent_reading(share * 100.0, Source::Json)?;
    Some(Reading {
        eta: field(&LEFT).and_then(values::seconds),
        done: field(&DONE),
        total: field(&TOTAL),
        unit: field(&TOTAL).map(|_| "bytes".into()),
        ..reading
    })
}

/// curl's table of twelve columns. Without a length, its first column is a constant 100.
fn curl(line: &Line<'_>) -> Option<Reading> {
    static ROW: Pattern = LazyLock::new(|| {
        compile(
            r"^([0-9]{1,3}) +(\S+) +([0-9]{1,3}) +(\S+) +[0-9]{1,3} +\S+ +(\S+) +\S+ +([-0-9]+:\S+) +([-0-9]+:\S+) +([-0-9]+:\S+) +(\S+)$",
        )
    });
    let found = ROW.captures(line.text)?;
    let size = |n: usize| values::number(found[n].trim_end_matches(|c: char| c.is_ascii_alphabetic()));
    let unit = |n: usize| found[n].trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
    let known = !found[6].starts_with('-');
    let reading = if known {
        percent_reading(found[1].parse().ok()?, Source::Table)?
    } else {
        Reading::new(Source::Busy)
    };
    Some(Reading {
        done: size(4),
        total: if known { size(2) } else { None },
        unit: Some(unit(4)).filter(|unit| !unit.is_empty()),
        eta: if known { values::time(&found[8]) } else { None },
        rate: Some(found[9].to_owned()),
        ..reading
    })
}

/// GNU parallel: its own percentage is the share of jobs that were started.
fn parallel(line: &Line<'_>) -> Option<Reading> {
    static HOST: Pattern = LazyLock::new(|| compile(r"[A-Za-z0-9_.@-]+:([0-9]+)/([0-9]+)/[0-9]+%/[0-9.]+s"));
    static LEFT: Pattern = LazyLock::new(|| compile(r"\bLeft: ([0-9]+)"));
    let mut hosts = HOST.captures_iter(line.text).peekable();
    hosts.peek()?;
    let done: f64 = hosts.filter_map(|found| values::number(&found[2])).sum();
    let Some(left) = LEFT.captures(line.text).and_then(|found| values::number(&found[1])) else {
        return Some(Reading { done: Some(done), unit: Some("jobs".into()), ..Reading::new(Source::Busy) });
    };
    let reading = count_reading(done, done + left, Source::Count)?;
    Some(Reading { unit: Some("jobs".into()), eta: values::eta(line.text), ..reading })
}

/// wget and pv without a length: a mark that moves to and fro.
fn moving_mark(line: &Line<'_>) -> Option<Reading> {
    static SIZE: Pattern = LazyLock::new(|| compile(r"(?:^|[ \]])([0-9][0-9.,]*)([kKMGT]i?B?|B)\b"));
    line.text.find("<=>")?;
    let size = SIZE.captures(line.text);
    Some(Reading {
        done: size.as_ref().and_then(|found| values::number(&found[1])),
        unit: size.map(|found| found[2].to_owned()),
        rate: values::rate(line.text),
        ..Reading::new(Source::Busy)
    })
}

/// ffmpeg: its clock within the length of its input.
fn ffmpeg(line: &Line<'_>) -> Option<Reading> {
    static TIME: Pattern = LazyLock::new(|| compile(r"\btime=([0-9]+):([0-9]+):([0-9.]+)"));
    static SPEED: Pattern = LazyLock::new(|| compile(r"\bspeed= *([0-9.]+(?:e[+-]?[0-9]+)?)x"));
    static FRAME: Pattern = LazyLock::new(|| compile(r"\bframe= *([0-9]+)"));
    if !line.text.contains("time=") || !line.text.contains("bitrate=") {
        return None;
    }
    let speed = SPEED.captures(line.text).map(|found| found[1].to_owned());
    let rate = speed.as_ref().map(|speed| format!("{speed}x"));
    let time = TIME.captures(line.text).and_then(|found| {
        Some(
            values::number(&found[1])? * 3600.0
                + values::number(&found[2])? * 60.0
                + values::number(&found[3])?,
        )
    });
    if let (Some(time), Some(length)) = (time, line.stream.duration.filter(|length| *length > 0.0)) {
        let reading = count_reading(time.min(length), length, Source::Time)?;
        let speed = speed.and_then(|speed| speed.parse::<f64>().ok()).filter(|speed| *speed > 0.0);
        let eta = speed.and_then(|speed| values::seconds((length - time).max(0.0) / speed));
        return Some(Reading { unit: Some("s".into()), eta, rate, ..reading });
    }
    let frame = FRAME.captures(line.text).and_then(|found| values::number(&found[1]));
    Some(Reading { done: frame, unit: frame.map(|_| "frames".into()), rate, ..Reading::new(Source::Busy) })
}

/// terraform: what is applied of what was planned.
fn terraform(line: &Line<'_>) -> Option<Reading> {
    static STEP: Pattern = LazyLock::new(|| {
        compile(
            r"^([^ :]+): (Creating|Modifying|Destroying|Still [a-z]+|Creation|Modifications|Destruction)\b",
        )
    });
    let found = STEP.captures(line.text)?;
    let reading = count_reading(line.stream.applied, line.stream.planned?, Source::Count)?;
    Some(Reading {
        unit: Some("resources".into()),
        phase: Some(format!("{} {}", &found[2], &found[1])),
        ..reading
    })
}

/// pnpm: packages at hand of those resolved, while more are being resolved.
fn pnpm(line: &Line<'_>) -> Option<Reading> {
    static ROW: Pattern =
        LazyLock::new(|| compile(r"^Progress: resolved ([0-9]+), reused ([0-9]+), downloaded ([0-9]+)"));
    let found = ROW.captures(line.text)?;
    let number = |n: usize| values::number(&found[n]);
    let reading = count_reading((number(2)? + number(3)?).min(number(1)?), number(1)?, Source::Count)?;
    Some(Reading { unit: Some("packages".into()), ..reading })
}

/// The first percentage of a line that is written over, or that begins or ends with it in brackets. In the prose of
/// a log, `CPU 45%` says nothing about progress.
fn percent(line: &Line<'_>) -> Option<Reading> {
    static PERCENT: Pattern = LazyLock::new(|| compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%"));
    static BRACKETED: Pattern =
        LazyLock::new(|| compile(r"(?:^\[ *|\[ *)([0-9]{1,3}(?:\.[0-9]+)?) ?%\](?:$| )"));
    let bracketed = BRACKETED.captures(line.text);
    let found = bracketed.filter(|found| at_an_end(line.text, &found[0])).or_else(|| {
        let found = PERCENT.captures(line.text)?;
        let before = &line.text[..found.get(0)?.start()];
        let glued = before.ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        (line.live && !glued).then_some(found)
    })?;
    let whole = found.get(0)?;
    let reading = percent_reading(found[1].parse().ok()?, Source::Percent)?;
    let (before, after) = (&line.text[..whole.start()], &line.text[whole.end()..]);
    // pytest writes the percentage at the end of one line, and then the name of the next test.
    let begun = line.stream.segment();
    let begun = Some(begun.trim()).filter(|begun| line.text.ends_with("%]") && !begun.ends_with("%]"));
    let counted = counts(line, after).or_else(|| counts(line, before));
    let (done, total, unit) = counted.map_or((None, None, None), |(n, m, unit)| (Some(n), Some(m), unit));
    let (done, total, unit) = match (done, line.stream.collected) {
        // pytest: the number of tests was said at its start.
        (None, Some(all)) if line.text.contains("::") || line.text.ends_with("%]") => {
            let done = reading.fraction.map(|fraction| (fraction * all).round());
            (done, Some(all), Some("tests".into()))
        }
        _ => (done, total, unit),
    };
    let (sole_done, sole_total, sole_unit) =
        if done.is_none() { sizes_beside(before, after) } else { (None, None, None) };
    Some(Reading {
        done: done.or(sole_done),
        total: total.or(sole_total),
        unit: unit.or(sole_unit),
        eta: values::eta(line.text).or_else(|| rsync_eta(line.text)),
        rate: values::rate(line.text),
        phase: begun.and_then(short).or_else(|| phase(line, before, after)),
        ..reading
    })
}

fn at_an_end(text: &str, found: &str) -> bool {
    text.starts_with(found.trim_start()) || text.ends_with(found.trim_end())
}

/// `n/m` beside a percentage, in any form that counts or sizes have.
fn counts(line: &Line<'_>, text: &str) -> Option<(f64, f64, Option<String>)> {
    // xz says compressed/uncompressed = ratio, rsync what is to be checked.
    if text.contains(" = 0.") || text.contains("to-chk=") || text.contains("ir-chk=") {
        return None;
    }
    let found = amounts(text).or_else(|| {
        static COUNT: Pattern =
            LazyLock::new(|| compile(r"([0-9][0-9,]*) ?/ ?([0-9][0-9,]*)(?: +([a-z]+)\b)?"));
        let found = COUNT.captures(text)?;
        let unit = found.get(3).map(|unit| unit.as_str().to_owned());
        Some((values::number(&found[1])?, values::number(&found[2])?, unit))
    })?;
    let unit =
        found.2.or_else(|| line.text.split(':').next().and_then(last_word).filter(|w| w.ends_with('s')));
    Some((found.0, found.1, unit))
}

fn last_word(text: &str) -> Option<String> {
    text.split_whitespace().next_back().map(ToOwned::to_owned)
}

/// Sizes that stand alone: what is done before or behind the percentage, what there is in all behind `of`.
fn sizes_beside(before: &str, after: &str) -> (Option<f64>, Option<f64>, Option<String>) {
    static TOTAL: Pattern = LazyLock::new(|| compile(r"^ *of +~? *([0-9][0-9.,]*) ?([kKMGT]?i?B)"));
    static DONE: Pattern = LazyLock::new(|| compile(r"(?:^|[ \]])([0-9][0-9.]*)([kKMGT]i?B?)(?: |$)"));
    static BYTES: Pattern = LazyLock::new(|| compile(r"^ *([0-9][0-9,]*) +$"));
    if let Some(found) = TOTAL.captures(after) {
        return (None, values::number(&found[1]), Some(found[2].to_owned()));
    }
    if let Some(found) = BYTES.captures(before) {
        return (values::number(&found[1]), None, Some("bytes".into()));
    }
    match DONE.captures(before).or_else(|| DONE.captures(after)) {
        Some(found) => (values::number(&found[1]), None, Some(found[2].to_owned())),
        None => (None, None, None),
    }
}

/// rsync: the time behind the rate is what is left, until the file is done.
fn rsync_eta(text: &str) -> Option<std::time::Duration> {
    static LEFT: Pattern =
        LazyLock::new(|| compile(r"[0-9]%  *[0-9.]+[kKMGT]?B/s +([0-9]+:[0-9]{2}:[0-9]{2})(?: *$)"));
    values::time(&LEFT.captures(text)?[1])
}

/// `A unit / B unit`, as sizes have.
fn amount(line: &Line<'_>) -> Option<Reading> {
    if line.text.contains(" = 0.") {
        return None;
    }
    let (done, total, unit) = amounts(line.text)?;
    let reading = count_reading(done, total, Source::Amount)?;
    Some(Reading {
        unit,
        eta: values::eta(line.text),
        rate: values::rate(line.text),
        phase: phase(line, "", ""),
        ..reading
    })
}

/// Two sizes with a slash between them, in the unit of the second.
fn amounts(text: &str) -> Option<(f64, f64, Option<String>)> {
    static AMOUNT: Pattern = LazyLock::new(|| {
        compile(
            r"([0-9][0-9.,]*) ?([kKMGT]?i?B|[kKMGT]|bytes)? ?/ ?([0-9][0-9.,]*) ?([kKMGT]?i?B|[kKMGT]|bytes)\b",
        )
    });
    let found = AMOUNT.captures(text)?;
    let unit = &found[4];
    let first = found.get(2).map_or(unit, |unit| unit.as_str());
    let scale = values::unit_bytes(first)? / values::unit_bytes(unit)?;
    Some((values::number(&found[1])? * scale, values::number(&found[3])?, Some(unit.to_owned())))
}

/// `[n/m]`, `(n/m)`, `n/m:`, and `n/m` alone where the line is written over.
fn count(line: &Line<'_>) -> Option<Reading> {
    static ENCLOSED: Pattern = LazyLock::new(|| compile(r"[\[(] *([0-9][0-9,]*) ?/ ?([0-9][0-9,]*) *[\])]"));
    static BARE: Pattern = LazyLock::new(|| {
        compile(r"(?:^|[ :\]|])([0-9][0-9,]*) ?/ ?([0-9][0-9,]*)(?:$|:|[ ,;](?: *([a-z]{3,})\b)?)")
    });
    let enclosed = ENCLOSED.captures(line.text);
    let found = enclosed.or_else(|| BARE.captures(line.text).filter(|_| line.live))?;
    let reading = count_reading(values::number(&found[1])?, values::number(&found[2])?, Source::Count)?;
    let (before, after) = (&line.text[..found.get(1)?.start()], &line.text[found.get(2)?.end()..]);
    // A date and its time look alike.
    if after.trim_start().get(2..3) == Some(":") {
        return None;
    }
    Some(Reading {
        unit: found.get(3).map(|unit| unit.as_str().to_owned()),
        eta: values::eta(line.text),
        rate: values::rate(line.text),
        phase: phase(line, before, after),
        ..reading
    })
}

/// The cells of a bar, where nothing else says a share: rustup.
fn bar(line: &Line<'_>) -> Option<Reading> {
    static BAR: Pattern = LazyLock::new(|| compile(r"\[([#=]*)[>]?([ .\-]*)\]"));
    let found = BAR.captures(line.text).filter(|found| found[0].len() >= 10 && line.live)?;
    let cells = found[0].len() - 2;
    let reading = count_reading(found[1].len() as f64, cells as f64, Source::Bar)?;
    let before = &line.text[..found.get(0)?.start()];
    Some(Reading {
        unit: Some("cells".into()),
        eta: values::eta(line.text),
        rate: values::rate(line.text),
        phase: phase(line, before, ""),
        ..reading
    })
}

/// dd and borg: how much and how fast, and nobody knows of how much.
fn rate_only(line: &Line<'_>) -> Option<Reading> {
    static DD: Pattern = LazyLock::new(|| compile(r"^([0-9]+) bytes .*copied, [0-9.]+ s, "));
    static BORG: Pattern = LazyLock::new(|| compile(r"^([0-9.]+) ([kMGT]?B) O [0-9.]+ [kMGT]?B C "));
    let found = DD.captures(line.text).or_else(|| BORG.captures(line.text)).filter(|_| line.live)?;
    let unit = found.get(2).map_or("bytes", |unit| unit.as_str()).to_owned();
    Some(Reading {
        done: values::number(&found[1]),
        unit: Some(unit),
        rate: values::rate(line.text),
        ..Reading::new(Source::Busy)
    })
}

/// ansible: the task it is at, of nobody knows how many.
fn ansible(line: &Line<'_>) -> Option<Reading> {
    static TASK: Pattern = LazyLock::new(|| compile(r"^TASK \[(.*)\] \*"));
    let tasks = line.stream.tasks?;
    let phase = TASK.captures(line.text).map(|found| found[1].to_owned())?;
    Some(Reading {
        done: Some(tasks.into()),
        unit: Some("tasks".into()),
        phase: Some(phase),
        ..Reading::new(Source::Busy)
    })
}

/// A mark that turns, alone or before some words.
fn spinner(line: &Line<'_>) -> Option<Reading> {
    let mut chars = line.text.chars();
    let mark = chars.next().filter(|c| is_spinner(*c) && line.live)?;
    let words = chars.as_str().trim();
    let turns =
        ('\u{2800}'..='\u{28ff}').contains(&mark) || words.is_empty() || chars.as_str().starts_with(' ');
    turns.then(|| Reading { phase: short(words), ..Reading::new(Source::Busy) })
}

pub(super) const fn is_spinner(c: char) -> bool {
    matches!(
        c,
        '\u{2800}'
            ..='\u{28ff}' | '◐' | '◓' | '◑' | '◒' | '◴' | '◷' | '◶' | '◵' | '|' | '/' | '\\' | '-'
    )
}

/// What the line says it does: before the numbers, or behind them, or in the line above.
fn phase(line: &Line<'_>, before: &str, after: &str) -> Option<String> {
    let before = before.trim_matches(|c: char| is_spinner(c) || " []()<>=#.━╸│:~*".contains(c));
    // yt-dlp and cargo: a word in brackets, or before a drawn bar.
    let before = before.split(['[', '<', '━', '█', '|']).next().unwrap_or_default().trim();
    let named = after.trim_start().strip_prefix(':').map(str::trim).filter(|named| !values_only(named));
    if !values_only(before) && before != "Progress" {
        return short(&format!("{before} {}", named.unwrap_or_default()));
    }
    let is_words = |text: &&str| text.starts_with(char::is_alphabetic) && !values_only(text);
    let behind = after.trim_start_matches([']', ')', ' ']).split([';', '[', '|', '(']).map(str::trim);
    if let Some(words) = behind.into_iter().find(is_words) {
        return short(words.split(',').next().unwrap_or_default());
    }
    let above = line.above.trim();
    (!values_only(above) && values::rate(above).is_none()).then(|| short(above)).flatten()
}

/// True if a text only measures: sizes, rates, times, names in hexadecimal, and the little words between them.
fn values_only(text: &str) -> bool {
    const LITTLE: [&str; 16] = [
        "of", "at", "in", "eta", "ETA", "left", "packs", "files", "items", "iB", "B", "it", "s", "done",
        "xfr", "DL",
    ];
    let word = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let hexadecimal = word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        word.is_empty()
            || word.starts_with(|c: char| c.is_ascii_digit())
            || hexadecimal
            || LITTLE.contains(&word)
    };
    text.split([' ', ':', '/', '(']).all(word)
}

/// The first words, without directories and versions.
fn short(text: &str) -> Option<String> {
    static VERSION: Pattern = LazyLock::new(|| compile(r"(?:-|==)v?[0-9]+\..*$"));
    let base = |word: &str| {
        let base = word.trim_end_matches('/').rsplit('/').next().unwrap_or(word);
        VERSION.replace(base, "").into_owned()
    };
    let words: Vec<String> =
        text.split_whitespace().take_while(|word| !word.starts_with('(')).take(5).map(base).collect();
    let text = words.join(" ").trim_end_matches([':', '.', ',', '…']).to_owned();
    (!text.is_empty()).then_some(text)
}
