//! Readings of real recordings, where they are at hand, and of lines as tools print them.

use std::path::Path;

use super::ProgressReader;
use crate::core::progress::Reading;
use crate::screen::Screen;
use crate::wire::shim::TerminalSize;

/// What a reader says after these bytes.
fn read(bytes: &[u8], cols: u16) -> Option<Reading> {
    let mut screen = Screen::new(TerminalSize { cols, rows: 30 }, 100, true);
    let mut reader = ProgressReader::default();
    screen.advance(bytes);
    reader.feed(bytes);
    let marks = screen.take_marks();
    reader.read(&screen, &marks)
}

fn line(text: &str) -> Option<Reading> {
    read(text.as_bytes(), 100)
}

#[test]
fn recordings_are_read_as_a_person_reads_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/progress");
    // The recordings are not part of the project.
    let Ok(table) = std::fs::read_to_string(dir.join("expected.tsv")) else { return };
    let mut wrong = Vec::new();
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let name = fields[0].split('#').next().expect("a name");
        let files = [dir.join(format!("{name}.raw")), dir.join(format!("synthetic/{name}.raw"))];
        let Some(bytes) = files.iter().find_map(|file| std::fs::read(file).ok()) else { continue };
        let offset: usize = fields[2].parse().expect("an offset");
        let reading = read(&bytes[..offset.min(bytes.len())], if name == "git-clone" { 90 } else { 100 });
        wrong.extend(differences(&fields, reading.as_ref()).map(|what| format!("{}: {what}", fields[0])));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a reading is not what the table expects.
fn differences(fields: &[&str], reading: Option<&Reading>) -> impl Iterator<Item = String> {
    let expected = |n: usize| fields[n].parse::<f64>().ok();
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 0.6,
        (a, b) => a.is_none() == b.is_none(),
    };
    let mut wrong = Vec::new();
    let mut check = |what: &str, got: Option<f64>, want: Option<f64>, strict: bool| {
        if (strict || want.is_some()) && !close(got, want) {
            wrong.push(format!("{what} is {got:?}, not {want:?}"));
        }
    };
    check("percent", reading.and_then(|r| r.fraction).map(|f| f * 100.0), expected(5), true);
    check("n", reading.and_then(|r| r.done), expected(6), false);
    check("m", reading.and_then(|r| r.total), expected(7), false);
    check("eta", reading.and_then(|r| r.eta).map(|eta| eta.as_secs_f64()), expected(9), false);
    let text = |n: usize| Some(fields[n]).filter(|text| *text != "-").map(ToOwned::to_owned);
    if text(10).is_some() && text(10) != reading.and_then(|r| r.rate.clone()) {
        wrong.push(format!("rate is {:?}, not {:?}", reading.and_then(|r| r.rate.clone()), text(10)));
    }
    let phase = reading.and_then(|r| r.phase.clone());
    if std::env::var_os("PHASES").is_some() && text(11) != phase {
        wrong.push(format!("phase is {phase:?}, not {:?}", text(11)));
    }
    if fields[3] == "none" && reading.is_some() {
        wrong.push(format!("{reading:?} where there is nothing"));
    }
    wrong.into_iter()
}

/// Percent, n, m, seconds left and rate, in one line.
fn said(text: &str) -> String {
    let Some(reading) = line(text) else { return "nothing".into() };
    let mut parts = vec![reading.fraction.map_or("busy".into(), |f| format!("{:.1}%", f * 100.0))];
    match (reading.done, reading.total) {
        (Some(n), Some(m)) => parts.push(format!("{n} of {m}")),
        (Some(n), None) => parts.push(format!("{n}")),
        (None, Some(m)) => parts.push(format!("of {m}")),
        (None, None) => {}
    }
    parts.extend(reading.eta.map(|eta| format!("eta {}", eta.as_secs())));
    parts.extend(reading.rate);
    parts.join(", ")
}

#[test]
fn lines_are_read_as_tools_print_them() {
    for (text, expected) in [
        ("x\r 45%|████▌     | 45/100 [00:04<00:05, 10.00it/s]", "45.0%, 45 of 100, eta 5, 10.00it/s"),
        ("x\r#########################                               45.3%", "45.3%"),
        ("x\r  45.3 %    1,234.5 KiB / 5,678.9 KiB = 0.217   12 MiB/s  0:05  0:06", "45.3%, 12 MiB/s"),
        (
            "x\rCompleted 25.0 MiB/100.0 MiB (12.3 MiB/s) with 1 file(s) remaining",
            "25.0%, 25 of 100, 12.3 MiB/s",
        ),
        ("x\r[0:05] 45.00%  12 files 1.2 GiB, total 30 files 3.4 GiB, 0 errors ETA 0:10", "45.0%, eta 10"),
        (
            "{\"message_type\":\"status\",\"percent_done\":0.25,\"total_bytes\":400,\"bytes_done\":100}\r\n",
            "25.0%, 100 of 400",
        ),
        ("x\r⠋ [00:00:05] [########>-----] 45/100 (5s)", "45.0%, 45 of 100"),
        ("x\r1.23 GB O 1.00 GB C 500.00 MB D 1234 N home/x", "busy, 1.23"),
        ("x\r\x1b[K⠙ Resolving dependencies", "busy"),
        ("45.0MiB 0:00:03 [14.8MiB/s] [=====>      ] 45% ETA 0:00:04\r", "45.0%, 45, eta 4, 14.8MiB/s"),
        ("#7 [2/5] RUN make\r\n", "40.0%, 2 of 5"),
        ("local:1/7/100%/0.1s\r", "busy, 7"),
        (" 50 40.0M   50 20.0M    0     0  8211k      0 --:--:--  0:00:02 --:--:-- 8208k", "busy, 20, 8208k"),
    ] {
        assert_eq!(said(text), expected, "{text:?}");
    }
}

#[test]
fn the_prose_of_logs_says_nothing() {
    for text in [
        "CPU 45%\r\n",
        "load is at 80% of 4 cores, 3/4 busy\r\n",
        "2026/11/20 21:48:26 started 1/2 of them\r\n",
        "11/20 21:48:26 [NOTICE] Downloading\rx",
        "GET /api/1/2 200 in 45ms\r\n",
        "tests: 40 passed, 100% of them\r\n",
        "CPU 45%\r\nCPU 80%\r\nCPU 20%\r\nCPU 90%\r\nCPU 30%\r\n",
        "hello world",
        "",
    ] {
        assert_eq!(said(text), "nothing", "{text:?}");
    }
}

#[test]
fn a_log_whose_lines_grow_is_progress() {
    let lines = |range: std::ops::Range<u32>| {
        range.map(|n| format!("loaded {}% of it\r\n", n * 10)).collect::<String>()
    };
    assert_eq!(said(&lines(1..3)), "nothing", "too few to tell");
    assert_eq!(said(&lines(1..7)), "60.0%");
    let dots: String =
        (1..6).map(|n| format!(" {}K ....... ....... {}% 30.1M 1s\r\n", n * 50, n * 12)).collect();
    assert_eq!(said(&dots), "60.0%, 250");
}

#[test]
fn a_shorter_text_does_not_take_the_tail_of_the_longer_one() {
    let text = "x\r   100,000  43%   19.53MB/s    0:00:04 (xfr#1, to-chk=2/3)\r    50,000   21%   9.5MB/s    0:00:09";
    assert_eq!(said(text), "21.0%, 50000, eta 9, 9.5MB/s");
}

#[test]
fn of_nested_bars_the_outer_one_is_the_job() {
    let text = "outer:  30%|███       | 3/10 [00:03<00:07,  1.00s/it]\r\ninner:  80%|████████  | 8/10 [00:00<00:00]\x1b[A";
    assert_eq!(said(text), "30.0%, 3 of 10, eta 7, 1.00s/it");
}

#[test]
fn what_has_the_screen_to_itself_reports_nothing() {
    assert_eq!(said("\x1b[?1049h\x1b[H 45% of it\r 50%"), "nothing");
}

#[test]
fn a_cleared_osc_progress_gives_the_word_back_to_the_lines() {
    let (mut screen, mut reader) =
        (Screen::new(TerminalSize { cols: 80, rows: 10 }, 10, true), ProgressReader::default());
    let mut read = |bytes: &[u8]| {
        screen.advance(bytes);
        reader.feed(bytes);
        let marks = screen.take_marks();
        reader.read(&screen, &marks).and_then(|reading| reading.fraction)
    };
    assert_eq!(read(b"\x1b]9;4;1;40\x07x\r 10%"), Some(0.4));
    assert_eq!(read(b"\r 20%"), Some(0.4));
    assert_eq!(read(b"\x1b]9;4;0\x07\r 30%"), Some(0.3));
}

#[test]
fn a_reading_fades_when_nobody_says_anything_any_more() {
    let (mut screen, mut reader) =
        (Screen::new(TerminalSize { cols: 80, rows: 10 }, 10, true), ProgressReader::default());
    let mut read = |bytes: &[u8]| {
        screen.advance(bytes);
        reader.feed(bytes);
        let marks = screen.take_marks();
        reader.read(&screen, &marks).is_some()
    };
    assert!(read(b"x\r[3/9] a\r\n"));
    assert!(read(&b"warning: something\r\n".repeat(15)), "a few lines of something else");
    assert!(!read(&b"hello\r\n".repeat(30)));
}
